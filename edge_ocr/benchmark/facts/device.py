"""What a device is: its board, its CPU, its system and the versions of what runs there."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from edge_ocr.benchmark.facts import android, board, cpu, jetson
from edge_ocr.benchmark.facts.files import as_name, fields, kilobytes, line, text


@dataclass(frozen=True)
class Cluster:
    """Cores that are alike.

    Attributes:
        cores: how many of them are online, as the kernel counts: each hyper-thread.
        cpu: their design, such as `Cortex-A72`; None where it is not known.
        max_mhz: the highest frequency that the hardware offers, in MHz.
    """

    cores: int
    cpu: str | None
    max_mhz: int | None


@dataclass(frozen=True)
class DeviceFacts:
    """What does not change while a benchmark runs. None or empty: not to be found out.

    Attributes:
        board: as its maker calls it, such as `Raspberry Pi 4 Model B Rev 1.4`.
        soc: the chip, such as `BCM2711`.
        machine: of the kernel, as `uname -m` says, such as `aarch64`.
        bits: of the running Python, 32 or 64; a 64-bit kernel may carry a 32-bit system.
        clusters: of the cores that are online, the slowest first.
        features: the CPU's instructions that decide how fast a network runs, as the kernel calls them: `asimddp`.
        governor: the kernel's policy for the frequency, such as `ondemand`; of several, all of them.
        memory_bytes: all that the kernel manages.
        system: the operating system's name and version.
        kernel: its release.
        python: the version of the running Python.
        versions: package -> version of what the benchmark runs on.
        power_mode: of a Jetson, as `nvpmodel -q` names it: `MAXN`.
        jetson_clocks: whether a Jetson's clocks are held at their highest; None on other boards.
    """

    board: str | None
    soc: str | None
    machine: str
    bits: int
    clusters: tuple[Cluster, ...]
    features: tuple[str, ...]
    governor: str | None
    memory_bytes: int | None
    system: str | None
    kernel: str | None
    python: str
    versions: Mapping[str, str]
    power_mode: str | None
    jetson_clocks: bool | None


def read_facts(root: Path = Path("/")) -> DeviceFacts:
    """What the device is whose file system begins at `root`.

    `machine`, `bits`, `python` and `versions` are of the running process. Programs of a board's own (`nvpmodel`,
    `getprop`) are run from PATH, for a few seconds at most, and only where the tree is of such a board.
    """
    cores = cpu.cores(root)
    is_jetson = board.is_jetson(root)
    return DeviceFacts(
        board=board.board(root),
        soc=board.soc(root),
        machine=platform.machine(),
        bits=64 if sys.maxsize > 2**32 else 32,
        clusters=_clusters(cores),
        features=cpu.features(root),
        governor=cpu.governor(cores),
        memory_bytes=kilobytes(fields(root / "proc/meminfo"), "MemTotal"),
        system=_system(root),
        kernel=line(root / "proc/sys/kernel/osrelease"),
        python=platform.python_version(),
        versions=_versions(),
        power_mode=jetson.power_mode(root) if is_jetson else None,
        jetson_clocks=all(core.held for core in cores) if is_jetson and cores else None,
    )


def describe(facts: DeviceFacts) -> str:
    """The device in one line: board, chip, cores, memory, governor, system, Python; what is not known is left out."""
    helpful = ", ".join(feature for feature in facts.features if feature in cpu.INT8_FEATURES)
    parts = (
        facts.board,
        facts.soc,
        " + ".join(map(_describe_cluster, facts.clusters)) + (f" ({helpful})" if helpful else ""),
        facts.machine,
        _describe_memory(facts.memory_bytes) if facts.memory_bytes else None,
        f"governor {facts.governor}" if facts.governor else None,
        f"power mode {facts.power_mode}" if facts.power_mode else None,
        "jetson_clocks on" if facts.jetson_clocks else None,
        facts.system,
        f"Python {facts.python}" + (" of 32 bits" if facts.bits == 32 else ""),
    )
    return ", ".join(filter(None, parts))


def _clusters(cores: list[cpu.Core]) -> tuple[Cluster, ...]:
    def kind(core: cpu.Core) -> tuple[int, str]:
        return core.max_mhz or 0, core.design or ""

    return tuple(
        Cluster(cores=len(alike), cpu=alike[0].design, max_mhz=alike[0].max_mhz)
        for alike in (list(group) for _, group in groupby(sorted(cores, key=kind), kind))
    )


def _describe_cluster(cluster: Cluster) -> str:
    name = cluster.cpu or ("core" if cluster.cores == 1 else "cores")
    speed = f" at {cluster.max_mhz / 1000:.3g} GHz" if cluster.max_mhz else ""
    return f"{cluster.cores} x {name}{speed}"


def _describe_memory(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _system(root: Path) -> str | None:
    if android.is_here(root):
        return android.release()
    for path in ("etc/os-release", "usr/lib/os-release"):
        for row in (text(root / path) or "").splitlines():
            key, _, value = row.partition("=")
            if key == "PRETTY_NAME" and (name := as_name(value.strip("\"'"))):
                return ", ".join(filter(None, (name, jetson.release(root))))
    return jetson.release(root)


_PACKAGES = {
    "numpy": "numpy",
    "opencv": "cv2",
    "pillow": "PIL",
    "ai-edge-litert": "ai_edge_litert",
    "tflite-runtime": "tflite_runtime",
    "tensorflow": "tensorflow",
    "onnxruntime": "onnxruntime",
}
"""Package -> its module. OpenCV's module comes in packages of several names."""


def _versions() -> dict[str, str]:
    """Of the packages that the process has imported: to import the others would cost more than it tells."""
    found = {package: getattr(sys.modules.get(module), "__version__", None) for package, module in _PACKAGES.items()}
    return {package: str(version) for package, version in found.items() if version}
