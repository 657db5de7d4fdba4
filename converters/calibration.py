"""Pictures -> the tensors that the models really see.

The float models read the pictures with the runtime's own stages; what their networks are handed on the way is the
calibration input. So resizing, cropping, squeezing, padding and normalisation are those of the device, to the bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from converters.errors import ConversionError
from converters.progress import Progress
from edge_ocr.bundle import Bundle
from edge_ocr.engines import open_engine
from edge_ocr.engines.base import Array, Engine, Network, Result
from edge_ocr.errors import PictureError
from edge_ocr.ocr import OCR
from edge_ocr.pictures import FILE_SUFFIXES, load_picture

FloatArray = npt.NDArray[np.float32]

DEFAULT_PICTURES = Path(__file__).resolve().parents[1] / "calibration_data"
LINES_FOLDER = "lines"
_CHOICE = 4
"""Lines are recorded so many times over, and drawn from those."""


@dataclass(frozen=True)
class CalibrationPictures:
    """Pictures to calibrate on.

    Attributes:
        pages: pictures of pages.
        lines: pictures of single lines.
    """

    pages: tuple[Path, ...]
    lines: tuple[Path, ...]

    def halves(self) -> tuple[CalibrationPictures, CalibrationPictures]:
        """Every second picture, to calibrate on, and the others, to verify on."""
        return (
            CalibrationPictures(self.pages[::2], self.lines[::2]),
            CalibrationPictures(self.pages[1::2], self.lines[1::2]),
        )

    @property
    def digest(self) -> str:
        """SHA-256 over the contents, 64 hex digits."""
        digest = hashlib.sha256()
        for path in (*self.pages, *self.lines):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def find_pictures(folder: Path, progress: Progress) -> CalibrationPictures:
    """All pictures below `folder`; those in a folder called `lines` show one line each, all others a page.

    Every one is decoded once, so that a damaged one is named and left out now and not after minutes of work.

    Raises:
        ConversionError: no such folder, no picture in it that can be read, or the same one again and again.
    """
    if not folder.is_dir():
        raise ConversionError(f"there is no folder {folder}")
    found = _pictures(folder.rglob("*"))
    if not found:
        raise ConversionError(f"{folder} holds no pictures; give some dozens like those to be read")
    readable = [
        path for path in progress.track(found, "look at the pictures", len(found)) if _is_readable(path, progress)
    ]
    if not readable:
        raise ConversionError(f"none of the {len(found)} pictures in {folder} can be read")
    if len(readable) > 1 and len({hashlib.sha256(path.read_bytes()).digest() for path in readable}) == 1:
        raise ConversionError(f"the {len(readable)} pictures in {folder} are all the same; give different ones")
    lines = tuple(path for path in readable if path.parent.name == LINES_FOLDER)
    pages = tuple(path for path in readable if path.parent.name != LINES_FOLDER)
    return CalibrationPictures(pages, lines)


def _is_readable(path: Path, progress: Progress) -> bool:
    try:
        load_picture(path)
    except PictureError as error:
        progress.note(f"left out: {error}")
        return False
    return True


def default_pictures() -> CalibrationPictures:
    """The pictures that this project renders for the purpose; they are in a checkout, and in no wheel."""
    pages, lines = (_pictures((DEFAULT_PICTURES / name).glob("*")) for name in ("pages", LINES_FOLDER))
    return CalibrationPictures(tuple(pages), tuple(lines))


def _pictures(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if path.suffix.lower() in FILE_SUFFIXES)


class _RecordingNetwork:
    """A network that keeps a copy of its first inputs, `most` of them."""

    def __init__(self, network: Network, most: int) -> None:
        self.name, self.input, self.output = network.name, network.input, network.output
        self.inputs: list[FloatArray] = []
        self._network = network
        self._most = most

    def run(self, shape: tuple[int, ...], fill: Callable[[Array], None], take: Callable[[Array], Result]) -> Result:
        def fill_and_keep(tensor: Array) -> None:
            fill(tensor)
            if len(self.inputs) < self._most:
                self.inputs.append(tensor.copy())

        return self._network.run(shape, fill_and_keep, take)


class _RecordingEngine:
    """An engine whose networks record as many inputs as `most` says for their kind."""

    def __init__(self, engine: Engine, most: Mapping[str, int]) -> None:
        self.name, self.package, self.version = engine.name, engine.package, engine.version
        self.format = engine.format
        self.networks: dict[str, _RecordingNetwork] = {}
        self._engine = engine
        self._most = most

    def load(self, model: bytes, *, name: str, threads: int = 1) -> Network:
        network = self._engine.load(model, name=name, threads=threads)
        self.networks[name] = _RecordingNetwork(network, self._most.get(name, 0))
        return self.networks[name]


def record_inputs(
    bundle: Bundle, pictures: CalibrationPictures, samples: Mapping[str, int], progress: Progress, *, seed: int = 0
) -> dict[str, list[FloatArray]]:
    """Let the float models read the pictures, and keep what they see.

    Args:
        bundle: of float TFLite models.
        pictures: what to read, in an order that is drawn.
        samples: kind of model -> how many inputs it needs; 0 or absent for none.
        progress: shows how far it is.
        seed: of the drawing.

    Returns:
        Kind -> (1, H, W, 3) float32 tensors, at most `samples[kind]` of them.

    Raises:
        ConversionError: a model was given nothing to look at.
        PictureError: a picture cannot be read.
    """
    needed = {kind: count for kind, count in samples.items() if count}
    # Lines are drawn from more than are needed, so that they come from many pages.
    most = {kind: count if kind == "detector" else _CHOICE * count for kind, count in needed.items()}
    engine = _RecordingEngine(open_engine(model_format=bundle.manifest.format), most)
    ocr = OCR(bundle, engine=engine, threads=1, min_score=0)
    chooser = np.random.default_rng(seed)
    lines = _shuffled(pictures.lines, chooser)[: needed.get("recognizer", 0)]
    _read_all(lines, lambda picture: ocr.recognizer.recognize([picture]), "calibrate: lines", progress)
    pages = _shuffled(pictures.pages, chooser)[: needed.get("detector", 0) or len(pictures.pages)]
    _read_all(pages, ocr.read, "calibrate: pages", progress)
    for kind in needed:
        if not engine.networks[kind].inputs:
            raise ConversionError(
                f"no calibration picture gave the {kind} anything to look at; use pictures with text on them"
            )
    return {kind: _shuffled(engine.networks[kind].inputs, chooser)[:count] for kind, count in needed.items()}


def _shuffled[Item](items: Sequence[Item], chooser: np.random.Generator) -> list[Item]:
    return [items[index] for index in chooser.permutation(len(items))]


def _read_all(
    paths: Sequence[Path], read: Callable[[npt.NDArray[np.uint8]], object], title: str, progress: Progress
) -> None:
    for path in progress.track(paths, title, len(paths), "picture"):
        read(load_picture(path))
