"""The devices that a benchmark can run on: this machine, and others by SSH, by ADB or emulated."""

from __future__ import annotations

from collections.abc import Callable

from edge_ocr.benchmark.host.devices.base import Device
from edge_ocr.errors import DeviceError

FORMS = "local, ssh://user@host[:port], adb:SERIAL or qemu:CPU"
"""How a device is named."""


def open_device(name: str, note: Callable[[str], None]) -> Device:
    """The device of that name, to be entered with `with`; nothing has been asked of it yet.

    Args:
        name: one of `FORMS`.
        note: called with what the user should know while something takes its time.

    Raises:
        DeviceError: no device is named like that.
    """
    if name == "local":
        from edge_ocr.benchmark.host.devices.local import LocalDevice

        return LocalDevice(name)
    if name.startswith("ssh://"):
        from edge_ocr.benchmark.host.devices.ssh import SshDevice

        return SshDevice(name)
    if name.startswith("adb:"):
        from edge_ocr.benchmark.host.devices.adb import AdbDevice

        return AdbDevice(name, note)
    if name.startswith("qemu:"):
        from edge_ocr.benchmark.host.devices.qemu import QemuDevice

        return QemuDevice(name, note)
    raise DeviceError(f"no device is named '{name}'; name it as {FORMS}")
