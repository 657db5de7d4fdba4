"""How hot the kernel's thermal zones are, and what it does against it."""

from __future__ import annotations

import re
from pathlib import Path

from edge_ocr.benchmark.facts.files import counted, fields, line, matching, number

_PLACEHOLDERS = ("PMIC", "PMIC-Die")
"""Sensors that always say 100 (Jetson Nano) or 50 degrees (tegrastats)."""
_CPU_COOLING = re.compile(r"Processor|(thermal-)?cpufreq-.*|cpu-throttle-alert|cpu-balanced|cpu-isolate[0-9]*")
"""Cooling devices that slow or stop cores: of ACPI, of most ARM boards, of Jetson Orin, of Jetson Nano, of Qualcomm.
Fans, and what cools a GPU or a modem, are none of them."""


def is_temperature(sensor: str, celsius: float) -> bool:
    """Whether a sensor may mean it: those that are switched off say 0, -40, -256 or anything, and some are none."""
    return sensor not in _PLACEHOLDERS and 0 < celsius < 125


def temperatures(root: Path) -> dict[str, float]:
    """Type of each thermal zone -> degrees Celsius; zones of the same type are told apart by their numbers.

    In thousandths of a degree in the kernel: Documentation/driver-api/thermal/sysfs-api.rst.
    """
    found: dict[str, float] = {}
    for zone in matching(root, "sys/class/thermal/thermal_zone*"):
        kind, value = line(zone / "type") or zone.name, number(zone / "temp")
        if value is not None and is_temperature(kind, value / 1000):
            found[f"{kind} ({zone.name})" if kind in found else kind] = value / 1000
    return found


def slowed_by_heat(root: Path) -> bool:
    """Whether the kernel slows or stops cores at this moment because of heat."""
    return any(
        _CPU_COOLING.fullmatch(line(device / "type") or "") and (number(device / "cur_state") or 0) > 0
        for device in matching(root, "sys/class/thermal/cooling_device*")
    )


def throttling_events(root: Path) -> dict[str, int]:
    """Kind -> how often a CPU has been slowed since the start: an x86 one by heat, a container's by its quota.

    Each x86 core counts for itself, so that one occasion may count several times.
    """
    events: dict[str, int] = {}
    counts = [number(path) for path in matching(root, "sys/devices/system/cpu/cpu*/thermal_throttle/*_throttle_count")]
    if any(count is not None for count in counts):
        events["thermal throttling"] = sum(count or 0 for count in counts)
    if (waits := counted(fields(root / "sys/fs/cgroup/cpu.stat"), "nr_throttled")) is not None:
        events["CPU quota used up"] = waits
    return events
