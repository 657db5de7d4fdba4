"""What is run where instructions are counted instead of milliseconds: inside an emulated CPU.

    python -m edge_ocr.benchmark.counting --output counted.json --bundle B [--page PICTURE] [--lines FOLDER]
    python -m edge_ocr.benchmark.counting --output counted.json --model recognizer.tflite@48x320 ...

It feeds every model a fixed input, reads a page, and marks where each begins and ends by a system call that only the
emulator's plugin hears; `edge_ocr.benchmark.host.emulation` puts the counts and this program's JSON together. On a CPU
that is not emulated it runs as well, which is how the outputs of the two are compared. All in one thread.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import platform
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL

from edge_ocr import interrupts
from edge_ocr.atomic import replacing
from edge_ocr.bundle import Bundle
from edge_ocr.engines import open_engine
from edge_ocr.engines.base import Array, Engine, Network, Result
from edge_ocr.errors import BenchmarkError, EdgeOCRError
from edge_ocr.manifest import AnySpec, FixedSize, LineHeight
from edge_ocr.ocr import OCR
from edge_ocr.recognizer import Recognizer

MARK = 7777
"""Number of the system call that books what was executed since the last one. No kernel has such a call."""

DETECTOR_SIDE = 640
"""Height and width in pixels at which a detector is counted, as is the custom."""
LINE_WIDTH = 320
"""Width in pixels at which a recognizer is counted: that of PP-OCR's training."""

BESIDES = "besides"
"""Account of what nobody asks for: start, imports, loading, first runs."""
AGAIN = " again"
"""Ends the account of a run that repeats the one before it."""
PAGE = "page: "
"""Begins the account of a stage of the page."""


class Ledger:
    """Books what the emulated CPU executes under accounts.

    Attributes:
        accounts: their names; the number of an account is its place.
    """

    def __init__(self) -> None:
        """The account `BESIDES` is open."""
        self.accounts = [BESIDES]
        self._open = 0
        self._closed = False
        self._call = ctypes.CDLL(None, use_errno=True).syscall

    def open(self, account: str) -> None:
        """Book all since the last call under the account that was open, and what follows under `account`."""
        if self._closed:
            return
        if account not in self.accounts:
            self.accounts.append(account)
        self._call(ctypes.c_long(MARK), ctypes.c_long(self._open))
        self._open = self.accounts.index(account)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Book all that the block executes under the account that is open."""
        self._closed = True
        yield
        self._closed = False


_STAGES = {
    "detector": ("preprocess", "detect", "postprocess"),
    "direction": ("direction", "direction", "direction"),
    "recognizer": ("ctc", "recognise", "ctc"),
}
"""Network -> the stages of a page that filling its input, running it and using its output belong to.

They are those of `edge_ocr.benchmark.stages`, as far as marks around the networks can tell them apart: the decoding of
the picture is part of `preprocess`, the crops are part of `postprocess`.
"""


class BookingEngine:
    """An engine whose networks book the stages of a page; see `edge_ocr.engines.base.Engine`."""

    def __init__(self, engine: Engine, ledger: Ledger) -> None:
        """Run models on `engine`."""
        self.name, self.package, self.version, self.format = engine.name, engine.package, engine.version, engine.format
        self._engine = engine
        self._ledger = ledger

    def load(self, model: bytes, *, name: str, threads: int = 1) -> Network:
        """See `edge_ocr.engines.base.Engine.load`."""
        return _BookingNetwork(self._engine.load(model, name=name, threads=threads), self._ledger)


class _BookingNetwork:
    """See `edge_ocr.engines.base.Network`."""

    def __init__(self, network: Network, ledger: Ledger) -> None:
        self.name, self.input, self.output = network.name, network.input, network.output
        self._network = network
        self._ledger = ledger

    def run(self, shape: tuple[int, ...], fill: Callable[[Array], None], take: Callable[[Array], Result]) -> Result:
        filling, running, taking = (PAGE + stage for stage in _STAGES[self.name])

        def filled(tensor: Array) -> None:
            fill(tensor)
            self._ledger.open(running)

        def taken(tensor: Array) -> Result:
            self._ledger.open(taking)
            return take(tensor)

        self._ledger.open(filling)
        return self._network.run(shape, filled, taken)


@dataclass(frozen=True)
class Subject:
    """A model and the input at which it is counted.

    Attributes:
        name: such as `detector 640x640`.
        engine: that runs it.
        network: the model, loaded.
        shape: of its input.
    """

    name: str
    engine: Engine
    network: Network
    shape: tuple[int, ...]


def of_bundle(bundle: Bundle, engine: Engine) -> Iterator[Subject]:
    """The models of a bundle, at the sizes that the field counts them at."""
    for kind, spec in bundle.manifest.models.by_kind().items():
        height, width = counted_size(spec)
        network = engine.load(bundle.runnable_model(kind), name=kind)
        yield Subject(f"{kind} {height}x{width}", engine, network, _shape(spec.input.layout, height, width))


def counted_size(spec: AnySpec) -> tuple[int, int]:
    """Height and width in pixels of the input at which a model is counted."""
    size = spec.input.size
    if isinstance(size, FixedSize):
        return size.height, size.width
    if isinstance(size, LineHeight):
        return size.height, LINE_WIDTH
    return DETECTOR_SIDE, DETECTOR_SIDE


def of_file(wanted: str) -> Subject:
    """A model by itself: `FILE@HEIGHTxWIDTH`.

    Raises:
        BenchmarkError: it is given otherwise, or cannot be read.
        EngineError: no engine is installed that runs it.
    """
    parts = re.fullmatch(r"(.+)@(\d{1,5})x(\d{1,5})", wanted)
    path = Path(parts[1] if parts else wanted)
    model_format = path.suffix.removeprefix(".")
    if parts is None or model_format not in _LAYOUTS:
        raise BenchmarkError(
            f"'{wanted}' is no model with the size of its input; give it as detector.tflite@640x640, "
            f"with a file of type {' or '.join(_LAYOUTS)}"
        )
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise BenchmarkError(f"the model {path} cannot be read: {problem.strerror}; check its name") from problem
    height, width = int(parts[2]), int(parts[3])
    engine = open_engine(None, model_format)
    network = engine.load(content, name=path.name)
    return Subject(f"{path.name} {height}x{width}", engine, network, _shape(_LAYOUTS[model_format], height, width))


_LAYOUTS = {"tflite": "NHWC", "onnx": "NCHW"}
"""Format of a model -> how its tensors lie, where no manifest says it."""


def _shape(layout: str, height: int, width: int) -> tuple[int, ...]:
    return (1, 3, height, width) if layout == "NCHW" else (1, height, width, 3)


def fixed_input(shape: tuple[int, ...]) -> Array:
    """Float32 values of a shape that are the same on every machine: uniform in [-2, 2), as normalised pixels are."""
    return np.random.default_rng(0).random(shape, np.float32) * 4 - 2


def count_model(subject: Subject, ledger: Ledger) -> Array:
    """Run a model three times on its fixed input, the first time uncounted; returns its output as the model gave it."""
    values = subject.network.input.encode(fixed_input(subject.shape))
    accounts = iter((BESIDES, subject.name, subject.name + AGAIN))

    def fill(tensor: Array) -> None:
        tensor[...] = values
        ledger.open(next(accounts))

    def take(tensor: Array) -> Array:
        ledger.open(BESIDES)
        return tensor

    _, _, output = (subject.network.run(subject.shape, fill, take) for _ in range(3))
    return output


def count_page(ocr: OCR, picture: Path, ledger: Ledger) -> list[str]:
    """Read a picture file twice, the first time uncounted; returns the text of each line.

    Args:
        ocr: with a `BookingEngine`.
        picture: to read.
        ledger: of that engine.
    """
    with ledger.closed():
        ocr.read(picture)
    ledger.open(PAGE + "preprocess")
    page = ocr.read(picture)
    ledger.open(BESIDES)
    return [line.text for line in page.lines]


def read_lines(bundle: Bundle, engine: Engine, folder: Path) -> Iterator[tuple[str, str, Array]]:
    """Of each picture of a line in a folder, in the order of their names: its name, its text, and the model's output.

    Raises:
        BenchmarkError: the folder cannot be listed, or is empty.
        PictureError: one of its files is no picture.
    """
    try:
        files = sorted(file for file in folder.iterdir() if file.is_file())
    except OSError as problem:
        raise BenchmarkError(f"the lines {folder} cannot be listed: {problem.strerror}; check its name") from problem
    if not files:
        raise BenchmarkError(f"{folder} holds no picture of a line; put some there")
    models = bundle.manifest.models
    network = _RecordingNetwork(engine.load(bundle.runnable_model("recognizer"), name="recognizer"))
    recognizer = Recognizer(network, models.recognizer, bundle.charset, bundle.manifest.charset)
    for file in files:
        ((text, _),) = recognizer.recognize([file])
        yield file.name, text, network.numbers


class _RecordingNetwork:
    """See `edge_ocr.engines.base.Network`.

    Attributes:
        numbers: a copy of the last output, as the model gave it.
    """

    numbers: Array

    def __init__(self, network: Network) -> None:
        self.name, self.input, self.output = network.name, network.input, network.output
        self._network = network

    def run(self, shape: tuple[int, ...], fill: Callable[[Array], None], take: Callable[[Array], Result]) -> Result:
        def taken(tensor: Array) -> Result:
            self.numbers = tensor.copy()
            return take(tensor)

        return self._network.run(shape, fill, taken)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    return interrupts.guarded(_run, arguments)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
        counted, arrays = count(options)
        if options.arrays:
            with replacing(options.arrays) as stream:
                np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
        with replacing(options.output) as stream:
            stream.write(json.dumps(counted, indent=1, ensure_ascii=False).encode())
    except EdgeOCRError as problem:
        print(f"counting: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="counting", description="Run models where an emulator counts instructions.")
    parser.add_argument("--output", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--arrays", type=Path, help="NumPy .npz file to write all outputs to, as the models gave them")
    parser.add_argument("--bundle", help="a folder or an .ocrbundle whose models are counted")
    parser.add_argument("--model", action="append", default=[], metavar="FILE@HxW", help="a model to count by itself")
    parser.add_argument("--page", type=Path, help="a picture to read with the bundle")
    parser.add_argument("--lines", type=Path, help="a folder of pictures of lines to read with the bundle, uncounted")
    return parser


def count(options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Array]]:
    """What is written as JSON, and the outputs, by name.

    Args:
        options: those of the command line.

    Raises:
        EdgeOCRError: nothing is to be done, or cannot be done.
    """
    if options.bundle is None and (options.page or options.lines or not options.model):
        raise BenchmarkError("there is no bundle to count; give --bundle")
    cv2.setNumThreads(1)
    ledger = Ledger()
    subjects = [of_file(wanted) for wanted in options.model]
    page: list[str] = []
    lines: dict[str, str] = {}
    arrays: dict[str, Array] = {}
    if options.bundle is not None:
        bundle = Bundle.open(options.bundle)
        engine = open_engine(None, bundle.manifest.format, bundle.manifest.min_runtime)
        subjects += of_bundle(bundle, engine)
        if options.page:
            page = count_page(OCR(bundle, engine=BookingEngine(engine, ledger), threads=1), options.page, ledger)
        if options.lines:
            for name, text, output in read_lines(bundle, engine, options.lines):
                lines[name], arrays[name] = text, output
    for subject in subjects:
        arrays[subject.name] = count_model(subject, ledger)
    ledger.open(BESIDES)
    counted = {
        "accounts": ledger.accounts,
        "maps": Path("/proc/self/maps").read_text(),
        "versions": _versions(subjects),
        "outputs": {subject.name: hashlib.sha256(arrays[subject.name].tobytes()).hexdigest() for subject in subjects},
        "page": page,
        "lines": lines,
    }
    return counted, arrays


def _versions(subjects: Sequence[Subject]) -> dict[str, str]:
    """Of all that the counts may depend on."""
    engines = {subject.engine.package: subject.engine.version for subject in subjects}
    libraries = {"numpy": np.__version__, "opencv-python-headless": cv2.__version__, "pillow": PIL.__version__}
    return {"python": platform.python_version(), **libraries, **engines}


if __name__ == "__main__":
    sys.exit(main())
