"""Where quantisation noise enters a model, and how much of it arrives at the output.

What a static recipe rounds is the weights of a layer or an activation. Each of these sources is rounded alone, in the
otherwise float model, and the error of the output is measured. Errors of different sources have little to do with each
other, so their squares add up: what any choice of layers would cost is known without converting the model for it.
Source: Zhou et al. 2018, "Adaptive Quantization for Deep Neural Network", which adds up the noise of the weights at the
last layer. Here activations are counted as well, and the noise is taken on probabilities, where the thousands of
characters that are out of the question do not drown the few that compete.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from converters.quantization.int8 import LARGEST, LEVELS
from converters.quantization.operators import Operator, Prepared
from converters.quantization.placement import SCALE_PASSES_THROUGH
from converters.quantization.ranges import Range, first_inputs
from converters.tflite.graph import NO_TENSOR, TFLiteGraph
from edge_ocr.engines import open_engine
from edge_ocr.engines.base import Array

FloatArray = npt.NDArray[np.float32]

_MOST_INPUTS = 12
_MOST_PIXELS = 2_000_000
"""A dozen lines show the noise of a recognizer. A page has as many pixels as sixty of them, and three are enough."""
_FEWEST_INPUTS = 3
_WEIGHTS_REDUCED = {"CONV_2D": (1, 2, 3), "DEPTHWISE_CONV_2D": (0, 1, 2), "FULLY_CONNECTED": (1,)}
"""Operator with weights -> the axes of them that share one scale."""
_TEXT = 0.3
"""From this probability on a pixel is taken for text: the default of PaddleOCR's `det_db_thresh`."""


def decibels(noise: float) -> float:
    """Signal-to-noise ratio in dB, from noise power over signal power; infinite without noise."""
    return -10 * math.log10(noise) if noise > 0 else math.inf


@dataclass(frozen=True)
class Difference:
    """How far a changed model's output is from the float model's.

    Attributes:
        noise: squared error over squared signal, of probabilities, summed over all inputs.
        changed: share of answers that are others, 0 to 1: the likeliest class of a frame or line; of a detector, of the
            pixels that either takes for text, those that only one does.
    """

    noise: float
    changed: float


class Probe:
    """The output of a float model for a few inputs, to hold changed models against."""

    def __init__(self, content: bytes, inputs: Sequence[FloatArray], meaning: str | None) -> None:
        """Run the float model.

        Args:
            content: a float TFLite file.
            inputs: (1, H, W, C) float32 each, the first few of which are looked at.
            meaning: of the output, as in a manifest; None compares it as it stands.
        """
        self.inputs = first_inputs(inputs, _MOST_PIXELS, _FEWEST_INPUTS)[:_MOST_INPUTS]
        self._meaning = meaning
        self._wanted = self._answers(content)

    def difference(self, content: bytes) -> Difference:
        """Hold a TFLite file with the same inputs and outputs against the float model."""
        error = signal = 0.0
        changed = asked = 0
        for found, wanted in zip(self._answers(content), self._wanted, strict=True):
            error += float(np.square(found - wanted, dtype=np.float64).sum())
            signal += float(np.square(wanted, dtype=np.float64).sum())
            if wanted.shape[-1] > 1 and not self._is_of_pixels:
                other = found.argmax(-1) != wanted.argmax(-1)
                changed, asked = changed + int(other.sum()), asked + other.size
            else:
                text, text_wanted = found >= _TEXT, wanted >= _TEXT
                changed, asked = changed + int((text ^ text_wanted).sum()), asked + int((text | text_wanted).sum())
        return Difference(error / (signal or 1.0), changed / (asked or 1))

    @property
    def _is_of_pixels(self) -> bool:
        return self._meaning is not None and self._meaning.startswith("text-")

    def _answers(self, content: bytes) -> list[FloatArray]:
        network = open_engine("ai-edge-litert").load(content, name="probed")
        return [network.run(tensor.shape, _filler(tensor), self._probabilities) for tensor in self.inputs]

    def _probabilities(self, output: Array) -> FloatArray:
        numbers = np.array(output, np.float32)
        if self._meaning == "text-logits":
            return np.asarray(1 / (1 + np.exp(-np.clip(numbers, -80, 80))), np.float32)
        if self._meaning == "ctc-logits":
            powers = np.exp(numbers - numbers.max(-1, keepdims=True))
            return np.asarray(powers / powers.sum(-1, keepdims=True), np.float32)
        return numbers


def _filler(tensor: FloatArray) -> Callable[[Array], None]:
    def fill(view: Array) -> None:
        view[...] = tensor

    return fill


@dataclass(frozen=True)
class Layer:
    """An operator that the recipe makes int8.

    Attributes:
        place: in execution order, from 0, among all operators of the float file.
        operator: which it is.
        multiply_adds: of one run at the size the file is written for.
        weights: how many single weights it has.
        weight_noise: at the output, from rounding its weights alone.
        reads: activations that it reads, as places in `Noise.activations`.
        writes: the one that it writes, likewise.
    """

    place: int
    operator: Operator
    multiply_adds: int
    weights: int
    weight_noise: float
    reads: frozenset[int]
    writes: int

    @property
    def touches(self) -> frozenset[int]:
        """The activations that are rounded when it is int8."""
        return self.reads | {self.writes}


@dataclass(frozen=True)
class Activation:
    """A tensor that is rounded where an int8 operator reads or writes it.

    Attributes:
        tensor: its index in the float file.
        numbers: that it holds at the size the file is written for.
        noise: at the output, from rounding it alone.
    """

    tensor: int
    numbers: int
    noise: float


@dataclass(frozen=True)
class Noise:
    """The sources of noise in a model under a recipe.

    Attributes:
        layers: what the recipe makes int8, in execution order.
        activations: what they read and write.
        multiply_adds: of the whole model, with what stays float in any case.
    """

    layers: tuple[Layer, ...]
    activations: tuple[Activation, ...]
    multiply_adds: int

    def at_output(self, float_layers: Collection[int] = ()) -> float:
        """Noise over signal at the output, when the layers at these places in `layers` stay float."""
        rounded = [layer for index, layer in enumerate(self.layers) if index not in float_layers]
        touched = frozenset[int]().union(*(layer.touches for layer in rounded))
        return sum(layer.weight_noise for layer in rounded) + sum(self.activations[index].noise for index in touched)


def find_noise(prepared: Prepared, probe: Probe, progress: Callable[[], object] = lambda: None) -> Noise:
    """Measure every source of noise.

    Args:
        prepared: what is to be int8, and by which ranges.
        probe: of the same float model.
        progress: called after each source.
    """

    def noise_of(layers: Iterable[int], tensors: Iterable[int]) -> float:
        noise = probe.difference(with_rounding(prepared, layers, tensors)).noise
        progress()
        return noise

    graph = TFLiteGraph(prepared.content)
    originals = _before_moves(graph)
    tensors: dict[int, int] = {}  # tensor -> its place among the activations

    def activations_at(indices: Iterable[int]) -> frozenset[int]:
        return frozenset(tensors.setdefault(originals.get(index, index), len(tensors)) for index in indices)

    def layer(place: int, operator: schema.OperatorT) -> Layer:
        weighted = _has_weights(graph, operator)
        return Layer(
            place,
            Operator.of(graph, operator),
            multiply_adds(graph, operator),
            math.prod(graph.shape(operator.inputs[1])) if weighted else 0,
            noise_of([place], []) if weighted else 0.0,
            activations_at(index for index in graph.activations(operator) if graph.is_float(index)),
            *activations_at(operator.outputs[:1]),
        )

    layers = tuple(
        layer(place, operator)
        for place, operator in enumerate(graph.operators)
        if Operator.of(graph, operator) in prepared.operators
    )
    activations = tuple(Activation(index, math.prod(graph.shape(index)), noise_of([], [index])) for index in tensors)
    return Noise(layers, activations, sum(multiply_adds(graph, operator) for operator in graph.operators))


def _has_weights(graph: TFLiteGraph, operator: schema.OperatorT) -> bool:
    return graph.kind(operator) in _WEIGHTS_REDUCED and graph.is_constant(operator.inputs[1])


def _before_moves(graph: TFLiteGraph) -> dict[int, int]:
    """Tensor -> the one whose numbers it holds; rounding them again to the same steps adds no noise."""
    sources: dict[int, int] = {}
    for operator in graph.operators:
        if graph.kind(operator) in SCALE_PASSES_THROUGH:
            read = operator.inputs[0]
            sources[operator.outputs[0]] = sources.get(read, read)
    return sources


def multiply_adds(graph: TFLiteGraph, operator: schema.OperatorT) -> int:
    """Multiplications with weights, or of one activation with another, at the size that the file is written for."""
    kind, output = graph.kind(operator), graph.shape(operator.outputs[0])
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return output[1] * output[2] * math.prod(graph.shape(operator.inputs[1]))
    if kind == "FULLY_CONNECTED":
        return math.prod(output[:-1]) * math.prod(graph.shape(operator.inputs[1]))
    if kind == "TRANSPOSE_CONV":
        return math.prod(graph.shape(operator.inputs[2])[1:3]) * math.prod(graph.shape(operator.inputs[1]))
    if kind == "BATCH_MATMUL":
        return math.prod(output) * graph.shape(operator.inputs[0])[-1]
    if kind == "BIDIRECTIONAL_SEQUENCE_LSTM":
        matrices = [graph.shape(index) for index in operator.inputs if index != NO_TENSOR and graph.is_constant(index)]
        return output[1] * sum(math.prod(shape) for shape in matrices if len(shape) == 2)
    return 0


def with_rounding(prepared: Prepared, layers: Iterable[int] = (), tensors: Iterable[int] = ()) -> bytes:
    """The float model with some numbers brought to the steps of int8 and back.

    Args:
        prepared: the model, and its ranges.
        layers: places of operators whose weights are rounded, where they have any.
        tensors: indices of activations that are rounded.
    """
    graph = TFLiteGraph(prepared.content)
    for operator in [graph.operators[place] for place in layers]:
        if _has_weights(graph, operator):
            _round_weights(graph, operator)
    for tensor in tensors:
        _round_activation(graph, tensor, prepared.ranges[graph.tensor_name(tensor)])
    graph.drop_unused()
    return graph.to_bytes()


def _round_weights(graph: TFLiteGraph, operator: schema.OperatorT) -> None:
    weights = graph.constant(operator.inputs[1])
    steps = np.abs(weights).max(_WEIGHTS_REDUCED[graph.kind(operator)], keepdims=True) / LARGEST
    steps[steps == 0] = 1
    # A new constant instead of a changed one: two operators may share a buffer.
    rounded = graph.add_constant((np.round(weights / steps) * steps).astype(np.float32), like=operator.inputs[1])
    operator.inputs = [operator.inputs[0], rounded, *operator.inputs[2:]]


def _round_activation(graph: TFLiteGraph, tensor: int, span: Range) -> None:
    maker = graph.producers().get(tensor)
    integers, back = (graph.add_tensor(graph.shape(tensor), like=tensor) for _ in range(2))
    graph.redirect(tensor, back)
    graph.subgraph.outputs = [back if index == tensor else index for index in graph.subgraph.outputs]
    graph.tensor(integers).type = schema.TensorType.INT8
    graph.tensor(integers).quantization = _steps(span)
    builtin = schema.BuiltinOperator
    pair = [
        _conversion(graph, builtin.QUANTIZE, tensor, integers),
        _conversion(graph, builtin.DEQUANTIZE, integers, back),
    ]
    at = 0 if maker is None else next(i for i, each in enumerate(graph.operators) if each is maker) + 1
    graph.subgraph.operators = [*graph.operators[:at], *pair, *graph.operators[at:]]


def _steps(span: Range) -> schema.QuantizationParametersT:
    step = (span.high - span.low) / LEVELS
    quantization = schema.QuantizationParametersT()
    quantization.scale = [step]
    quantization.zeroPoint = [int(np.clip(round(-LARGEST - 1 - span.low / step), -LARGEST - 1, LARGEST))]
    return quantization


def _conversion(graph: TFLiteGraph, builtin: int, source: int, result: int) -> schema.OperatorT:
    operator = schema.OperatorT()
    operator.opcodeIndex = graph.operator_code(builtin, version=2)
    operator.inputs, operator.outputs = [source], [result]
    return operator
