"""What Android tells through its own programs: it hides much of /sys and has no /etc/os-release."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edge_ocr.benchmark.facts.commands import output
from edge_ocr.benchmark.facts.files import as_name
from edge_ocr.benchmark.facts.thermal import is_temperature

_SEVERITIES = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
"""Android's thermal status; android.os.PowerManager, THERMAL_STATUS_NONE and following."""


@dataclass(frozen=True)
class Heat:
    """How hot a phone is, and what it does against it.

    Attributes:
        throttling: such as `moderate thermal throttling`; None where there is none, or it is not told.
        temperatures: sensor -> degrees Celsius.
    """

    throttling: str | None
    temperatures: dict[str, float]


def is_here(root: Path) -> bool:
    """Whether the tree is that of an Android device."""
    return (root / "system/bin/getprop").exists()


def model() -> str | None:
    """Maker and model."""
    return " ".join(filter(None, (_property("ro.product.manufacturer"), _property("ro.product.model")))) or None


def soc() -> str | None:
    """The chip: its model since Android 12, its code name before."""
    return _property("ro.soc.model") or _property("ro.board.platform")


def release() -> str | None:
    """`Android` and its version."""
    version = _property("ro.build.version.release")
    return f"Android {version}" if version else None


def heat() -> Heat:
    """What the thermal service, there since Android 10, says."""
    said = output("dumpsys", "thermalservice") or ""
    status = re.search(r"^Thermal Status: ([1-6])\s*$", said, re.MULTILINE)
    now = said.partition("Current temperatures from HAL:")[2].partition("Current cooling devices")[0]
    sensors = re.findall(r"\{mValue=([0-9]{1,3}(?:\.[0-9]{1,6})?), mType=[0-9]+, mName=([\w.-]{1,60}),", now)
    return Heat(
        throttling=f"{_SEVERITIES[int(status.group(1))]} thermal throttling" if status else None,
        temperatures={name: float(value) for value, name in sensors if is_temperature(name, float(value))},
    )


def _property(name: str) -> str | None:
    return as_name(output("getprop", name))
