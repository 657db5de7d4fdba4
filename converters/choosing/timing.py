"""How long a network takes beside its original's: in one process, in turn, on one thread each."""

from __future__ import annotations

import time

from converters.choosing.alone import load_network
from edge_ocr.benchmark.counting import counted_size, fixed_input
from edge_ocr.bundle import Bundle
from edge_ocr.engines.base import Array, Network

_ROUNDS = 30
"""The best of so many counts: what disturbs a measurement only ever makes it longer."""


def time_ratio(reference: Bundle, bundle: Bundle, kind: str) -> float:
    """Time of a bundle's model of a kind over that of the original, for the input at which instructions are counted.

    Nothing but the network is timed: how pictures are prepared is the same for both.

    Raises:
        BundleError: one of the two has no such model.
        EngineError: an engine is missing, or fails.
    """
    tasks = [_Task(each, kind) for each in (reference, bundle)]
    original, ours = zip(*([task.seconds() for task in tasks] for _ in range(_ROUNDS + 1)), strict=True)
    return min(ours[1:]) / min(original[1:])  # the first round plans the memory


class _Task:
    """A network and its input."""

    def __init__(self, bundle: Bundle, kind: str) -> None:
        spec = bundle.manifest.models.by_kind()[kind]
        height, width = counted_size(spec)
        self._network: Network = load_network(bundle, kind)
        self._shape = (1, 3, height, width) if spec.input.layout == "NCHW" else (1, height, width, 3)
        self._values = self._network.input.encode(fixed_input(self._shape))

    def seconds(self) -> float:
        """Of one inference."""

        def fill(tensor: Array) -> None:
            tensor[...] = self._values

        start = time.perf_counter()
        self._network.run(self._shape, fill, lambda output: None)
        return time.perf_counter() - start
