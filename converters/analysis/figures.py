"""The figures of a model under a static recipe, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.quantization.operators import Prepared
from converters.quantization.ranges import Range, values_of
from converters.quantization.recipes import ModelRecipe
from converters.quantization.sensitivity import Layer, Noise, Probe, decibels, find_noise, with_rounding
from converters.quantization.static import prepare, to_int8, with_first_in_float, with_islands
from converters.tflite.graph import TFLiteGraph

FloatArray = npt.NDArray[np.float32]

_FOLLOWED = 2
"""Inputs for which every activation of the quantised model is held against the float model's."""


@dataclass(frozen=True)
class LayerFigures:
    """One operator that can be int8.

    Attributes:
        place: in execution order, from 0, among all operators of the float model.
        kind: for example CONV_2D.
        output: name of its output tensor.
        shape: of that tensor, at the size the model is written for.
        stays_float: whether the recipe leaves it float.
        weight_noise: share of all the noise at the model's output that comes from its weights.
        activation_noise: likewise from rounding its output, and those of its inputs that float layers write.
        alone: signal-to-noise ratio of the model's output in dB, with it as the only int8 layer.
        changed: share of the model's answers that this changes; see `sensitivity.Difference`.
        whole: signal-to-noise ratio of its own output in dB, in the model with all layers int8.
        recipe: likewise in the model as the recipe makes it.
        multiply_adds: its share of the model's.
        weights: its share of the weights of the layers that can be int8, and so roughly of the file.
    """

    place: int
    kind: str
    output: str
    shape: tuple[int, ...]
    stays_float: bool
    weight_noise: float
    activation_noise: float
    alone: float
    changed: float
    whole: float
    recipe: float
    multiply_adds: float
    weights: float

    @property
    def noise(self) -> float:
        """Share of all the noise at the model's output that enters here."""
        return self.weight_noise + self.activation_noise


@dataclass(frozen=True)
class State:
    """The model's output in one state.

    Attributes:
        signal_to_noise: in dB, against the float model.
        changed: share of answers that are others; see `sensitivity.Difference`.
        float_multiply_adds: share of the multiply-adds that stay float, though they could be int8.
    """

    signal_to_noise: float
    changed: float
    float_multiply_adds: float


@dataclass(frozen=True)
class ModelFigures:
    """One model.

    Attributes:
        kind: "detector", "direction" or "recognizer".
        inputs: how many it was measured on.
        whole: with everything int8 that can be.
        recipe: as the recipe makes it.
        layers: in execution order.
    """

    kind: str
    inputs: int
    whole: State
    recipe: State
    layers: tuple[LayerFigures, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it; null stands for a ratio without noise."""
        plain: dict[str, Any] = _finite(asdict(self))
        return plain


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def analyse(
    kind: str,
    content: bytes,
    recipe: ModelRecipe,
    inputs: Sequence[FloatArray],
    meaning: str | None,
    progress: Callable[[], object] = lambda: None,
    *,
    learned: Mapping[str, Range] | None = None,
) -> ModelFigures:
    """Measure a model under a static recipe, as it is before the recipe moves any weight.

    Args:
        kind: of the model.
        content: a float TFLite file.
        recipe: a static one.
        inputs: calibration tensors, (1, H, W, C) float32 each.
        meaning: of the output, as in a manifest.
        progress: called after each calibration input, source of noise and layer.
        learned: tensor name -> range known from training (`placement.place`).
    """
    inputs = inputs[: recipe.samples]
    prepared = prepare(content, recipe, inputs, progress, meaning=meaning, learned=learned)
    probe = Probe(prepared.content, inputs, meaning)
    noise = find_noise(prepared, probe, progress)
    chosen = with_first_in_float(prepared, recipe)
    if recipe.float_share:
        chosen = with_islands(chosen, recipe, noise)
    files = [to_int8(each, recipe, inputs[0]) for each in (prepared, chosen)]
    states = []
    for file, state in zip(files, (prepared, chosen), strict=True):
        difference = probe.difference(file)
        left_float = sum(layer.multiply_adds for layer in noise.layers if layer.operator not in state.operators)
        states.append(State(decibels(difference.noise), difference.changed, left_float / (noise.multiply_adds or 1)))
    own = [_own_ratios(prepared, file, noise.layers, probe.inputs[:_FOLLOWED]) for file in files]
    graph = TFLiteGraph(prepared.content)
    total, weights = noise.at_output() or 1.0, sum(layer.weights for layer in noise.layers) or 1
    entering = _entering(noise)
    layers = []
    for index, layer in enumerate(noise.layers):
        tensors = [noise.activations[touched].tensor for touched in sorted(layer.touches)]
        alone = probe.difference(with_rounding(prepared, [layer.place], tensors))
        progress()
        output = graph.operators[layer.place].outputs[0]
        layers.append(
            LayerFigures(
                place=layer.place,
                kind=layer.operator.kind,
                output=layer.operator.output,
                shape=graph.shape(output),
                stays_float=layer.operator not in chosen.operators,
                weight_noise=layer.weight_noise / total,
                activation_noise=entering[index] / total,
                alone=decibels(alone.noise),
                changed=alone.changed,
                whole=own[0][index],
                recipe=own[1][index],
                multiply_adds=layer.multiply_adds / (noise.multiply_adds or 1),
                weights=layer.weights / weights,
            )
        )
    return ModelFigures(kind, len(probe.inputs), states[0], states[1], tuple(layers))


def _entering(noise: Noise) -> list[float]:
    """For each layer, the noise of the activations that are rounded there first."""
    writers = {layer.writes: index for index, layer in reversed(list(enumerate(noise.layers)))}
    readers = {read: index for index, layer in reversed(list(enumerate(noise.layers))) for read in layer.reads}
    entering = [0.0] * len(noise.layers)
    for place, activation in enumerate(noise.activations):
        entering[writers.get(place, readers.get(place, 0))] += activation.noise
    return entering


def _own_ratios(
    prepared: Prepared, quantised: bytes, layers: Sequence[Layer], inputs: Sequence[FloatArray]
) -> list[float]:
    """Signal-to-noise ratio in dB of each layer's output in a quantised file, the noise of all before it included."""
    float_graph, graph = TFLiteGraph(prepared.content), TFLiteGraph(quantised)
    by_name = {graph.tensor_name(index): index for index in range(len(graph.subgraph.tensors))}
    outputs = [float_graph.operators[layer.place].outputs[0] for layer in layers]
    found = [by_name[layer.operator.output] for layer in layers]
    error, signal = np.zeros(len(layers)), np.zeros(len(layers))
    for tensor in inputs:
        wanted, numbers = values_of(prepared.content, outputs, tensor), values_of(quantised, found, tensor)
        for place, (output, index) in enumerate(zip(outputs, found, strict=True)):
            error[place] += float(np.square(_real(graph, index, numbers[index]) - wanted[output]).sum())
            signal[place] += float(np.square(wanted[output]).sum())
    return [decibels(e / (s or 1.0)) for e, s in zip(error, signal, strict=True)]


def _real(graph: TFLiteGraph, index: int, numbers: npt.NDArray[Any]) -> FloatArray:
    if graph.is_float(index):
        return numbers
    steps = graph.tensor(index).quantization
    return ((numbers.astype(np.float32) - steps.zeroPoint[0]) * steps.scale[0]).astype(np.float32)
