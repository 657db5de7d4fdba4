"""Distillation: weights and ranges are moved until int8 gives what float gives, on pictures that nobody labelled.

The original is the teacher (Hinton et al. 2015, "Distilling the Knowledge in a Neural Network"); the learner starts
from the original's own weights and computes with int8's rounding.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from pickle import UnpicklingError

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from converters.errors import ConversionError
from converters.learning.losses import OF_MEANING
from converters.learning.network import ActivationRange, Layer, QuantisedNetwork
from converters.learning.variation import varied
from converters.quantization.learning import Lesson
from converters.quantization.operators import Prepared
from converters.quantization.ranges import values_of
from converters.tflite.graph import TFLiteGraph
from edge_ocr.cache import atomic_write

FloatArray = npt.NDArray[np.float32]

_THREADS = 1
"""Fixed, because sums that are split otherwise come out otherwise."""
_BATCH_WIDTH = 320
"""Pixels: of narrower inputs a batch takes more, of wider ones fewer."""
_ROUNDING = 1e-3
"""Of the largest number of an output: how far float arithmetic in another order may lead."""
_WARM_UP = 50
"""Steps in which the rate grows to its full value."""
_SAVED_EVERY = 100
"""Steps after which a killed run goes on."""


def distil(prepared: Prepared, lesson: Lesson, note: Callable[[str], object]) -> Prepared:
    """Learn the weights and ranges of a quantised model.

    Args:
        prepared: the model as calibration leaves it.
        lesson: what to learn from and for how long; a run that was stopped goes on from `lesson.state`.
        note: told now and then how far it is.

    Raises:
        ConversionError: the model has an operator or an output that learning cannot follow, or it diverges.
        CacheError: the state cannot be written.
    """
    if lesson.meaning not in OF_MEANING:
        raise ConversionError(f"learning has no measure for an output that means {lesson.meaning!r}")
    torch.set_num_threads(_THREADS)
    network = QuantisedNetwork(prepared.content, prepared.ranges, [each.output for each in prepared.operators])
    _check(network, lesson.inputs[0])
    _Training(network, lesson, note).run()
    content, ranges = network.learned()
    return replace(prepared, content=content, ranges={**prepared.ranges, **ranges})


def _check(network: QuantisedNetwork, tensor: FloatArray) -> None:
    """Hold the network, in float, against TFLite's kernels.

    Raises:
        ConversionError: it computes something else.
    """
    (output,) = (int(index) for index in TFLiteGraph(network.content).subgraph.outputs)
    wanted = values_of(network.content, [output], tensor)[output]
    network.quantising = False
    try:
        with torch.no_grad():
            found = network(torch.from_numpy(tensor)).numpy()
        alike = found.shape == wanted.shape and np.abs(found - wanted).max() <= _ROUNDING * np.abs(wanted).max()
    except (RuntimeError, KeyError):  # a shape or an option that the network does not know
        alike = False
    network.quantising = True
    if not alike:
        raise ConversionError("learning computes this model otherwise than TFLite; use a recipe that does not learn")


class _Training:
    """One run of it."""

    def __init__(self, network: QuantisedNetwork, lesson: Lesson, note: Callable[[str], object]) -> None:
        self._network, self._lesson, self._note = network, lesson, note
        self._teacher = QuantisedNetwork(network.content, {}, ()).requires_grad_(False)
        self._batches = _Batches(lesson.inputs, lesson.settings.batch, lesson.settings.seed)
        parts = list(network.modules())
        weights = [each for part in parts if isinstance(part, Layer) for each in part.parameters()]
        ends = [each for part in parts if isinstance(part, ActivationRange) for each in part.parameters()]
        self._optimiser = torch.optim.Adam(
            [
                {"params": weights, "rate": lesson.settings.weight_rate},
                {"params": ends, "rate": lesson.settings.range_rate},
            ]
        )

    def run(self) -> None:
        first, steps = self._resume(), self._lesson.settings.steps
        started, losses = time.monotonic(), list[float]()
        for step in range(first, steps):
            losses.append(self._step(step))
            self._lesson.progress()
            done = step + 1
            if done % _SAVED_EVERY == 0 or done == steps:
                self._save(done)
            if done % (5 * _SAVED_EVERY) == 0 or done == steps:
                left = (time.monotonic() - started) / (done - first) * (steps - done) / 60
                loss = np.mean(losses[-5 * _SAVED_EVERY :])
                self._note(f"step {done:,} of {steps:,}, loss {loss:.5f}, about {math.ceil(left)} min left")

    def _step(self, step: int) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = group["rate"] * _share_of_the_rate(step, self._lesson.settings.steps)
        pictures = self._batches.at(step)
        with torch.no_grad():
            wanted = self._teacher(pictures)
        loss = OF_MEANING[self._lesson.meaning](self._network(pictures), wanted)
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise ConversionError(f"learning diverged in step {step}; lower weight_rate and range_rate in the recipe")
        return value

    def _save(self, done: int) -> None:
        stream = io.BytesIO()
        state = {"network": self._network.state_dict(), "optimiser": self._optimiser.state_dict(), "done": done}
        torch.save(state, stream)
        atomic_write(self._lesson.state, stream.getvalue())

    def _resume(self) -> int:
        """How many steps an earlier run has done."""
        if not self._lesson.state.is_file():
            return 0
        untouched = deepcopy(self._network.state_dict()), deepcopy(self._optimiser.state_dict())
        try:
            state = torch.load(self._lesson.state, weights_only=True)
            self._network.load_state_dict(state["network"])
            self._optimiser.load_state_dict(state["optimiser"])
        except (OSError, EOFError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, UnpicklingError):
            self._network.load_state_dict(untouched[0])
            self._optimiser.load_state_dict(untouched[1])
            self._note(f"the state in {self._lesson.state} cannot be read; learning starts anew")
            return 0
        self._note(f"learning goes on after step {state['done']:,}")
        return int(state["done"])


def _share_of_the_rate(step: int, steps: int) -> float:
    """Growing at first, then falling with a cosine."""
    return min(1.0, (step + 1) / _WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * step / steps))


class _Batches:
    """Inputs in batches of one size, in an order that follows from seed and step alone."""

    def __init__(self, inputs: Sequence[FloatArray], batch: int, seed: int) -> None:
        self._seed = seed
        self._inputs = inputs
        self._sizes: dict[tuple[int, ...], list[int]] = {}
        for place, tensor in enumerate(inputs):
            self._sizes.setdefault(tensor.shape, []).append(place)
        self._of_size = {shape: max(2, batch * _BATCH_WIDTH // shape[2]) for shape in self._sizes}
        self._epoch, self._order = -1, list[list[int]]()

    def at(self, step: int) -> Tensor:
        """The batch of a step, (batch, height, width, channels) float32."""
        count = sum(-(-len(places) // self._of_size[shape]) for shape, places in self._sizes.items())
        epoch, place = divmod(step, count)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._shuffled(np.random.default_rng((self._seed, epoch)))
        batch = np.concatenate([self._inputs[index] for index in self._order[place]])
        return torch.from_numpy(varied(batch, np.random.default_rng((self._seed, epoch, place))))

    def _shuffled(self, chooser: np.random.Generator) -> list[list[int]]:
        batches = []
        for shape, places in self._sizes.items():
            mixed = [places[index] for index in chooser.permutation(len(places))]
            size = self._of_size[shape]
            batches += [mixed[start : start + size] for start in range(0, len(mixed), size)]
        return [batches[index] for index in chooser.permutation(len(batches))]
