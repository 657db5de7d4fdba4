"""The cores of a CPU: what they are, what they can do, how fast they may run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_ocr.benchmark.facts.files import as_name, line, number, text, whole

_DESIGNS = {
    0x41: {  # Arm
        0xB76: "ARM1176",
        0xC07: "Cortex-A7",
        0xC08: "Cortex-A8",
        0xC09: "Cortex-A9",
        0xC0F: "Cortex-A15",
        0xD03: "Cortex-A53",
        0xD04: "Cortex-A35",
        0xD05: "Cortex-A55",
        0xD07: "Cortex-A57",
        0xD08: "Cortex-A72",
        0xD09: "Cortex-A73",
        0xD0A: "Cortex-A75",
        0xD0B: "Cortex-A76",
        0xD0C: "Neoverse-N1",
        0xD0D: "Cortex-A77",
        0xD40: "Neoverse-V1",
        0xD41: "Cortex-A78",
        0xD42: "Cortex-A78AE",
        0xD44: "Cortex-X1",
        0xD46: "Cortex-A510",
        0xD47: "Cortex-A710",
        0xD48: "Cortex-X2",
        0xD49: "Neoverse-N2",
        0xD4D: "Cortex-A715",
        0xD4E: "Cortex-X3",
        0xD4F: "Neoverse-V2",
        0xD80: "Cortex-A520",
        0xD81: "Cortex-A720",
        0xD82: "Cortex-X4",
        0xD84: "Neoverse-V3",
        0xD8E: "Neoverse-N3",
    },
    0x4E: {0x003: "Denver 2", 0x004: "Carmel"},  # NVIDIA
    0x51: {  # Qualcomm; Silver are A53 or A55, Gold A73, A75 or A76 with changes
        0x800: "Kryo 2xx Gold",
        0x801: "Kryo 2xx Silver",
        0x802: "Kryo 3xx Gold",
        0x803: "Kryo 3xx Silver",
        0x804: "Kryo 4xx Gold",
        0x805: "Kryo 4xx Silver",
    },
}
"""Implementer -> part -> name, of the main identification register; Linux, arch/arm64/include/asm/cputype.h."""

INT8_FEATURES = ("asimddp", "i8mm", "avx2", "avx_vnni", "avx512_vnni", "amx_int8")
"""The instructions that make int8 fast: dot products and matrix products, on ARM and on x86."""
_FEATURES = ("neon", "asimd", "fphp", "asimdhp", "bf16", "sve", "sve2", "sme", *INT8_FEATURES)
_MOST_CORES = 8192
"""That a kernel can be built for; Linux, arch/x86/Kconfig, NR_CPUS."""


@dataclass(frozen=True)
class Core:
    """One core that is online.

    Attributes:
        design: such as `Cortex-A72`.
        mhz: its clock now: as the hardware says where that may be read, which is often root's right, else as the kernel
            asked for.
        limit_mhz: the highest that the kernel allows now.
        max_mhz: the highest that the hardware offers.
        held: whether the kernel may not go below `limit_mhz` either.
        governor: the kernel's policy for the frequency.
    """

    design: str | None
    mhz: int | None
    limit_mhz: int | None
    max_mhz: int | None
    held: bool
    governor: str | None


def cores(root: Path) -> list[Core]:
    """The cores that are online, in the kernel's order."""
    return [_core(root, index, values) for index, values in sorted(_processors(root).items())]


def governor(cores: Sequence[Core]) -> str | None:
    """The policies of some cores, each once."""
    return ", ".join(dict.fromkeys(core.governor for core in cores if core.governor)) or None


def features(root: Path) -> tuple[str, ...]:
    """Which of the instructions that decide how fast a network runs every core has."""
    lists = [values.get("Features", values.get("flags")) for values in _processors(root).values()]
    known = [set(each.split()) for each in lists if each]
    common = set.intersection(*known) if known else set()
    return tuple(feature for feature in _FEATURES if feature in common)


def board_in_cpuinfo(root: Path) -> str | None:
    """The board that a Raspberry Pi's /proc/cpuinfo names after its cores; a container sees it there alone."""
    return next((as_name(value) for key, value in _rows(root) if key == "Model"), None)


def _processors(root: Path) -> dict[int, dict[str, str]]:
    """Number of a core that is online -> its rows in /proc/cpuinfo."""
    processors: dict[int, dict[str, str]] = {}
    current: dict[str, str] = {}
    for key, value in _rows(root):
        if key == "processor" and (index := whole(value)) is not None and 0 <= index < _MOST_CORES:
            current = processors.setdefault(index, {})
        else:
            current.setdefault(key, value)
    # Kernels before 3.18 state what all cores share once, after the last of them.
    last = next(reversed(processors.values()), {})
    return {index: {**last, **values} for index, values in processors.items()}


def _rows(root: Path) -> Iterator[tuple[str, str]]:
    for row in (text(root / "proc/cpuinfo") or "").splitlines():
        key, separator, value = row.partition(":")
        if separator:
            yield key.strip(), value.strip()


def _core(root: Path, index: int, values: dict[str, str]) -> Core:
    frequencies = root / f"sys/devices/system/cpu/cpu{index}/cpufreq"
    limit, least = _mhz(frequencies / "scaling_max_freq"), _mhz(frequencies / "scaling_min_freq")
    return Core(
        design=_design(values),
        mhz=_mhz(frequencies / "cpuinfo_cur_freq") or _mhz(frequencies / "scaling_cur_freq"),
        limit_mhz=limit,
        max_mhz=_mhz(frequencies / "cpuinfo_max_freq"),
        held=limit is not None and limit == least,
        governor=line(frequencies / "scaling_governor"),
    )


def _mhz(path: Path) -> int | None:
    khz = number(path)
    return round(khz / 1000) if khz is not None and khz > 0 else None


def _design(values: dict[str, str]) -> str | None:
    try:
        implementer, part = int(values["CPU implementer"], 16), int(values["CPU part"], 16)
    except (KeyError, ValueError):
        return as_name(values.get("model name", "").partition(" @ ")[0])  # Intel's names end in a frequency
    return _DESIGNS.get(implementer, {}).get(part, f"CPU {implementer:#04x}/{part:#05x}")
