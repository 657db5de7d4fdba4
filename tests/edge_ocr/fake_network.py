"""A network whose output a test prescribes, and which notes what it was fed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edge_ocr.engines.base import Array, Result, TensorType

FLOAT = TensorType(np.dtype(np.float32))


class FakeNetwork:
    """See `edge_ocr.engines.base.Network`.

    Attributes:
        inputs: a copy of every input it was run on.
    """

    def __init__(
        self, respond: Callable[[Array], Array], *, input: TensorType = FLOAT, output: TensorType = FLOAT
    ) -> None:
        """`respond` makes the output tensor from the input tensor."""
        self.name = "fake"
        self.input = input
        self.output = output
        self.inputs: list[Array] = []
        self._respond = respond

    def run(self, shape: tuple[int, ...], fill: Callable[[Array], None], take: Callable[[Array], Result]) -> Result:
        """Run `respond`; the input tensor starts full of rubbish, as the memory of an engine may."""
        tensor = np.full(shape, 77, self.input.dtype)
        fill(tensor)
        self.inputs.append(tensor.copy())
        return take(self._respond(tensor))
