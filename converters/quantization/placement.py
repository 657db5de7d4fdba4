"""From scales that a model has learned to the tensors of the TFLite file that is made of it.

On the way from ONNX to TFLite layers are merged, split, reordered and renamed, so that no name leads from one to the
other. The numbers do: both models are given one real input, and a layer of the TFLite file whose input holds the
numbers of a learned activation, be it times one factor, gets that activation's scale.

Weights need no placing: the quantizer takes the largest magnitude of a channel for its scale, which is the learned one,
and so comes back to the integers of the training. `PlacedQuantisation.used_in` tells whether it did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from ai_edge_litert import schema_py_generated as schema
from onnx import helper, numpy_helper

from converters.quantization.int8 import LARGEST
from converters.quantization.learned import LearnedQuantisation
from converters.quantization.ranges import Range, values_of
from converters.tflite.graph import CONVOLUTIONS, TFLiteGraph
from converters.tflite.integer_moves import MOVES

FloatArray = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int8]

_LAYERS = (*CONVOLUTIONS, "FULLY_CONNECTED")
_OUTPUT_AXIS = {"MatMul": 1, "ConvTranspose": 1}
"""ONNX operator -> axis of its weights' output channels; 0 of a convolution."""
SCALE_PASSES_THROUGH = ("PAD", "MAX_POOL_2D", "RESHAPE", *MOVES)
"""Operators with one scale for input and output."""
_TOLERANCE = 1e-3
"""Of the largest magnitude: far above float rounding, far below the difference between two activations."""
_PROBES = 1000
"""So many numbers of two activations are compared before all are."""
_ROUNDING = 1e-5
"""Of a step that went through the quantizer's float32."""
_INSERTED = "_quantized"
"""What the quantizer adds to the name of a float tensor that it converts in front of an operator."""


@dataclass(frozen=True)
class LearnedUse:
    """How much of what was learned is in a quantised file.

    Attributes:
        activations: scales that there are; 0 where activations stay float.
        activations_used: of these, those that the file has exactly.
        unused: layers with a scale that the file does not have: a rewrite has merged away what they read, or it stays
            float.
        missing: layers for whose input the archive lacks the scale.
        weights: single weights that have a learned step.
        weights_kept: of these, those in channels that are stored as the same multiples of it. What does not come back
            is of layers that a rewrite has merged, or of channels with nothing but zeros left at the quantizer's
            smallest step.
    """

    activations: int
    activations_used: int
    unused: tuple[str, ...]
    missing: tuple[str, ...]
    weights: int
    weights_kept: int

    def __str__(self) -> str:
        parts = [f"{self.weights_kept:,} of {self.weights:,} weights keep the integers that they were trained for"]
        if self.activations:
            parts.insert(
                0, f"{self.activations_used} of {self.activations} activation scales are those learned in training"
            )
        if self.missing:
            parts.append(f"the archive lacks the activation scales of {', '.join(self.missing)}")
        return "; ".join(parts)


@dataclass(frozen=True)
class PlacedQuantisation:
    """Learned scales at their places in a float TFLite file.

    Attributes:
        ranges: name of a tensor -> the range that gives it the steps of the training.
        inputs: layer that has a scale for its input -> name of the tensor that holds it; None where none does.
        missing: layers that have none.
        integers: layer -> its weights as multiples of their steps, (out, ...) and channels last.
    """

    ranges: Mapping[str, Range]
    inputs: Mapping[str, str | None]
    missing: tuple[str, ...]
    integers: Mapping[str, Integers]

    def used_in(self, quantised: bytes) -> LearnedUse:
        """How much of it is in the file that `quantise` has made."""
        graph = TFLiteGraph(quantised)
        steps, stored = dict(_steps(graph)), list(_stored_integers(graph))
        used = {name for name, tensor in self.inputs.items() if tensor and self._has_learned_step(steps, tensor)}
        return LearnedUse(
            activations=len(self.inputs),
            activations_used=len(used),
            unused=tuple(sorted(set(self.inputs) - used)),
            missing=self.missing,
            weights=sum(integers.size for integers in self.integers.values()),
            weights_kept=sum(_in_common(integers, stored) for integers in self.integers.values()),
        )

    def _has_learned_step(self, steps: Mapping[str, float], tensor: str) -> bool:
        learned = self.ranges[tensor].high / LARGEST
        return tensor in steps and bool(np.isclose(steps[tensor], learned, rtol=_ROUNDING, atol=0))


def place(content: bytes, source: Path, learned: LearnedQuantisation, tensor: FloatArray | None) -> PlacedQuantisation:
    """Find the activations of a float TFLite file that have a learned scale.

    Args:
        content: the TFLite file.
        source: the ONNX model that it was made from.
        learned: the scales that came with it.
        tensor: a calibration input, (1, H, W, C) float32; None where activations stay float.

    Returns:
        What `quantise` is to use. An activation that no layer of the TFLite file reads any more is left to calibration.
    """
    model = onnx.load(source)
    integers = dict(_learned_integers(model, learned))
    if tensor is None:
        return PlacedQuantisation({}, {}, (), integers)
    scales = {name: layer.activation for name, layer in learned.layers.items() if layer.activation is not None}
    graph = TFLiteGraph(content)
    found = values_of(content, sorted({_before_padding(graph, index) for index in _layer_inputs(graph)}), tensor)
    inputs: dict[str, str | None] = dict.fromkeys(scales)
    ranges: dict[str, Range] = {}
    for name, values in _source_activations(model, set(scales), tensor).items():
        for index, others in found.items():
            if (factor := _factor(values, others)) is not None:
                inputs[name] = graph.tensor_name(index)
                _widen(ranges, graph.tensor_name(index), scales[name] * factor)
    missing = tuple(sorted(set(learned.layers) - set(scales)))
    return PlacedQuantisation(_upstream(graph, ranges), inputs, missing, integers)


def _source_activations(model: onnx.ModelProto, layers: AbstractSet[str], tensor: FloatArray) -> dict[str, FloatArray]:
    """Layer -> the values of its input in the ONNX model, channels last."""
    names = {
        parameter: node.input[0] for node in model.graph.node for parameter in node.input[1:2] if parameter in layers
    }
    values = {model.graph.input[0].name: np.ascontiguousarray(tensor.transpose(0, 3, 1, 2))}
    wanted = sorted(set(names.values()) - set(values))
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in wanted)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    values |= dict(zip(wanted, session.run(wanted, values), strict=True))
    return {parameter: np.ascontiguousarray(np.moveaxis(values[name], 1, -1)) for parameter, name in names.items()}


def _layer_inputs(graph: TFLiteGraph) -> Iterator[int]:
    for operator in graph.operators:
        if graph.kind(operator) in _LAYERS:
            yield from graph.activations(operator)[:1]


def _before_padding(graph: TFLiteGraph, index: int) -> int:
    """The tensor without the padding that TFLite does in an operator of its own."""
    producer = graph.producers().get(index)
    return int(producer.inputs[0]) if producer is not None and graph.kind(producer) == "PAD" else index


def _factor(wanted: FloatArray, found: FloatArray) -> float | None:
    """What makes `found` of `wanted`; None where no positive factor does."""
    if wanted.size != found.size or not wanted.any() or not found.any():
        return None
    a, b = wanted.ravel(), found.ravel()
    largest = float(np.abs(b).max())
    factor = largest / float(np.abs(a).max())
    for every in (max(1, a.size // _PROBES), 1):  # a few numbers tell most pairs apart
        if np.abs(b[::every] - np.float32(factor) * a[::every]).max() > _TOLERANCE * largest:
            return None
    return factor


def _widen(ranges: dict[str, Range], tensor: str, largest: float) -> None:
    """Give a tensor the steps of a learned scale; of two it keeps the wider, which clips for neither reader."""
    step = largest / LARGEST
    if tensor not in ranges or ranges[tensor].high < largest:
        # the number below -127 is used as well, in training as in TFLite
        ranges[tensor] = Range(-(LARGEST + 1) * step, LARGEST * step)


def _upstream(graph: TFLiteGraph, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """These ranges, and the same for what reaches those tensors through operators that cannot change the scale."""
    spread = dict(ranges)
    for operator in reversed(graph.operators):
        output = graph.tensor_name(operator.outputs[0])
        if graph.kind(operator) in SCALE_PASSES_THROUGH and output in spread:
            spread.setdefault(graph.tensor_name(operator.inputs[0]), spread[output])
    return spread


def _learned_integers(model: onnx.ModelProto, learned: LearnedQuantisation) -> Iterator[tuple[str, Integers]]:
    constants = dict(_constants(model))
    for node in model.graph.node:
        for name in node.input[1:2]:
            if name in learned.layers and name in constants:
                outputs_first = np.moveaxis(constants[name], _OUTPUT_AXIS.get(node.op_type, 0), 0)
                rows = np.moveaxis(outputs_first, 1, -1).reshape(len(outputs_first), -1)
                largest = np.maximum(np.array(learned.layers[name].weights), np.finfo(np.float32).tiny)
                yield name, _of_one_sign(np.rint(rows / largest[:, None] * LARGEST).astype(np.int8))


def _constants(model: onnx.ModelProto) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    for tensor in model.graph.initializer:
        yield tensor.name, numpy_helper.to_array(tensor)
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            yield node.output[0], numpy_helper.to_array(node.attribute[0].t)


def _stored_integers(graph: TFLiteGraph) -> Iterator[Integers]:
    producers = graph.producers()
    for operator in graph.operators:
        if graph.kind(operator) in _LAYERS:
            # Float arithmetic reads int8 weights through an operator that makes them float.
            reader = producers.get(operator.inputs[1], operator)
            weights = reader.inputs[0 if reader is not operator else 1]
            if graph.is_constant(weights) and graph.tensor(weights).type == schema.TensorType.INT8:
                values = graph.constant(weights)
                rows = np.moveaxis(values, -1, 0) if graph.kind(operator) == "DEPTHWISE_CONV_2D" else values
                yield _of_one_sign(rows.reshape(len(rows), -1))


def _of_one_sign(rows: Integers) -> Integers:
    """Every row with a positive first number: a batch normalisation folded into weights may turn a channel round."""
    first = rows[np.arange(len(rows)), (rows != 0).argmax(axis=1)]
    return rows * np.where(first < 0, -1, 1).astype(np.int8)[:, None]


def _in_common(integers: Integers, stored: Sequence[Integers]) -> int:
    """Weights of the channels that the most similar of the stored arrays has as they are."""
    channels = ((integers == other).all(axis=1).sum() for other in stored if other.shape == integers.shape)
    return int(max(channels, default=0)) * integers.shape[1]


def _steps(graph: TFLiteGraph) -> Iterator[tuple[str, float]]:
    """Name in the float file -> step, of the int8 activations that are symmetric around 0."""
    for index, tensor in enumerate(graph.subgraph.tensors):
        if tensor.type == schema.TensorType.INT8 and not graph.is_constant(index):
            quantization = tensor.quantization
            if not any(quantization.zeroPoint):
                yield graph.tensor_name(index).removesuffix(_INSERTED), float(quantization.scale[0])
