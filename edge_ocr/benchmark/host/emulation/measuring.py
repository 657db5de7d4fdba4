"""How many instructions a bundle executes on an emulated CPU, and in which kernels."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_ocr.benchmark import counting
from edge_ocr.benchmark.host.devices.base import PYTHON, Finished
from edge_ocr.benchmark.host.emulation.counts import (
    Blocks,
    hot_reference_kernels,
    hottest,
    kernels_of,
    read_counts,
    read_maps,
    together,
)
from edge_ocr.benchmark.host.emulation.cpus import CPU
from edge_ocr.benchmark.host.emulation.emulator import Emulator
from edge_ocr.benchmark.host.tools import check_tools
from edge_ocr.benchmark.host.wheels import runtime_files
from edge_ocr.benchmark.result import Count, Instructions
from edge_ocr.cache import digest_of, run_stage
from edge_ocr.errors import BenchmarkError

REPEATABLE = 1e-4
"""Largest relative difference between the counts of two equal runs that is no reason to doubt them."""

TIMEOUT = 3600.0
"""Seconds that a measurement may take by default."""


@dataclass(frozen=True)
class Measurement:
    """What was counted in one process on one emulated CPU.

    Attributes:
        instructions: of each model, and of the page where one was read.
        problems: a sentence for each model whose two counted runs differ, and for each hot reference kernel.
        page: text of each of its lines, in reading order.
        lines: name of the picture of a line -> its text.
    """

    instructions: Instructions
    problems: tuple[str, ...]
    page: tuple[str, ...]
    lines: Mapping[str, str]


def measure(
    emulator: Emulator,
    cpu: CPU,
    *,
    bundle: Path | None = None,
    models: Sequence[str] = (),
    page: Path | None = None,
    lines: Path | None = None,
    arrays: Path | None = None,
    timeout: float = TIMEOUT,
    on_line: Callable[[str], None] = lambda line: None,
) -> Measurement:
    """Count the models of a bundle or models by themselves, and the reading of a page.

    Args:
        emulator: whose Python has the engine that the models need.
        cpu: to emulate.
        bundle: folder or packed bundle.
        models: each `FILE@HEIGHTxWIDTH`, with a path from the current folder.
        page: picture to read with the bundle.
        lines: folder of pictures of lines to read with the bundle, without counting.
        arrays: .npz file to write to: by the names of the models and the pictures of lines, their outputs.
        timeout: seconds after which it is given up.
        on_line: told what the emulated program writes to standard error.

    Raises:
        BenchmarkError: a C compiler or nm is missing, or the emulated program fails; its own sentence where it has one.
        DeviceError: it took longer than `timeout`.
    """
    check_tools("cc", "nm")
    arguments = [f"--model={Path(model).absolute()}" for model in models]
    for option, path in (("bundle", bundle), ("page", page), ("lines", lines), ("arrays", arrays)):
        if path is not None:
            arguments.append(f"--{option}={path.absolute()}")
    with tempfile.TemporaryDirectory(prefix="edge-ocr-") as scratch:
        folder = Path(scratch)
        finished = emulator.run(
            cpu, [PYTHON, "-m", counting.__name__, "--output=counted.json", *arguments], folder,
            counts=folder / "counts", environment={"PYTHONPATH": f"{emulator.site}:{_runtime()}"},
            timeout=timeout, on_line=on_line,
        )  # fmt: skip
        if finished.status:
            raise BenchmarkError(_complaint(cpu, finished))
        counted = json.loads((folder / "counted.json").read_bytes())
        return _put_together(cpu, counted, read_counts(folder / "counts"), emulator.versions())


def _runtime() -> Path:
    """Folder with the runtime as it is sent to devices; in the cache, where Python compiles it once."""
    files = runtime_files()

    def make(folder: Path) -> None:
        for name, file in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / name)

    return run_stage("runtimes", digest_of(files), make)


def _complaint(cpu: CPU, finished: Finished) -> str:
    lines = finished.complaint.strip().splitlines()
    if finished.status < 0:
        reason = f"signal {-finished.status} ended it, as when memory runs out; try again"
    elif lines:
        reason = lines[-1].removeprefix("counting: ")
    else:
        reason = f"it ended with status {finished.status} and did not say why; try again"
    return f"the measurement on an emulated {cpu.name} fails: {reason}"


def _put_together(
    cpu: CPU, counted: Mapping[str, Any], booked: Mapping[int, Blocks], versions: Mapping[str, str]
) -> Measurement:
    """The measurement from the guest's JSON and the plugin's counts."""
    maps = read_maps(counted["maps"])
    blocks = {name: booked[number] for number, name in enumerate(counted["accounts"])}
    problems: list[str] = []

    def count(name: str, executed: Blocks, sha256: str) -> Count:
        kernels = kernels_of(executed, maps)
        problems.extend(
            f"{name}: the reference kernel {kernel.name} takes {kernel.share:.1%} of the instructions"
            for kernel in hot_reference_kernels(kernels)
        )
        return Count(executed.total, hottest(kernels), sha256)

    models = {name: count(name, blocks[name], sha256) for name, sha256 in counted["outputs"].items()}
    for name, model in models.items():
        again = blocks[name + counting.AGAIN].total
        if abs(again - model.instructions) > REPEATABLE * model.instructions:
            problems.append(f"{name}: two equal runs took {model.instructions:,} and {again:,} instructions")
    stages = {name: each for name, each in blocks.items() if name.startswith(counting.PAGE)}
    page = None
    if stages:
        sha256 = hashlib.sha256("\n".join(counted["page"]).encode()).hexdigest()
        page = count("page", together(stages.values()), sha256)
    by_stage = {name.removeprefix(counting.PAGE): each.total for name, each in stages.items()}
    return Measurement(
        Instructions(cpu.name, {**versions, **counted["versions"]}, models, page, by_stage),
        tuple(problems),
        tuple(counted["page"]),
        counted["lines"],
    )
