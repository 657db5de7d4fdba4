"""What 64-bit ARM CPUs would execute, found out on a PC.

`emulator` runs ARM programs on a CPU of `cpus`, with `plugin.c` counting instructions; `counts` gives them to kernels;
`measuring` does both to bundles and models; `recorded` holds the default bundle to what it took last time.
"""
