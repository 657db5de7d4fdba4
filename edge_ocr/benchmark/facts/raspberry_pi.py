"""What a Raspberry Pi's firmware says of its power supply and its heat."""

from __future__ import annotations

import re
from pathlib import Path

from edge_ocr.benchmark.facts.commands import output
from edge_ocr.benchmark.facts.files import line, matching, number

_BITS = ("under-voltage", "frequency cap", "throttling", "soft temperature limit")
"""Of get_throttled, bit 0 first: so at this moment. 16 higher: so at some time since the start.
https://www.raspberrypi.com/documentation/computers/os.html#get_throttled"""


def throttling(root: Path) -> tuple[tuple[str, ...], dict[str, int]]:
    """What slows the CPU now, and what has since the start, each kind with 0 or 1; empty where the board does not say.

    `vcgencmd` is asked first, as it alone asks the firmware: the kernel's file holds what the driver found when it
    asked last, two seconds ago or longer, and that driver forgets what has been (drivers/hwmon/raspberrypi-hwmon.c).
    """
    flags = _ask_firmware()
    if flags is None:
        flags = _ask_kernel(root)
    if flags is None:
        return _under_voltage_alarm(root), {}
    now = tuple(kind for bit, kind in enumerate(_BITS) if flags >> bit & 1)
    return now, {kind: flags >> 16 + bit & 1 for bit, kind in enumerate(_BITS)}


def _ask_firmware() -> int | None:
    found = re.search(r"throttled=0x([0-9a-fA-F]{1,8})\b", output("vcgencmd", "get_throttled") or "")
    return int(found.group(1), 16) if found else None


def _ask_kernel(root: Path) -> int | None:
    for path in matching(root, "sys/devices/platform/soc*/*firmware/get_throttled"):
        if (value := line(path)) and re.fullmatch(r"[0-9a-fA-F]{1,8}", value):
            return int(value, 16)
    return None


def _under_voltage_alarm(root: Path) -> tuple[str, ...]:
    """Whether the voltage was low in the last two seconds: all that a kernel without the maker's own changes tells."""
    for monitor in matching(root, "sys/class/hwmon/hwmon*"):
        if line(monitor / "name") == "rpi_volt" and number(monitor / "in0_lcrit_alarm"):
            return (_BITS[0],)
    return ()
