"""How fast a bundle reads on a device, and what it costs there.

`probe` runs on the device with nothing but the runtime; `counting` runs there instead where the device is an emulated
CPU; `host` chooses the device, sends them there and holds their answer against `targets`.
"""
