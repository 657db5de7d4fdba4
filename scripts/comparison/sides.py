"""The sides: what each is started with, and what can be asked of it while it runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from comparison.installation import edge_ocr_environment, installed_bytes, rapidocr_environment
from converters.conversion import Sources
from converters.environments import Worker
from converters.progress import Progress
from converters.zoo import System
from edge_ocr.bundle import Bundle
from edge_ocr.cache import cache_directory
from edge_ocr.manifest import Manifest

EDGE_OCR = "edge_ocr"
RAPIDOCR = "RapidOCR, same models"
RAPIDOCR_AS_INSTALLED = "RapidOCR as installed"
TESSERACT = "Tesseract"

THREADS = 1
"""Of edge_ocr and of RapidOCR with the same models. Where work is spread over threads, their number decides more than
the code does."""

_WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class Reading:
    """One picture as one side reads it.

    Attributes:
        seconds: on the clock, from the decoded picture to the text.
        cpu_seconds: of computing, over all threads.
        texts: of the lines.
        boxes: (4, 2) float32 each, in page pixels.
        stages: stage -> milliseconds, as far as the side tells.
    """

    seconds: float
    cpu_seconds: float
    texts: tuple[str, ...]
    boxes: tuple[npt.NDArray[np.float32], ...]
    stages: Mapping[str, float]


class RunningSide(Protocol):
    """A side that waits for pictures."""

    def read(self, picture: Path) -> Reading:
        """Let it read the array in a .npy file.

        Raises:
            EdgeOCRError: it cannot.
        """

    def peak_memory(self) -> int:
        """The most memory, in bytes, that its process has held so far."""

    def versions(self) -> dict[str, str]:
        """What it runs on, name -> version."""


class Side(Protocol):
    """One of those that are compared."""

    @property
    def name(self) -> str:
        """In tables and messages."""

    @property
    def threads(self) -> int | None:
        """How many it may use; None: as it ships."""

    def installed(self) -> int | None:
        """Bytes that its installation takes; None where that cannot be told."""

    def started(self) -> AbstractContextManager[RunningSide]:
        """Run it in a fresh process for as long as the context lasts.

        Raises:
            EdgeOCRError: it cannot be started.
        """


class RunningWorker:
    """A side whose process has loaded its models."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def read(self, picture: Path) -> Reading:
        """See `RunningSide`; WorkerError if it cannot."""
        answer = self._worker.call("read", picture=str(picture))
        boxes = tuple(np.array(box, np.float32) for box in answer["boxes"])
        return Reading(**{**answer, "texts": tuple(answer["texts"]), "boxes": boxes})

    def peak_memory(self) -> int:
        """See `RunningSide`."""
        return int(self._worker.call("peak_memory"))

    def versions(self) -> dict[str, str]:
        """See `RunningSide`."""
        return dict(self._worker.call("versions"))


@dataclass(frozen=True)
class WorkerSide:
    """A side that a Python environment of its own runs.

    Attributes:
        name: see `Side`.
        threads: see `Side`.
        python: its interpreter.
        reader: its module in this package.
        settings: what its reader is made with.
    """

    name: str
    threads: int | None
    python: Path
    reader: str
    settings: Mapping[str, Any]

    def installed(self) -> int:
        """Bytes of everything that pip installed for it."""
        return installed_bytes(self.python)

    @contextmanager
    def started(self) -> Iterator[RunningSide]:
        """See `Side`; WorkerError names its log, which is kept only then."""
        plain_name = re.sub(r"\W+", "-", self.name)
        log = cache_directory() / "logs" / f"compare-{plain_name}-{os.getpid()}.log"
        with Worker(self.name, self.python, _WORKER, log) as worker:
            worker.call("start", reader=self.reader, settings=self.settings, threads=self.threads)
            yield RunningWorker(worker)
        log.unlink(missing_ok=True)


def edge_ocr_side(source: str | None, progress: Progress) -> WorkerSide:
    """edge_ocr of this checkout, installed as a user has it, with a bundle as `Bundle.open` finds it.

    Raises:
        BundleError: there is no such bundle.
        WorkerError: its environment cannot be made.
        ComparisonError: it cannot be installed.
    """
    # An installed bundle has a name in this environment only.
    bundle = None if source is None else str(Bundle.open(source).path.absolute())
    python = edge_ocr_environment(progress)
    return WorkerSide(EDGE_OCR, THREADS, python, "edge_ocr_reader", {"bundle": bundle})


def rapidocr_side(bundle: Bundle, sources: Sources, folder: Path, progress: Progress) -> WorkerSide:
    """RapidOCR with the files that a bundle was converted from and with its settings.

    Args:
        bundle: whose settings are to be RapidOCR's, too.
        sources: the files.
        folder: gets the charset as a file.
        progress: tells when the environment is made, which happens once.

    Raises:
        WorkerError: the environment cannot be made.
    """
    dictionary = folder / "dictionary.txt"
    # One entry a line, as RapidOCR wants it: the publisher's own file may end its lines in CRLF.
    dictionary.write_bytes("".join(f"{entry}\n" for entry in bundle.charset).encode())
    settings = {"params": rapidocr_params(bundle.manifest, sources, dictionary)}
    return WorkerSide(RAPIDOCR, THREADS, rapidocr_environment(progress), "rapidocr_reader", settings)


def rapidocr_params(manifest: Manifest, sources: Sources, dictionary: Path) -> dict[str, Any]:
    """What RapidOCR is made with to read with the files that a bundle was converted from and with its settings.

    Args:
        manifest: of the bundle.
        sources: the files.
        dictionary: the bundle's charset, one entry a line.
    """
    return {**rapidocr_settings(manifest, sources.system), **_paths(sources.models, dictionary)}


def rapidocr_as_installed(progress: Progress) -> WorkerSide:
    """RapidOCR with the models inside its wheel, its own settings, and as many threads as it likes.

    Raises:
        WorkerError: its environment cannot be made.
    """
    return WorkerSide(RAPIDOCR_AS_INSTALLED, None, rapidocr_environment(progress), "rapidocr_reader", {"params": {}})


def rapidocr_settings(manifest: Manifest, system: System) -> dict[str, Any]:
    """What RapidOCR must be told to work as the bundle does; everything else stays as it ships.

    Its own defaults are for other models (short side 736, another normalisation and other thresholds, a dilated
    map), and it leaves out lines that it is not sure of.

    Args:
        manifest: of the bundle.
        system: the published models.
    """
    detector, direction = manifest.models.detector, manifest.models.direction
    settings: dict[str, Any] = {
        "Global.text_score": 0.0,
        "Global.use_cls": direction is not None,
        "Det.limit_type": "max",
        "Det.limit_side_len": detector.input.size.long_side,
        "Det.mean": list(detector.input.mean),
        "Det.std": list(detector.input.std),
        "Det.thresh": detector.postprocess.threshold,
        "Det.box_thresh": detector.postprocess.box_threshold,
        "Det.unclip_ratio": detector.postprocess.unclip_ratio,
        "Det.max_candidates": detector.postprocess.max_candidates,
        "Det.use_dilation": False,
        "Rec.rec_img_shape": list(system.recognizer.input_shape[1:]),
    }
    if direction is not None:
        settings["Cls.cls_thresh"] = direction.postprocess.threshold
    return settings


def _paths(models: Mapping[str, Path], dictionary: Path) -> dict[str, str]:
    sections = {"detector": "Det", "direction": "Cls", "recognizer": "Rec"}
    paths = {f"{sections[kind]}.model_path": str(path) for kind, path in models.items()}
    return {**paths, "Rec.rec_keys_path": str(dictionary)}
