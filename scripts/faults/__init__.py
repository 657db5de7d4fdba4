"""Drivers of the fault runs: damaged input, kills, full disks. `scripts/fault_run.py` and the tests share them."""
