"""A benchmark on an emulated CPU: the instructions of the models and of a page, put together as a result."""

from __future__ import annotations

import datetime
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from edge_ocr import __version__
from edge_ocr.benchmark.facts import DeviceFacts, read_facts
from edge_ocr.benchmark.host.emulation.cpus import CPU
from edge_ocr.benchmark.host.emulation.emulator import Emulator, cpu_named, pinned_requirements
from edge_ocr.benchmark.host.emulation.measuring import Measurement, measure
from edge_ocr.benchmark.host.planning import Plan
from edge_ocr.benchmark.result import SCHEMA, BundleResult, EngineFacts, MeasuredPicture, Result, Settings
from edge_ocr.bundle import Bundle
from edge_ocr.engines import package_for
from edge_ocr.errors import BenchmarkError
from edge_ocr.pictures import decode, read_file

_MACHINE, _BITS = "aarch64", 64
_COUNTED = Settings(threads=(1,), repeats=1, warm_up=1, cold_starts=0, engine=None, det_side=None)


def count(device: str, plan: Plan, note: Callable[[str], None]) -> Result:
    """Count what each bundle of a plan executes on a device `qemu:CPU`.

    Raises:
        DeviceError: there is no such CPU, or no emulator for this machine.
        BenchmarkError: the plan asks for what is not counted, or the emulated program fails.
    """
    cpu = cpu_named(device.removeprefix("qemu:"))
    _check(plan)
    ((name, picture),) = plan.pictures.items()
    date = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    emulator = Emulator.prepare(note, requirements=tuple(_requirements(plan)))
    measured = []
    for bundle in plan.bundles:
        note(f"{device}: counting {bundle.name} ({bundle.manifest.precision}), which takes some minutes")
        measured.append(measure(emulator, cpu, bundle=bundle.path, page=picture, on_line=note))
    content = read_file(picture)
    height, width = decode(content, name).shape[:2]
    return Result(
        schema=SCHEMA,
        edge_ocr=__version__,
        date=date,
        device=device,
        facts=_facts(cpu, measured[0]),
        health=None,
        problems=tuple(problem for each in measured for problem in each.problems),
        advice=(),
        pictures=(MeasuredPicture(name, hashlib.sha256(content).hexdigest(), width, height, len(measured[0].page)),),
        settings=_COUNTED,
        bundles=tuple(_bundle(bundle, each) for bundle, each in zip(plan.bundles, measured, strict=True)),
        speed_ups=(),
    )


def _check(plan: Plan) -> None:
    """Refuse what only a benchmark in milliseconds can do."""
    if len(plan.pictures) > 1:
        raise BenchmarkError(f"an emulated CPU reads one page, and {len(plan.pictures)} pictures are named; name one")
    for option, value in (("--engine", plan.settings.engine), ("--det-side", plan.settings.det_side)):
        if value is not None:
            raise BenchmarkError(
                f"{option} {value} is not for an emulated CPU, where counts must compare; leave it out"
            )


def _requirements(plan: Plan) -> Iterator[str]:
    """Wheels that the bundles need and the emulated Python does not have anyway."""
    pinned = [requirement.partition("==")[0] for requirement in pinned_requirements()]
    for bundle in plan.bundles:
        package, oldest = package_for(None, bundle.manifest.format, bundle.manifest.min_runtime)
        if package not in pinned:
            yield f"{package}>={oldest}"


def _bundle(bundle: Bundle, measured: Measurement) -> BundleResult:
    package, _ = package_for(None, bundle.manifest.format, bundle.manifest.min_runtime)
    counted = measured.instructions
    return BundleResult.of(bundle, EngineFacts(package, counted.versions[package]), instructions=counted)


def _facts(cpu: CPU, measured: Measurement) -> DeviceFacts:
    """What the emulated system says of itself."""
    with tempfile.TemporaryDirectory(prefix="edge-ocr-bench-") as root:
        for name, content in cpu.files().items():
            file = Path(root) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        seen = read_facts(Path(root))
    versions = measured.instructions.versions
    return replace(seen, machine=_MACHINE, bits=_BITS, python=versions["python"], versions={}, memory_bytes=None)
