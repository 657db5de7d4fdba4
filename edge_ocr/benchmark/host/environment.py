"""What a device needs so that edge_ocr runs there, and getting it there: nothing is installed, and no network needed.

A Python there that has it all is used as it is. Else this machine fetches the libraries for the device's processor, and
where the device has no Python that could use them, one with a C library of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from edge_ocr.benchmark.host.devices.archive import size_of
from edge_ocr.benchmark.host.devices.base import PYTHON, Device
from edge_ocr.benchmark.host.devices.shell import last_line
from edge_ocr.benchmark.host.python_root import VERSION, push_python
from edge_ocr.benchmark.host.wheels import runtime_files, site_for
from edge_ocr.engines import engine_packages, package_for
from edge_ocr.errors import DeviceError
from edge_ocr.manifest import Manifest

_MACHINES = ("aarch64", "x86_64")
"""Processors, as `uname -m` calls them, that the libraries are built for."""

_OLDEST_GLIBC = 28
"""Of the C libraries 2.N the oldest that the libraries are built for."""

_PATIENCE = 300.0
"""Seconds that importing everything may take: it can be the first read from a slow card, on an emulated processor."""

_EXAMINE = """\
import json, platform, struct, sys
print(json.dumps({"glibc": platform.libc_ver()[1], "bits": struct.calcsize("P") * 8}))
try:
    import cv2, numpy, PIL.Image
    from edge_ocr.engines import open_engine
    for wanted in json.loads(sys.argv[1]):
        open_engine(*wanted)
except Exception as problem:
    sys.exit(str(problem))
"""
"""Program that tells of the Python that runs it, and ends with a complaint where that lacks something."""


@dataclass(frozen=True)
class _Found:
    """What a Python on a device is good for.

    Attributes:
        lack: why edge_ocr does not run on it; "" where it does.
        glibc: N of its C library 2.N; 0 for another one, such as musl.
        bits: of its pointers, which can be fewer than those of the system's kernel.
    """

    lack: str
    glibc: int
    bits: int


def prepare(
    device: Device, manifests: Sequence[Manifest], engine: str | None, note: Callable[[str], None]
) -> tuple[str, ...]:
    """Bring edge_ocr and what it needs into the working folder of a device.

    The modules lie in the working folder itself, where Python looks first.

    Args:
        device: entered.
        manifests: of the bundles that are to run there.
        engine: the name of an engine or of a package, as for `open_engine`; None: any.
        note: told, in a line each, what takes a while.

    Returns:
        The words to begin the arguments of `Device.run` with, so that a Python runs there that has it all.

    Raises:
        EngineError: no package runs these bundles, on any device.
        DeviceError: there is no room for it, or it cannot run there.
        BenchmarkError: it cannot be fetched.
    """
    wanted = [(engine, manifest.format, dict(manifest.min_runtime)) for manifest in manifests]
    requirements = _requirements(wanted)
    _push(device, runtime_files())
    python: tuple[str, ...] = (PYTHON,)
    found = _examine(device, python, wanted) if device.python is not None else None
    if found is not None and not found.lack:
        return python
    if device.machine not in _MACHINES:
        raise DeviceError(
            f"{device.name} runs a system for {device.machine}, to which nothing can be sent that it lacks "
            f"({found.lack if found else 'Python'}); install a 64-bit system, or all that edge-ocr needs by hand"
        )
    if found is None or device.python is None or found.glibc < _OLDEST_GLIBC or found.bits < 64:
        python = push_python(device, note)
        site = site_for(requirements, python=VERSION, machine=device.machine, note=note)
    else:
        note(f"{device.name}: {found.lack}; so everything is sent there")
        site = site_for(requirements, python=device.python, machine=device.machine, glibc_minor=found.glibc, note=note)
    _push(device, {each.name: each for each in site.iterdir()})
    if lack := _examine(device, python, wanted).lack:
        raise DeviceError(f"{device.name} does not run what was sent there: {lack}; install edge-ocr there by hand")
    return python


def _requirements(wanted: Sequence[tuple[str | None, str, Mapping[str, str]]]) -> list[str]:
    """What pip is to fetch so that `open_engine` works with each of these arguments: the libraries, and the engines."""
    engines = sorted({package_for(*each) for each in wanted})
    others = engine_packages().difference(package for package, _ in engines)
    requirements = [
        requirement
        for requirement in metadata.requires("edge-ocr") or ()
        if ";" not in requirement and re.split(r"[^\w.-]", requirement)[0] not in others  # not of an extra
    ]
    return requirements + [f"{package}>={oldest}" for package, oldest in engines]


def _examine(device: Device, python: Sequence[str], wanted: Sequence[object]) -> _Found:
    """Try a Python of the device."""
    finished = device.run([*python, "-c", _EXAMINE, json.dumps(wanted)], timeout=_PATIENCE, on_line=lambda line: None)
    if finished.status < 0:
        lack = f"Python there was ended by signal {-finished.status}"
    elif finished.status:
        lack = last_line(finished.complaint) or f"Python there ended with status {finished.status}"
    else:
        lack = ""
    try:
        told = json.loads(finished.output.splitlines()[0])
        return _Found(lack, int(told["glibc"].partition(".")[2] or 0), int(told["bits"]))
    except (ValueError, LookupError, TypeError, AttributeError):
        return _Found(lack or "Python there does not answer", 0, 0)


def _push(device: Device, files: Mapping[str, Path | bytes]) -> None:
    """Push files, once it is certain that there is room for them; DeviceError where there is not."""
    needed = size_of(files)
    finished = device.run(["df", "-P", "-k", "."], timeout=_PATIENCE, on_line=lambda line: None)
    # Blocks of 1 KiB: all, used, free. Before them stands a name, which may have several words; a device without df, or
    # with another, tells later when the room is used up.
    if (row := re.search(rb" (\d+) +(\d+) +(\d+) +\d+% ", finished.output)) and int(row[3]) * 1024 < needed:
        raise DeviceError(
            f"{device.name} has {int(row[3]) // 1024} MB free where its temporary files go, but {-(-needed >> 20)} MB "
            "are needed; make room there"
        )
    device.push(files)
