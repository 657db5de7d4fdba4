"""What every inference engine offers to the stages: a model loaded from bytes, run on one tensor at a time.

An engine knows tensors, not OCR. The stages see only the two protocols below, so that another engine is one
more file in this package.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from edge_ocr.errors import EngineError

Array = npt.NDArray[Any]
Result = TypeVar("Result")


@dataclass(frozen=True)
class TensorType:
    """The numbers a tensor holds, and what they stand for: `value = (number - zero_point) * scale`.

    Attributes:
        dtype: float32, int8 or uint8.
        scale: the step of a quantised tensor; 0 for a float one, whose numbers are the values.
        zero_point: the number that stands for 0.
    """

    dtype: np.dtype[Any]
    scale: float = 0.0
    zero_point: int = 0

    def encode(self, values: npt.ArrayLike) -> Array:
        """Values, of any shape, as the numbers of this tensor; what it cannot express is clipped."""
        if not self.scale:
            return np.asarray(values, self.dtype)
        limits = np.iinfo(self.dtype)
        numbers = np.round(np.asarray(values, np.float32) / np.float32(self.scale) + self.zero_point)
        return np.clip(numbers, limits.min, limits.max).astype(self.dtype)

    def decode(self, numbers: Array) -> npt.NDArray[np.float32]:
        """Numbers of this tensor, of any shape, as float32 values; not a copy where they already are."""
        if not self.scale:
            return numbers.astype(np.float32, copy=False)
        return (numbers.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


def import_package(package: str, module: str) -> tuple[Any, str]:
    """A module of an installed package, and the version of that package.

    The version is asked of the module itself: importing importlib.metadata takes longer than loading the models.

    Raises:
        EngineError: it cannot be imported, because a part of it is missing or made for another machine, or for
            another version of what it stands on.
    """
    try:
        imported = import_module(module)
    except Exception as problem:  # not ImportError alone: of numpy, protobuf and the loader each has its own
        raise EngineError(
            f"{package} is installed but cannot be used ({first_line(problem)}); install it again"
        ) from problem
    version = getattr(sys.modules[module.partition(".")[0]], "__version__", None)
    if version is None:
        from importlib import metadata

        version = metadata.version(package)
    return imported, version


def first_line(problem: Exception) -> str:
    """What an error of somebody else's says first; its type where it says nothing."""
    return (str(problem).splitlines() or [type(problem).__name__])[0]


def release(version: str) -> tuple[int, ...]:
    """The release numbers of a version such as 2.3.0rc1, for comparison: (2, 3, 0)."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


class Network(Protocol):
    """One loaded model with one input and one output. It belongs to one thread at a time.

    Attributes:
        name: what messages call it, such as `detector`.
        input: the type of its input tensor.
        output: the type of its output tensor.
    """

    name: str
    input: TensorType
    output: TensorType

    def run(self, shape: tuple[int, ...], fill: Callable[[Array], None], take: Callable[[Array], Result]) -> Result:
        """One inference, without a copy of either tensor.

        Args:
            shape: of the input. Another shape than last time costs a new memory plan,
                so runs of one shape are better kept together.
            fill: writes the input; it is handed the engine's own memory, of that shape and of `input.dtype`,
                holding what the last run left there.
            take: turns the output, likewise the engine's own memory, into what the caller needs. Neither
                array is valid once its function has returned; if `take` returns a piece of its array, the
                caller gets a copy.

        Raises:
            EngineError: the model does not accept the shape, or the engine fails.
        """
        ...


class Engine(Protocol):
    """An inference engine that is installed.

    Attributes:
        name: of the engine, such as `litert`.
        package: the installed distribution that it runs on, such as `ai-edge-litert`.
        version: of that package.
        format: of the models it loads, as a manifest calls it.
    """

    name: str
    package: str
    version: str
    format: str

    def load(self, model: bytes, *, name: str, threads: int = 1) -> Network:
        """A model, ready to run with so many threads; EngineError, calling it `name`, if it is refused."""
        ...
