"""Weights chosen layer by layer so that the int8 model's features are the float model's.

Rounding each weight to the nearest step is best for the weight, not for the layer: errors of weights that read similar
inputs may add up or cancel. So the model is walked through in execution order, twice at once: exactly, and as int8 will
compute it, with the weights chosen so far and activations brought to their steps. At each layer with weights three
things follow from samples of its inputs in both:

1. the weights that, by ridge regression, give the exact layer's output from the rounded one's inputs: they undo what
   earlier rounding did (the asymmetric calibration of Li et al. 2025, "GPTAQ");
2. integers for them: one weight after the other is rounded, and those still to come make up for its error (Frantar et
   al. 2022, "GPTQ", section 3; Hassibi et al. 1993, "Optimal Brain Surgeon"). Then each takes the best step given all
   others, until none changes (Zhang et al. 2024, "COMQ");
3. the bias with which the mean of each channel is the exact one's (Nagel et al. 2019, "Data-Free Quantization Through
   Weight Equalization and Bias Correction", section 4.2).

What comes out is a float model again, whose weights are whole multiples of a step each channel has. The largest weight
of a channel is 127 of them, so that a quantizer that takes it for its scale, and rounds to nearest, finds the same
integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.errors import ConversionError
from converters.quantization.int8 import LARGEST, LEVELS
from converters.quantization.linear import LINEAR, FloatArray, LinearLayer, Matrices
from converters.quantization.operators import Operator, Prepared
from converters.quantization.ranges import Range, first_inputs
from converters.quantization.single_operator import SingleOperator
from converters.tflite.graph import TFLiteGraph

_SMALLEST_STEP = 1e-9 / LARGEST
"""Of the quantizer, for channels with nothing but zeros."""
_PLACES_PER_WEIGHT = 24
_PLACES = (2048, 12_000)
"""Between so many places of a layer's output are looked at, over all inputs."""
_RIDGE = 1.0
"""Of the regression, in mean squares of an input: how much the samples must say before a weight moves."""
_DAMPING = 0.01
"""Likewise of rounding; the value of GPTQ."""
_SWEEPS = 3
_BLOCK = 1 << 16
"""Weights that are rounded at once: as many as stay in a processor's cache."""
_PIXELS = 6_000_000
"""Of all inputs together. A detector's features of so many take about a gigabyte."""


def reconstruct(
    prepared: Prepared, inputs: Sequence[FloatArray], progress: Callable[[], object] = lambda: None
) -> Prepared:
    """Choose the weights.

    Args:
        prepared: what becomes int8; without ranges where only weights do.
        inputs: (1, H, W, C) float32 each, normalised as the model expects; the first few of large ones.
        progress: called as often as there are inputs.

    Returns:
        The same with other weights.

    Raises:
        ConversionError: no inputs, or a model with numbers that are not finite.
    """
    if not inputs:
        raise ConversionError("calibration needs at least one picture")
    graph = TFLiteGraph(prepared.content)
    entry = int(graph.subgraph.inputs[0])
    samples = [_Sample({entry: tensor}, {entry: tensor}) for tensor in first_inputs(inputs, _PIXELS)]
    chooser = np.random.default_rng(0)
    last_read = {index: place for place, each in enumerate(graph.operators) for index in graph.activations(each)}
    done = 0
    for place, operator in enumerate(graph.operators):
        step = SingleOperator(graph, operator)
        for sample in samples:
            sample.exact |= step.run(sample.exact)
        spans = _spans(prepared, graph, operator)
        if _is_chosen_for(prepared, graph, operator):
            _choose_weights(LinearLayer(graph, operator), step.inputs[0], spans, samples, chooser)
            step = SingleOperator(graph, operator)
        for sample in samples:
            read = {index: sample.rounded[index] for index in step.inputs}
            sample.rounded |= _represented(step.run(_represented(read, spans)), spans)
            sample.forget(index for index in step.inputs if last_read[index] == place)
        for _ in range(done, done := len(inputs) * (place + 1) // len(graph.operators)):
            progress()
    graph.drop_unused()
    return replace(prepared, content=graph.to_bytes())


@dataclass
class _Sample:
    """What one input has become in both models; tensor -> values, as far as they are still to be read."""

    exact: dict[int, FloatArray]
    rounded: dict[int, FloatArray]

    def forget(self, tensors: Iterable[int]) -> None:
        for index in tensors:
            del self.exact[index], self.rounded[index]


def _is_chosen_for(prepared: Prepared, graph: TFLiteGraph, operator: schema.OperatorT) -> bool:
    """Whether it has weights that become int8."""
    is_linear = graph.kind(operator) in LINEAR and graph.is_constant(operator.inputs[1])
    return is_linear and Operator.of(graph, operator) in prepared.operators


def _spans(prepared: Prepared, graph: TFLiteGraph, operator: schema.OperatorT) -> dict[int, Range]:
    """Tensor -> its range, of those that an int8 operator reads and writes."""
    if Operator.of(graph, operator) not in prepared.operators:
        return {}
    names = {int(index): graph.tensor_name(index) for index in [*graph.activations(operator), *operator.outputs]}
    return {index: prepared.ranges[name] for index, name in names.items() if name in prepared.ranges}


def _represented(tensors: Mapping[int, FloatArray], spans: Mapping[int, Range]) -> dict[int, FloatArray]:
    """Tensors with the numbers that int8 has for them, where they have a range."""
    return {index: _rounded(values, spans[index]) if index in spans else values for index, values in tensors.items()}


def _rounded(values: FloatArray, span: Range) -> FloatArray:
    step = np.float32((span.high - span.low) / LEVELS)
    zero = np.round(-span.low / step)
    rounded: FloatArray = np.clip(np.round(values / step), -zero, LEVELS - zero) * step
    return rounded


def _choose_weights(
    layer: LinearLayer,
    source: int,
    spans: Mapping[int, Range],
    samples: Sequence[_Sample],
    chooser: np.random.Generator,
) -> None:
    count = int(np.clip(_PLACES_PER_WEIGHT * layer.weights.shape[-1], *_PLACES))
    exact, rounded = [], []
    for sample in samples:
        places = layer.draw(sample.exact[source], -(-count // len(samples)), chooser)
        exact.append(layer.columns(sample.exact[source], places))
        read = _represented({source: sample.rounded[source]}, spans)[source]
        rounded.append(layer.columns(read, places))
    centred = layer.bias is not None
    problem = _Moments.of(np.concatenate(exact, 1), np.concatenate(rounded, 1), layer.weights, centred=centred)
    if not (np.isfinite(problem.products).all() and np.isfinite(problem.drift).all()):
        raise ConversionError(
            "the float model has weights that are not finite, or computes such values; it cannot be quantised"
        )
    chosen = round_together(problem.corrected(layer.weights), problem.damped(_DAMPING))
    bias = None
    if layer.bias is not None:
        bias = layer.bias + np.einsum("god,gd->go", layer.weights, problem.mean_exact)
        bias -= np.einsum("god,gd->go", chosen, problem.mean_rounded)
    layer.replace(chosen, bias)


@dataclass(frozen=True)
class _Moments:
    """What samples of a layer's inputs say, for each of G groups.

    Attributes:
        mean_exact: (G, D) of the exact model.
        mean_rounded: (G, D) of the rounded one.
        products: (G, D, D) mean products of the rounded inputs.
        drift: (G, D, O) mean products of the rounded inputs and what the exact ones would add to the output.
    """

    mean_exact: Matrices
    mean_rounded: Matrices
    products: Matrices
    drift: Matrices

    @staticmethod
    def of(exact: FloatArray, rounded: FloatArray, weights: Matrices, *, centred: bool) -> _Moments:
        """From (G, N, D) samples; `centred` takes the means off first, which a bias can make up for."""
        means = exact.mean(1, dtype=np.float64), rounded.mean(1, dtype=np.float64)
        if centred:
            exact, rounded = (
                values - mean[:, None].astype(np.float32) for values, mean in zip((exact, rounded), means, strict=True)
            )
        count, turned = exact.shape[1], rounded.transpose(0, 2, 1)
        added = (exact - rounded) @ weights.transpose(0, 2, 1).astype(np.float32)
        products, drift = ((turned @ other).astype(np.float64) / count for other in (rounded, added))
        return _Moments(*means, products, drift)

    def damped(self, share: float) -> Matrices:
        """`products` with that share of a mean square added on the diagonal."""
        squares = np.diagonal(self.products, axis1=1, axis2=2).mean(1)
        # An input that is always 0 says nothing about its weights; any number keeps them where they are.
        added = share * np.where(squares > 0, squares, 1.0)
        return self.products + added[:, None, None] * np.eye(self.products.shape[-1])

    def corrected(self, weights: Matrices) -> Matrices:
        """The weights whose output from rounded inputs is closest to that of `weights` from exact ones."""
        return weights + np.linalg.solve(self.damped(_RIDGE), self.drift).transpose(0, 2, 1)


def round_together(weights: Matrices, products: Matrices) -> Matrices:
    """Multiples of one step a channel, chosen so that the squared error of the channel's output is small.

    Args:
        weights: (G, O, D); the largest magnitude of a channel is 127 of its steps, and is kept.
        products: (G, D, D) mean products of the inputs, positive definite.

    Returns:
        (G, O, D), close to `weights`.
    """
    # What is rounded first has the most others to make up for it.
    order = np.argsort(-np.diagonal(products, axis1=1, axis2=2), axis=1, kind="stable")
    back = np.argsort(order, axis=1, kind="stable")[:, None]
    weights = np.take_along_axis(weights, order[:, None], 2)
    products = np.take_along_axis(np.take_along_axis(products, order[:, :, None], 1), order[:, None], 2)
    inverse = np.linalg.inv(products)
    factor = np.linalg.cholesky((inverse + inverse.transpose(0, 2, 1)) / 2).transpose(0, 2, 1)
    rows = max(1, _BLOCK // weights[:, 0].size)
    chosen = np.empty_like(weights)
    for start in range(0, weights.shape[1], rows):
        channels = _Channels(weights[:, start : start + rows])
        channels.round_in_turn(factor)
        channels.improve(products)
        chosen[:, start : start + rows] = channels.values
    return np.take_along_axis(chosen, back, 2)


class _Channels:
    """Some output channels of a layer while their integers are chosen."""

    def __init__(self, wanted: Matrices) -> None:
        magnitudes = np.abs(wanted)
        self._wanted = wanted
        self._steps = np.maximum(magnitudes.max(-1) / LARGEST, _SMALLEST_STEP)
        self._largest = magnitudes.argmax(-1)
        self._integers = np.round(wanted / self._steps[..., None])

    @property
    def values(self) -> Matrices:
        """(G, O, D)"""
        return self._integers * self._steps[..., None]

    def round_in_turn(self, factor: Matrices) -> None:
        """GPTQ's algorithm 1; `factor` is the upper Cholesky factor of the inverse of the inputs' products."""
        left = self._wanted.copy()
        for place in range(left.shape[-1]):
            self._set(place, left[..., place])
            error = (left[..., place] - self._at(place)) / factor[:, None, place, place]
            left[..., place + 1 :] -= error[..., None] * factor[:, None, place, place + 1 :]

    def improve(self, products: Matrices) -> None:
        """Take the best integer given all others, in turn, until none changes or `_SWEEPS` are over."""
        slope = (self.values - self._wanted) @ products
        for _ in range(_SWEEPS):
            before = self._integers.copy()
            for place in range(before.shape[-1]):
                old = self._at(place)
                self._set(place, old - slope[..., place] / products[:, None, place, place])
                slope += (self._at(place) - old)[..., None] * products[:, None, place]
            if np.array_equal(before, self._integers):
                break

    def _at(self, place: int) -> Matrices:
        return self._integers[..., place] * self._steps

    def _set(self, place: int, values: Matrices) -> None:
        """Round the weights at one place, but for those that their channel has its step from."""
        rounded = np.clip(np.round(values / self._steps), -LARGEST, LARGEST)
        self._integers[..., place] = np.where(self._largest == place, self._integers[..., place], rounded)
