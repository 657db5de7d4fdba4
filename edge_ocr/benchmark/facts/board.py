"""Which board this is, and the chip on it."""

from __future__ import annotations

from pathlib import Path

from edge_ocr.benchmark.facts import android
from edge_ocr.benchmark.facts.cpu import board_in_cpuinfo
from edge_ocr.benchmark.facts.files import ATTRIBUTE_BYTES, as_name, line, text

_DEVICE_TREES = ("proc/device-tree", "sys/firmware/devicetree/base")
_PLACEHOLDERS = {"to be filled by o.e.m.", "system product name", "system manufacturer", "default string", "none"}
"""What makers of PCs leave in the firmware (DMI) where a name should be."""


def board(root: Path) -> str | None:
    """The board or machine as its maker calls it."""
    if android.is_here(root):
        return android.model()
    return _device_tree_model(root) or board_in_cpuinfo(root) or _dmi_model(root)


def soc(root: Path) -> str | None:
    """The system on a chip; None on PCs."""
    if android.is_here(root) and (model := android.soc()):
        return model
    # From the board to the chip, the most general last: "raspberrypi,4-model-b", "brcm,bcm2711".
    names = _compatible(root)
    return names[-1].rpartition(",")[2].upper() if names else line(root / "sys/devices/soc0/machine")


def is_raspberry_pi(root: Path) -> bool:
    """Whether it has the firmware of a Raspberry Pi."""
    return (_device_tree_model(root) or board_in_cpuinfo(root) or "").startswith("Raspberry Pi")


def is_jetson(root: Path) -> bool:
    """Whether it is NVIDIA's; the release file is what a container is given of it."""
    return any(name.startswith("nvidia,tegra") for name in _compatible(root)) or bool(
        line(root / "etc/nv_tegra_release")
    )


def _device_tree_model(root: Path) -> str | None:
    return next((model for tree in _DEVICE_TREES if (model := line(root / tree / "model"))), None)


def _compatible(root: Path) -> list[str]:
    """The names under which drivers know the board, each ended by NUL in the device tree."""
    for tree in _DEVICE_TREES:
        if content := text(root / tree / "compatible", ATTRIBUTE_BYTES):
            return [name for part in content.split("\0") if (name := as_name(part))]
    return []


def _dmi_model(root: Path) -> str | None:
    words = (line(root / "sys/class/dmi/id" / name) for name in ("sys_vendor", "product_name"))
    return " ".join(word for word in words if word and word.lower() not in _PLACEHOLDERS) or None
