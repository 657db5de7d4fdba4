"""A benchmark on a device, whichever it is: everything sent there, the probe run, its answer fetched and checked.

On an emulated CPU, where time means nothing, instructions are counted instead; see `emulated`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from edge_ocr import __version__
from edge_ocr.benchmark.host.devices.base import Device, Finished
from edge_ocr.benchmark.host.emulated import count
from edge_ocr.benchmark.host.environment import prepare
from edge_ocr.benchmark.host.planning import Plan
from edge_ocr.benchmark.result import AGAIN, BundleResult, Result, parse_result
from edge_ocr.bundle import PACKED_SUFFIX, Bundle
from edge_ocr.bundle_writing import pack
from edge_ocr.cache import sha256_of
from edge_ocr.errors import BenchmarkError, DeviceError

_PATIENCE = 4 * 3600.0
"""Seconds that a device may take: hours on the smallest board with many repeats, but not for ever."""
_PROBE = "edge_ocr.benchmark.probe"
_ANSWER = "result.json"
_BUNDLES, _PICTURES = "bundles", "pictures"
"""Folders on the device, so that nothing hides a module there."""

Note = Callable[[str], None]


def measure(device: Device, plan: Plan, note: Note) -> Result:
    """Run a benchmark on a device, which is clean afterwards, however it ends.

    Args:
        device: not entered yet.
        plan: what is to be measured.
        note: told, in a line each, how far it is.

    Raises:
        DeviceError: the device cannot be reached, cannot run it, or breaks off.
        BenchmarkError: what has to be sent there cannot be fetched, or the answer is none to what was asked.
    """
    if device.emulated:
        return count(device.name, plan, note)
    files = dict(_packed(plan.bundles)) | {f"{_PICTURES}/{name}": path for name, path in plan.pictures.items()}
    with device:
        python = prepare(device, [bundle.manifest for bundle in plan.bundles], plan.settings.engine, note)
        device.push(files)
        finished = device.run(
            [*python, "-m", _PROBE, *_arguments(plan)],
            timeout=_PATIENCE,
            on_line=lambda line: note(f"{device.name}: {line}"),
        )
        if finished.status:
            raise DeviceError(f"{device.name}: {_failure(finished)}")
        answer = parse_result(device.pull(_ANSWER), f"the answer of {device.name}")
    return _checked(answer, plan, device.name)


def _packed(bundles: Sequence[Bundle]) -> Iterator[tuple[str, Path | bytes]]:
    with tempfile.TemporaryDirectory(prefix="edge-ocr-bench-") as folder:
        for number, bundle in enumerate(bundles):
            packed = bundle.path
            if packed.is_dir():
                packed = Path(folder) / f"{number}{PACKED_SUFFIX}"
                pack(bundle.path, packed)
            yield _bundle_name(number), packed.read_bytes()


def _bundle_name(number: int) -> str:
    return f"{_BUNDLES}/{number}{PACKED_SUFFIX}"


def _arguments(plan: Plan) -> Iterator[str]:
    """Of the probe; see there."""
    settings = plan.settings
    yield from ("--output", _ANSWER, "--bundle", _bundle_name(0))
    if len(plan.bundles) > 1:
        yield from ("--against", _bundle_name(1))
    yield from ("--pictures", *(f"{_PICTURES}/{name}" for name in plan.pictures))
    yield from ("--threads", ",".join(map(str, settings.threads)))
    yield from ("--repeats", str(settings.repeats), "--warm-up", str(settings.warm_up))
    yield from ("--cold-starts", str(settings.cold_starts))
    if settings.engine is not None:
        yield from ("--engine", settings.engine)
    if settings.det_side is not None:
        yield from ("--det-side", str(settings.det_side))


def _failure(finished: Finished) -> str:
    """Why a program on the device has ended early, in a sentence."""
    if finished.status < 0:
        return (
            f"the probe was ended there by signal {-finished.status}, as when memory runs out; "
            "close other programs there, or try fewer threads"
        )
    lines = [line for line in finished.complaint.splitlines() if line.strip()]
    said = lines[-1].removeprefix("error: ") if lines else "it did not say why; try again"
    return f"the probe ended there with status {finished.status}: {said}"


def _checked(answer: Result, plan: Plan, device: str) -> Result:
    """The answer, once it is certain that it is one to what was asked, with the names that the user knows."""
    threads = {tuple(run.threads for run in bundle.runs) for bundle in answer.bundles}
    pictures = [(f"{_PICTURES}/{name}", sha256_of(path)) for name, path in plan.pictures.items()]
    for what, right in (
        ("bundles", _are_of(answer.bundles, plan.bundles)),
        ("pictures", [(picture.name, picture.sha256) for picture in answer.pictures] == pictures),
        ("settings", answer.settings == plan.settings and threads == {plan.settings.threads}),
    ):
        if not right:
            raise BenchmarkError(f"{device} has answered for other {what} than it was asked for; {AGAIN}")
    if answer.edge_ocr != __version__:
        raise BenchmarkError(
            f"{device} has measured an edge-ocr {answer.edge_ocr} of its own, not the {__version__} that was sent "
            "there; remove that one from its PYTHONPATH"
        )
    known = tuple(replace(picture, name=name) for picture, name in zip(answer.pictures, plan.pictures, strict=True))
    return replace(answer, device=device, pictures=known)


def _are_of(measured: Sequence[BundleResult], bundles: Sequence[Bundle]) -> bool:
    """Whether measured bundles say of themselves, such as their size and accuracy, what these bundles say."""
    return len(measured) == len(bundles) and all(
        each == BundleResult.of(bundle, each.engine, runs=each.runs)
        for each, bundle in zip(measured, bundles, strict=True)
    )
