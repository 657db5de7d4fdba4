"""The two sides: what each is started with, and what can be asked of it while it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.cache import cache_directory
from converters.conversion import Sources
from converters.environments import Worker, make_environment
from converters.progress import Progress
from converters.zoo import System
from edge_ocr.bundle import Bundle
from edge_ocr.manifest import Manifest

THREADS = 1
"""For each side. Where work is spread over threads, their number decides more than the code does."""

LOCK = Path(__file__).resolve().parents[2] / "constraints" / "compare.txt"
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


class RunningSide:
    """A side whose models are loaded and which waits for pictures."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def read(self, picture: Path) -> Reading:
        """Let it read the array in a .npy file.

        Raises:
            WorkerError: it cannot.
        """
        answer = self._worker.call("read", picture=str(picture))
        boxes = tuple(np.array(box, np.float32) for box in answer["boxes"])
        return Reading(**{**answer, "texts": tuple(answer["texts"]), "boxes": boxes})

    def peak_memory(self) -> int:
        """The most memory, in bytes, that its process has held so far."""
        return int(self._worker.call("peak_memory"))

    def versions(self) -> dict[str, str]:
        """What it runs on, name -> version."""
        return dict(self._worker.call("versions"))


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes:
        name: in tables and messages.
        python: its interpreter.
        reader: its module in this package.
        settings: what its reader is made with.
    """

    name: str
    python: Path
    reader: str
    settings: Mapping[str, Any]

    @contextmanager
    def started(self) -> Iterator[RunningSide]:
        """Run it in a fresh process for as long as the context lasts.

        Raises:
            WorkerError: it cannot be started; the sentence names its log, which is kept only then.
        """
        log = cache_directory() / "logs" / f"compare-{self.reader}-{os.getpid()}.log"
        with Worker(self.name, self.python, _WORKER, log) as worker:
            worker.call("start", reader=self.reader, settings=self.settings, threads=THREADS)
            yield RunningSide(worker)
        log.unlink(missing_ok=True)


def edge_ocr_side(bundle: str | None) -> Side:
    """edge_ocr of this checkout in this interpreter, with a bundle as `Bundle.open` finds it."""
    return Side("edge_ocr", Path(sys.executable), "edge_ocr_reader", {"bundle": bundle})


def rapidocr_side(bundle: Bundle, sources: Sources, folder: Path, progress: Progress) -> Side:
    """RapidOCR in an environment of its own, with the files that a bundle was converted from.

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
    params = {**rapidocr_settings(bundle.manifest, sources.system), **_paths(sources.models, dictionary)}
    python = make_environment("rapidocr", LOCK, disk_space="0.4 GB", progress=progress)
    return Side("RapidOCR", python, "rapidocr_reader", {"params": params})


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
