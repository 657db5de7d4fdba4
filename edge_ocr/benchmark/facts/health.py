"""How a device fares at one moment: hot, throttled, starved, busy with something else."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from edge_ocr.benchmark.facts import android, board, cpu, jetson, raspberry_pi, thermal
from edge_ocr.benchmark.facts.files import counted, fields, kilobytes, line, matching, number, text, whole


@dataclass(frozen=True)
class Clock:
    """The clock of the cores that can run equally fast, in MHz.

    Attributes:
        cores: how many they are.
        max_mhz: the highest that the hardware offers.
        limit_mhz: the highest that the kernel allows each of them now, which a power mode, a user or heat may lower.
        mhz: of the fastest of them now.
        governor: the kernel's policy, such as `ondemand`.
    """

    cores: int
    max_mhz: int
    limit_mhz: int | None
    mhz: int | None
    governor: str | None


@dataclass(frozen=True)
class ProcessorTime:
    """Seconds of all cores together since the device started.

    Attributes:
        total: busy or not.
        busy: with anything; on a virtual machine with other machines, too.
        own: with this process and with those of its children that have ended.
    """

    total: float
    busy: float
    own: float


@dataclass(frozen=True)
class Health:
    """What changes while a benchmark runs. None or empty: not to be found out.

    Attributes:
        temperatures: thermal zone -> degrees Celsius.
        clocks: the slowest cores first.
        throttled_by: what slows the CPU at this moment: `under-voltage`, `heat`, ...
        events: kind -> how often it has happened since the device started; a Raspberry Pi tells only 0 or 1.
        load: processes that ran or waited, the mean of the last minute.
        processor_time: for the share of the CPU that others take between two moments.
        memory_available_bytes: what programs can still have without swapping.
        swap_used_bytes: what lies in swap.
        swapped_bytes: moved into and out of swap since the device started.
        on_battery: whether it runs on one, with no supply connected; None where it has none.
        power_mw: a Jetson's supply rail -> milliwatts.
    """

    temperatures: Mapping[str, float]
    clocks: tuple[Clock, ...]
    throttled_by: tuple[str, ...]
    events: Mapping[str, int]
    load: float | None
    processor_time: ProcessorTime | None
    memory_available_bytes: int | None
    swap_used_bytes: int | None
    swapped_bytes: int | None
    on_battery: bool | None
    power_mw: Mapping[str, int]


def read_health(root: Path = Path("/")) -> Health:
    """How the device fares whose file system begins at `root`.

    Call it in the process that does the work, whose CPU time is told from that of others. Programs of a board's own
    (`vcgencmd`, `tegrastats`, `dumpsys`) are run as `read_facts` does.
    """
    clocks = _clocks(cpu.cores(root))  # first: they fall within milliseconds of the end of the work
    processor_time = _processor_time(root)
    heat = android.heat() if android.is_here(root) else None
    throttled_by, events = _throttling(root, heat)
    sample = jetson.sample() if board.is_jetson(root) else None
    sensors = sample or heat  # where the zones are hidden
    memory = fields(root / "proc/meminfo")
    return Health(
        temperatures=thermal.temperatures(root) or (sensors.temperatures if sensors else {}),
        clocks=clocks,
        throttled_by=throttled_by,
        events=events,
        load=_load(root),
        processor_time=processor_time,
        memory_available_bytes=kilobytes(memory, "MemAvailable"),
        swap_used_bytes=_swap_used(memory),
        swapped_bytes=_swapped(root),
        on_battery=_on_battery(root),
        power_mw=sample.power_mw if sample else {},
    )


def _clocks(cores: list[cpu.Core]) -> tuple[Clock, ...]:
    def most(core: cpu.Core) -> int:
        return core.max_mhz or 0

    equally_fast = ((mhz, list(group)) for mhz, group in groupby(sorted(cores, key=most), most) if mhz)
    return tuple(
        Clock(
            cores=len(group),
            max_mhz=mhz,
            limit_mhz=min((core.limit_mhz for core in group if core.limit_mhz), default=None),
            mhz=max((core.mhz for core in group if core.mhz), default=None),
            governor=cpu.governor(group),
        )
        for mhz, group in equally_fast
    )


def _throttling(root: Path, heat: android.Heat | None) -> tuple[tuple[str, ...], dict[str, int]]:
    """What slows the CPU at this moment, and kind -> how often something has since the start."""
    now: list[str] = []
    events = thermal.throttling_events(root)
    if board.is_raspberry_pi(root):
        active, occurred = raspberry_pi.throttling(root)
        now += active
        events |= occurred
    if board.is_jetson(root):
        events |= jetson.over_currents(root)
    if heat and heat.throttling:
        now.append(heat.throttling)
    if thermal.slowed_by_heat(root):
        now.append("heat")
    return tuple(now), events


def _load(root: Path) -> float | None:
    found = re.match(r"[0-9]{1,9}\.[0-9]{2} ", text(root / "proc/loadavg") or "")
    return float(found.group()) if found else None


def _processor_time(root: Path) -> ProcessorTime | None:
    """From the first row of /proc/stat, which proc(5) explains, and from the process itself."""
    words = (text(root / "proc/stat") or "").partition("\n")[0].split()[1:9]
    ticks = [count for word in words if (count := whole(word)) is not None]
    if len(ticks) < 8:
        return None
    second, total, (idle, waiting) = os.sysconf("SC_CLK_TCK"), sum(ticks), ticks[3:5]
    return ProcessorTime(total / second, (total - idle - waiting) / second, own=round(sum(os.times()[:4]), 2))


def _swap_used(memory: dict[str, str]) -> int | None:
    total, free = kilobytes(memory, "SwapTotal"), kilobytes(memory, "SwapFree")
    return None if total is None or free is None else total - free


def _swapped(root: Path) -> int | None:
    paging = fields(root / "proc/vmstat")
    read, written = counted(paging, "pswpin"), counted(paging, "pswpout")
    return None if read is None or written is None else (read + written) * os.sysconf("SC_PAGE_SIZE")


def _on_battery(root: Path) -> bool | None:
    """Of a laptop or a phone; Documentation/ABI/testing/sysfs-class-power. The battery of a mouse has scope Device."""
    supplies = [path for path in matching(root, "sys/class/power_supply/*") if line(path / "scope") != "Device"]
    if not any(line(path / "type") == "Battery" for path in supplies):
        return None
    return not any(line(path / "type") != "Battery" and number(path / "online") == 1 for path in supplies)
