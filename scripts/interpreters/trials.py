"""The interpreters at work, never two at the same time, so that a noisy machine is noisy for all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from comparison.errors import ComparisonError
from comparison.measurement import decode

from converters.environments import Worker
from converters.errors import WorkerError
from converters.evaluation.datasets import LabelledPage
from converters.progress import Progress
from converters.tflite.inspection import Delegation, delegation_among
from edge_ocr.cache import cache_directory
from interpreters.environments import Interpreter
from interpreters.operators import operator_versions

START_SECONDS = 180.0
"""tensorflow reads 1 GB from the disk before it is imported."""
PAGE_SECONDS = 60.0
"""For a page, read or repeated; no usable interpreter takes a tenth of it."""
BUDGET_SECONDS = 240.0
"""For all timed pages of one interpreter. A slow one reads fewer pages."""

_WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class Reading:
    """A page as one interpreter reads it.

    Attributes:
        seconds: from the decoded picture to the text.
        texts: of the lines.
        boxes: (4, 2) float32 each, in page pixels.
    """

    seconds: float
    texts: tuple[str, ...]
    boxes: tuple[npt.NDArray[np.float32], ...]


@dataclass(frozen=True)
class Repetition:
    """An inference of the newest ai-edge-litert, run by another interpreter on the same tensor.

    Attributes:
        model: detector, direction or recognizer.
        identical: whether the outputs are equal bit for bit.
        largest: difference between two of their values.
        text: of a recognizer, whether both outputs come to the same characters; None for other models.
    """

    model: str
    identical: bool
    largest: float
    text: bool | None


@dataclass
class Trial:
    """How an interpreter fares.

    Attributes:
        interpreter: which.
        problem: why it was not tried, or was given up; None where all went well.
        started: whether it was tried.
        delegations: model -> what XNNPACK runs of it, of the models that it loads.
        readings: of the first pages, as many as it had time for.
        repetitions: of the newest ai-edge-litert's inferences on these pages.
        operators: operator -> the highest version that it has.
    """

    interpreter: Interpreter
    problem: str | None = None
    started: bool = False
    delegations: dict[str, Delegation] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    repetitions: list[Repetition] = field(default_factory=list)
    operators: Mapping[str, int] = field(default_factory=dict)

    @property
    def goes_on(self) -> bool:
        """Whether it is to read one more page."""
        return self.problem is None and sum(reading.seconds for reading in self.readings) < BUDGET_SECONDS


def try_all(
    interpreters: Sequence[Interpreter],
    bundle: str | None,
    kinds: Sequence[str],
    pages: Sequence[LabelledPage],
    folder: Path,
    progress: Progress,
) -> list[Trial]:
    """Let every interpreter load the models and read the pages, one page in turn.

    Args:
        interpreters: the first is the one that the others are held against.
        bundle: as for `Bundle.open`.
        kinds: of its models.
        pages: in order.
        folder: empty, for the decoded pages and the tensors.
        progress: tells how far it is.

    Raises:
        ComparisonError: the first interpreter does not read a page.
        PictureError: a page is no picture.
    """
    trials = [Trial(interpreter) for interpreter in interpreters]
    with ExitStack() as stack:
        running = []
        for trial in trials:
            with _given_up(trial, progress):
                worker = stack.enter_context(_started(trial, trial.interpreter.make(progress)))
                _load(trial, worker, bundle, kinds)
                running.append((trial, worker))
        read_in_turn(trials[0], running, pages, folder, progress)
        for trial, worker in running:
            if trial.problem is None:
                with _given_up(trial, progress):
                    trial.operators = operator_versions(worker)
    return trials


def read_in_turn(
    first: Trial,
    running: Sequence[tuple[Trial, Worker]],
    pages: Sequence[LabelledPage],
    folder: Path,
    progress: Progress,
) -> None:
    """Fill trials with readings and repetitions.

    A page is decoded once. The first interpreter records its inferences, the others repeat them, which also warms
    all up for its size; then all read it, and who comes first changes from page to page.

    Args:
        first: of the trials, which the others are held against.
        running: trials whose models are loaded, each with its worker.
        pages: in order.
        folder: empty, for the decoded pages and the tensors.
        progress: tells how far it is.

    Raises:
        ComparisonError: the first interpreter does not read a page.
        PictureError: a page is no picture.
    """
    decoded, tensors = folder / "page.npy", folder / "tensors"
    for number, page in enumerate(progress.track(pages, "interpreters: pages", len(pages), "page")):
        active = [(trial, worker) for trial, worker in running if trial.goes_on]
        if not first.goes_on:
            break
        decode(page.picture, decoded)
        tensors.mkdir()
        for trial, worker in active:
            if first.goes_on:
                with _given_up(trial, progress):
                    _prepare(trial, worker, decoded, tensors, is_first=trial is first)
        turn = number % len(active)
        for trial, worker in active[turn:] + active[:turn]:
            if trial.goes_on:
                with _given_up(trial, progress):
                    trial.readings.append(_read(worker, decoded))
        shutil.rmtree(tensors)
    if first.problem:
        raise ComparisonError(f"there is nothing to hold the others against: {first.problem}")


def _prepare(trial: Trial, worker: Worker, decoded: Path, tensors: Path, *, is_first: bool) -> None:
    if is_first:
        worker.call("record", timeout=PAGE_SECONDS, picture=str(decoded), folder=str(tensors))
    else:
        found = worker.call("repeat", timeout=PAGE_SECONDS, folder=str(tensors))
        trial.repetitions += [Repetition(**repetition) for repetition in found]


def _read(worker: Worker, decoded: Path) -> Reading:
    answer = worker.call("read", timeout=PAGE_SECONDS, picture=str(decoded))
    boxes = tuple(np.array(box, np.float32) for box in answer["boxes"])
    return Reading(answer["seconds"], tuple(answer["texts"]), boxes)


@contextmanager
def _started(trial: Trial, python: Path) -> Iterator[Worker]:
    """A worker whose log is kept only if something went wrong with it."""
    name = f"interpreter-{trial.interpreter.package}-{trial.interpreter.version}"
    log = cache_directory() / "logs" / f"{name}-{os.getpid()}.log"
    with Worker(trial.interpreter.name, python, _WORKER, log) as worker:
        trial.started = True
        yield worker
    if not trial.problem:
        log.unlink(missing_ok=True)


@contextmanager
def _given_up(trial: Trial, progress: Progress) -> Iterator[None]:
    """Note a failure of its worker in a trial, and go on with the others."""
    try:
        yield
    except WorkerError as error:
        trial.problem = str(error)
        progress.note(f"without {trial.interpreter.name}: {error}")


def _load(trial: Trial, worker: Worker, bundle: str | None, kinds: Sequence[str]) -> None:
    worker.call("start", timeout=START_SECONDS, package=trial.interpreter.package, bundle=bundle)
    for kind in kinds:
        operators = worker.call("operators", timeout=PAGE_SECONDS, kind=kind)
        trial.delegations[kind] = delegation_among(operators)
    worker.call("load", timeout=PAGE_SECONDS)
