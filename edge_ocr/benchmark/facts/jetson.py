"""What NVIDIA's Jetson boards say of their power mode, their supply and their clocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from edge_ocr.benchmark.facts.commands import output
from edge_ocr.benchmark.facts.files import as_name, line, matching, number, text
from edge_ocr.benchmark.facts.thermal import is_temperature

_OVER_CURRENT = {
    "oc1": "under-voltage",
    "oc2": "average over-current",
    "oc3": "instantaneous over-current",
}
"""Counters of the hardware's throttling on Orin; Jetson Linux Developer Guide, "Jetson Orin Nano Series, ...",
Electrical Management."""


@dataclass(frozen=True)
class Sample:
    """One line of tegrastats.

    Attributes:
        temperatures: sensor -> degrees Celsius.
        power_mw: supply rail -> milliwatts at this moment.
    """

    temperatures: dict[str, float]
    power_mw: dict[str, int]


def power_mode(root: Path) -> str | None:
    """The name of the power mode; without `nvpmodel`, as in a container, what its files say."""
    found = re.search(r"^NV Power Mode: (.+)$", output("nvpmodel", "-q") or "", re.MULTILINE)
    return as_name(found.group(1)) if found else _recorded_mode(root)


def _recorded_mode(root: Path) -> str | None:
    """The mode that was set last (`pmode:0001`), by its name in the table of modes."""
    status = re.search(r"\bpmode:([0-9]{1,4})\b", text(root / "var/lib/nvpmodel/status") or "")
    modes = re.findall(
        r"^<\s*POWER_MODEL\s+ID=([0-9]{1,4})\s+NAME=(\S+)\s*>", text(root / "etc/nvpmodel.conf") or "", re.MULTILINE
    )
    if not status:
        return None
    return next((as_name(name) for mode, name in modes if int(mode) == int(status.group(1))), None)


def release(root: Path) -> str | None:
    """Jetson Linux's own version: `L4T 35.4.1` of `# R35 (release), REVISION: 4.1, ...`."""
    found = re.match(
        r"# R([0-9]+) \(release\), REVISION: ([0-9]+(?:\.[0-9]+)*)", line(root / "etc/nv_tegra_release") or ""
    )
    return f"L4T {found.group(1)}.{found.group(2)}" if found else None


def over_currents(root: Path) -> dict[str, int]:
    """Kind -> how often the hardware has throttled for it since the start."""
    counts: dict[str, int] = {}
    for monitor in matching(root, "sys/class/hwmon/hwmon*"):
        if line(monitor / "name") == "soctherm_oc":
            for prefix, kind in _OVER_CURRENT.items():
                if (count := number(monitor / f"{prefix}_event_cnt")) is not None:
                    counts[kind] = count
    return counts


def sample() -> Sample:
    """The first line that tegrastats prints; empty where there is none."""
    return parse_sample(output("tegrastats", "--interval", "100", only_line=True) or "")


def parse_sample(row: str) -> Sample:
    """A line of tegrastats: of JetPack 4 (`CPU@38C POM_5V_IN 1750/1628`) or later (`cpu@44.5C VDD_IN 4944mW/4944mW`).

    Sensors that are switched off (-256 degrees) and the supply chip's placeholder are left out.
    """
    temperatures = re.findall(r"\b(\w+)@(-?[0-9]{1,4}(?:\.[0-9]{1,4})?)C\b", row)
    rails = re.findall(r"\b([A-Z][A-Z0-9_]*) ([0-9]{1,7})(?:mW)?/[0-9]{1,7}(?:mW)?(?![0-9A-Za-z])", row)
    return Sample(
        temperatures={name: float(value) for name, value in temperatures if is_temperature(name, float(value))},
        power_mw={name: int(value) for name, value in rails if name not in _MEMORIES},
    )


_MEMORIES = ("RAM", "SWAP", "IRAM")
"""What tegrastats prints like a rail, used/total."""
