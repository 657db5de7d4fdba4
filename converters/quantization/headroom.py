"""Whether the numbers inside a float model have room in half precision.

IEEE half precision ends at 65,504 and has its full eleven bits from 2**-14 on: a larger number becomes infinite, and a
smaller one loses bits until nothing is left to divide by. Published models differ by a factor of a hundred in the
numbers that they reach, so each is looked at on real inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from converters.quantization.ranges import observe
from converters.tflite.graph import TFLiteGraph

FloatArray = npt.NDArray[np.float32]

_MARGIN = 8
"""For pictures that were not looked at, and for the partial sums of a convolution, which may exceed the result.

The sums behind a mean over the map do not count: XNNPACK keeps them in float32 (`f16_f32acc_rdsum`)."""
_LARGEST = 2.0**16 / _MARGIN
_SMALLEST = 2.0**-14 * _MARGIN
_DIVISOR = {"DIV": 1, "SQRT": 0, "RSQRT": 0}
"""Operators that divide, or whose result is divided by, and which input it is."""


@dataclass(frozen=True)
class Magnitudes:
    """What was seen of the numbers inside a model.

    Attributes:
        largest: the largest magnitude of any activation.
        smallest_divisor: the smallest magnitude of anything divided by, layer normalisation's variances among them,
            in the random part that was kept of it; None where nothing is divided by.
    """

    largest: float
    smallest_divisor: float | None

    @property
    def fit_half_precision(self) -> bool:
        """Whether half precision holds them with a margin."""
        return self.largest <= _LARGEST and (self.smallest_divisor is None or self.smallest_divisor >= _SMALLEST)


def magnitudes(
    content: bytes, inputs: Iterable[FloatArray], progress: Callable[[], object] = lambda: None
) -> Magnitudes:
    """Run a float model over `inputs` and note how large and how small its numbers get.

    Args:
        content: a float TFLite file.
        inputs: (1, H, W, C) float32 each, normalised as the model expects.
        progress: called after each input.

    Raises:
        ConversionError: no inputs, or an activation that is not finite.
    """
    seen = observe(content, inputs, progress)
    graph = TFLiteGraph(content)
    divisors = {
        operator.inputs[_DIVISOR[kind]] for operator in graph.operators if (kind := graph.kind(operator)) in _DIVISOR
    }
    smallest = [float(np.abs(values).min()) for index in divisors & set(seen) for values in seen[index].values]
    spans = [each.span for each in seen.values()]
    return Magnitudes(max(max(-span.low, span.high) for span in spans), min(smallest, default=None))
