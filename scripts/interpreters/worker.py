"""One interpreter in a process of its own: it reads pages, and runs the models on given tensors.

Served by converters/environments/serve.py in the interpreter's own environment, which holds the interpreter, numpy,
OpenCV and Pillow; edge_ocr is this checkout's. The Python there may be an older one than the converter's.
"""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from edge_ocr import ctc
from edge_ocr.bundle import Bundle
from edge_ocr.engines.base import Array, Network, Result
from edge_ocr.engines.litert import LiteRT
from edge_ocr.ocr import OCR

_bundle: Bundle
_engine: RecordingEngine
_ocr: OCR


class RecordingEngine(LiteRT):
    """Keeps every network that it loads, and what they compute for as long as it is asked to.

    Attributes:
        networks: name -> network.
        runs: (name, input, output) of each inference, in order; None: nobody wants to know.
    """

    def __init__(self, package: str) -> None:
        super().__init__(package)
        self.networks: dict[str, Network] = {}
        self.runs: list[tuple[str, Array, Array]] | None = None

    def load(self, model: bytes, *, name: str, threads: int = 1) -> Any:
        """See `edge_ocr.engines.base.Engine.load`."""
        network = RecordedNetwork(super().load(model, name=name, threads=threads), self)
        self.networks[name] = network
        return network


class RecordedNetwork:
    """See `edge_ocr.engines.base.Network`."""

    def __init__(self, network: Network, engine: RecordingEngine) -> None:
        self.name, self.input, self.output = network.name, network.input, network.output
        self._network, self._engine = network, engine

    def run(self, shape: tuple[int, ...], fill: Callable[[Array], None], take: Callable[[Array], Result]) -> Result:
        """See `edge_ocr.engines.base.Network.run`."""
        runs = self._engine.runs
        if runs is None:
            return self._network.run(shape, fill, take)
        given: list[Array] = []

        def fill_and_keep(tensor: Array) -> None:
            fill(tensor)
            given.append(tensor.copy())

        def keep_and_take(tensor: Array) -> Result:
            runs.append((self.name, given[0], tensor.copy()))
            return take(tensor)

        return self._network.run(shape, fill_and_keep, keep_and_take)


def start(*, package: str, bundle: str | None) -> str:
    """Import the interpreter; returns its version.

    Args:
        package: as edge_ocr calls it.
        bundle: as for `Bundle.open`.
    """
    global _bundle, _engine
    cv2.setNumThreads(1)
    _bundle, _engine = Bundle.open(bundle), RecordingEngine(package)
    return _engine.version


def operators(*, kind: str) -> list[dict[str, Any]]:
    """Prepare a model of the bundle; returns what the interpreter then has to run, see `delegation_among`."""
    try:
        interpreter = _engine._module.Interpreter(model_content=_bundle.model_bytes(kind), num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as problem:
        raise RuntimeError(f"the {kind} is refused ({problem})") from problem
    return [
        {
            "op_name": operator["op_name"],
            "inputs": [int(tensor) for tensor in operator["inputs"]],
            "outputs": [int(tensor) for tensor in operator["outputs"]],
        }
        for operator in interpreter._get_ops_details()
    ]


def accepts(*, models: list[str]) -> list[bool]:
    """Whether the interpreter takes each of some TFLite files, in base 64."""

    def accepted(model: bytes) -> bool:
        try:
            _engine._module.Interpreter(model_content=model)
        except (ValueError, RuntimeError):
            return False
        return True

    return [accepted(base64.b64decode(model)) for model in models]


def load() -> None:
    """Get ready to read."""
    global _ocr
    _ocr = OCR(_bundle, engine=_engine, threads=1, min_score=0)


def read(*, picture: str) -> dict[str, Any]:
    """Read a page.

    Args:
        picture: path of a .npy file with a (height, width, 3) uint8 BGR array.

    Returns:
        `seconds` on the clock, and the `texts` and `boxes` of the lines.
    """
    pixels = np.load(picture)
    start = time.perf_counter()
    page = _ocr.read(pixels)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "texts": [line.text for line in page.lines],
        "boxes": [line.box.tolist() for line in page.lines],
    }


def record(*, picture: str, folder: str) -> None:
    """Read a page, and write the input and the output of each inference into an empty folder."""
    _engine.runs = []
    _ocr.read(np.load(picture))
    for number, (name, given, computed) in enumerate(_engine.runs):
        np.savez(Path(folder, f"{number:04}"), name=name, given=given, computed=computed)
    _engine.runs = None


def repeat(*, folder: str) -> list[dict[str, Any]]:
    """Run the inferences that another interpreter has recorded.

    Returns:
        Of each: the `model`; whether the outputs are `identical`, bit for bit; the `largest` difference between
        two of their values; and for the recognizer whether both come to the same `text`, else None.
    """
    found = []
    for path in sorted(Path(folder).iterdir()):
        with np.load(path) as run:
            name, given, expected = str(run["name"]), run["given"], run["computed"]
        network = _engine.networks[name]
        computed = _run(network, given)
        first, second = (network.output.decode(output) for output in (computed, expected))
        found.append(
            {
                "model": name,
                "identical": bool(np.array_equal(computed, expected)),
                "largest": float(np.abs(first - second).max()),
                "text": _characters(computed) == _characters(expected) if name == "recognizer" else None,
            }
        )
    return found


def _run(network: Network, given: Array) -> Array:
    def fill(tensor: Array) -> None:
        tensor[...] = given

    return network.run(given.shape, fill, np.copy)


def _characters(output: Array) -> list[int]:
    """The classes that a recognizer's output comes to."""
    frames = output.reshape(-1, output.shape[-1])
    return list(ctc.best_path(frames, _bundle.manifest.charset.blank).classes.tolist())
