"""TensorFlow Lite models on LiteRT, or on one of the packages it went by before.

All three carry the same interpreter: `ai-edge-litert` is the maintained one, `tflite-runtime` the last one
for 32-bit Raspberry Pi OS and JetPack 5, and `tensorflow` has it built in. XNNPACK, their fast path on
CPUs, is on by default in each.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from edge_ocr import quiet
from edge_ocr.engines.base import Array, Result, TensorType, first_line, import_package, release
from edge_ocr.errors import EngineError

PACKAGES = {
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
    "tensorflow": "tensorflow.lite.python.interpreter",
}
"""Distribution -> module that holds its `Interpreter`, the preferred one first."""


class LiteRT:
    """See `edge_ocr.engines.base.Engine`."""

    name = "litert"
    format = "tflite"

    def __init__(self, package: str) -> None:
        """The interpreter of one of `PACKAGES`; EngineError where it cannot be imported, or not with this numpy."""
        self.package = package
        with _without_remarks_of_tensorflow() if package == "tensorflow" else nullcontext():
            self._module, self.version = import_package(package, PACKAGES[package])
        if package == "tflite-runtime":
            _check_numpy(self.version)

    def load(self, model: bytes, *, name: str, threads: int = 1) -> LiteRTNetwork:
        """See `edge_ocr.engines.base.Engine.load`."""
        try:
            with _without_advice():
                interpreter = self._module.Interpreter(model_content=model, num_threads=threads)
        except (ValueError, RuntimeError, MemoryError) as problem:
            raise EngineError(
                f"{self.package} {self.version} refuses the {name} model ({first_line(problem)}); "
                "use a bundle made for this engine"
            ) from problem
        return LiteRTNetwork(interpreter, name)


class LiteRTNetwork:
    """See `edge_ocr.engines.base.Network`."""

    def __init__(self, interpreter: Any, name: str) -> None:
        """Take over an interpreter whose tensors are not allocated yet."""
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise EngineError(
                f"the {name} model has {len(inputs)} inputs and {len(outputs)} outputs where one of each is "
                "needed; convert it with ppocr-convert"
            )
        self.name = name
        self.input = _tensor_type(inputs[0])
        self.output = _tensor_type(outputs[0])
        self._interpreter = interpreter
        self._input_index = inputs[0]["index"]
        self._output_index = outputs[0]["index"]
        self._signature = tuple(int(side) for side in inputs[0]["shape_signature"])
        self._shape: tuple[int, ...] | None = None

    def run(self, shape: tuple[int, ...], fill: Callable[[Array], None], take: Callable[[Array], Result]) -> Result:
        """See `edge_ocr.engines.base.Network.run`.

        The interpreter refuses to run or to resize while an array of its memory is alive, which is why they
        exist only inside the two calls.
        """
        self._allocate(shape)
        fill(self._interpreter.tensor(self._input_index)())
        try:
            self._interpreter.invoke()
        except (RuntimeError, MemoryError) as problem:
            raise EngineError(
                f"the {self.name} model fails on an input of shape {shape} ({first_line(problem)})"
            ) from problem
        output = self._interpreter.tensor(self._output_index)()
        result = take(output)
        if isinstance(result, np.ndarray) and np.may_share_memory(result, output):
            return result.copy()
        return result

    def _allocate(self, shape: tuple[int, ...]) -> None:
        """Plan the memory for a shape, unless that of the last run will do."""
        if shape == self._shape:
            return
        if len(shape) != len(self._signature) or any(
            expected not in (-1, side) for expected, side in zip(self._signature, shape, strict=True)
        ):
            accepted = " x ".join("any" if side == -1 else str(side) for side in self._signature)
            raise EngineError(f"the {self.name} model takes inputs of {accepted}, not {shape}")
        first, self._shape = self._shape is None, None
        try:
            with without_greeting() if first else nullcontext():
                self._interpreter.resize_tensor_input(self._input_index, shape)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, MemoryError) as problem:
            raise EngineError(
                f"the {self.name} model cannot be prepared for an input of shape {shape} ({first_line(problem)})"
            ) from problem
        self._shape = shape


_FIRST_BUILT_FOR_NUMPY_2 = (2, 18)
"""Of TensorFlow, and so of whoever builds a tflite-runtime after the last one that was published, 2.14."""


def _check_numpy(version: str) -> None:
    """Refuse a tflite-runtime that would fail at its first model, with pages of advice on standard error."""
    if release(np.__version__) >= (2,) and release(version) < _FIRST_BUILT_FOR_NUMPY_2:
        raise EngineError(
            f"tflite-runtime {version} was built for numpy 1 and fails with numpy {np.__version__}; "
            "run: pip install 'numpy<2'"
        )


def _tensor_type(details: dict[str, Any]) -> TensorType:
    scale, zero_point = details["quantization"]
    return TensorType(np.dtype(details["dtype"]), float(scale), int(zero_point))


@contextmanager
def _without_remarks_of_tensorflow() -> Iterator[None]:
    """Import tensorflow without its notes on how it was built; the variable is its own setting for most of them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    with quiet.without_lines(b"WARNING: All log messages before absl::InitializeLog()", b"I0000 "):
        yield


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keep tensorflow's advice to move to ai-edge-litert, which is meant for programmers, off the user's terminal."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\s*Warning: tf\.lite\.Interpreter is deprecated", UserWarning)
        yield


_GREETING = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"


def without_greeting() -> AbstractContextManager[None]:
    """Keep the note that XNNPACK is in use, written at a process's first allocation, off the user's terminal."""
    return quiet.without_lines(_GREETING)
