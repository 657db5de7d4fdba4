"""Bring the channels of an activation to similar magnitudes, exactly.

An int8 tensor has one scale, so a channel a hundred times smaller than its neighbour keeps two or three levels. Where
linear operators surround a tensor, channel c can be divided by s[c] on the way in and multiplied back by the weights
that read it: the network computes the same, and int8 sees evener channels. The idea is cross-layer equalisation (Nagel
et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1) with the
activation-driven scales and the exponent of SmoothQuant (Xiao et al. 2022, section 4).

Tensors joined by an addition, a pooling, a padding or a gate must share their scales: they form one group, found by
union-find. A group that touches anything non-linear, or the model's own input or output, is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from converters.quantization.ranges import Observation
from converters.tflite.graph import CONVOLUTIONS, TFLiteGraph

FloatArray = npt.NDArray[np.float32]

_PASS_CHANNELS_THROUGH = {"PAD", "AVERAGE_POOL_2D", "MAX_POOL_2D", "MEAN"}
_COMMUTES_WITH_SCALING = (schema.ActivationFunctionType.NONE, schema.ActivationFunctionType.RELU)
_LARGEST_FACTOR = 32.0
"""No channel is enlarged by more: beyond that, noise in an almost empty channel would set the range."""


class _Groups:
    """Disjoint sets of tensors that share one scale vector."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}
        self._left_alone: set[int] = set()

    def find(self, tensor: int) -> int:
        root = tensor
        while self._parent.setdefault(root, root) != root:
            root = self._parent[root]
        self._parent[tensor] = root
        return root

    def join(self, *tensors: int) -> None:
        for other in tensors[1:]:
            self._parent[self.find(other)] = self.find(tensors[0])

    def leave_alone(self, *tensors: int) -> None:
        self._left_alone.update(tensors)

    def members(self, tensors: list[int]) -> dict[int, list[int]]:
        """Root -> the tensors of its group, groups left alone excepted."""
        excluded = {self.find(tensor) for tensor in self._left_alone}
        groups: dict[int, list[int]] = {}
        for tensor in tensors:
            if self.find(tensor) not in excluded:
                groups.setdefault(self.find(tensor), []).append(tensor)
        return groups


def equalise(content: bytes, seen: Mapping[int, Observation], strength: float) -> bytes:
    """Scale channels by `strength`.

    Args:
        content: a float TFLite file.
        seen: what calibration saw of it (`ranges.observe`).
        strength: exponent of the scales, 0 (nothing) to 1 (every channel to the same magnitude).

    Returns:
        A float TFLite file that computes the same up to rounding.
    """
    graph = TFLiteGraph(content)
    groups = _group_tensors(graph)
    scales: dict[int, FloatArray] = {}
    for root, tensors in groups.members(sorted(seen)).items():
        share = np.max([seen[tensor].largest / max(float(seen[tensor].largest.max()), 1e-9) for tensor in tensors], 0)
        scales[root] = (np.clip(share, 1 / _LARGEST_FACTOR, 1.0) ** strength).astype(np.float32)
    for operator in graph.operators:
        if graph.kind(operator) in CONVOLUTIONS:
            _scale_weights(
                graph,
                operator,
                reading=scales.get(groups.find(operator.inputs[0])),
                writing=scales.get(groups.find(operator.outputs[0])),
            )
    graph.drop_unused()
    return graph.to_bytes()


def _group_tensors(graph: TFLiteGraph) -> _Groups:
    groups = _Groups()
    groups.leave_alone(*graph.boundary)
    for operator in graph.operators:
        kind = graph.kind(operator)
        output = operator.outputs[0]
        if kind in CONVOLUTIONS:
            if operator.builtinOptions.fusedActivationFunction not in _COMMUTES_WITH_SCALING:
                groups.leave_alone(output)
        elif kind in _PASS_CHANNELS_THROUGH and not _averages_channels(graph, operator):
            groups.join(operator.inputs[0], output)
        elif kind == "ADD" and _adds_channel_by_channel(graph, operator):
            groups.join(*operator.inputs, output)
        elif kind == "MUL" and (features := _gated_features(graph, operator)) is not None:
            groups.join(features, output)
            groups.leave_alone(*(set(graph.activations(operator)) - {features}))
        else:
            groups.leave_alone(*graph.activations(operator), *operator.outputs)
    return groups


def _averages_channels(graph: TFLiteGraph, operator: schema.OperatorT) -> bool:
    """Whether it is a mean over channels, as layer normalisation takes it."""
    if graph.kind(operator) != "MEAN":
        return False
    axes, rank = graph.constant(operator.inputs[1]).ravel(), len(graph.shape(operator.inputs[0]))
    return bool(np.any(axes % rank == rank - 1))


def _adds_channel_by_channel(graph: TFLiteGraph, operator: schema.OperatorT) -> bool:
    first, second = operator.inputs
    return (
        not graph.is_constant(first)
        and not graph.is_constant(second)
        and graph.shape(first)[-1:] == graph.shape(second)[-1:]
        and operator.builtinOptions.fusedActivationFunction in _COMMUTES_WITH_SCALING
    )


def _gated_features(graph: TFLiteGraph, operator: schema.OperatorT) -> int | None:
    """Of a multiplication by a constant or by a gate with one value a channel, the operand that is not it."""
    if operator.builtinOptions.fusedActivationFunction != schema.ActivationFunctionType.NONE:
        return None
    first, second = operator.inputs
    for factor, features in ((first, second), (second, first)):
        if graph.is_constant(features):
            continue
        if graph.is_constant(factor) or (_is_gate(graph, factor) and not _is_gate(graph, features)):
            return int(features)
    return None


def _is_gate(graph: TFLiteGraph, tensor: int) -> bool:
    return graph.shape(tensor)[1:3] == (1, 1)


def _scale_weights(
    graph: TFLiteGraph, operator: schema.OperatorT, reading: FloatArray | None, writing: FloatArray | None
) -> None:
    """Fold the scales of a convolution's input and output channels into its weights and bias.

    TFLite stores a convolution's weights as (out, h, w, in) and a depthwise one's as (1, h, w, channels).
    """
    if reading is None and writing is None:
        return
    weights = graph.constant(operator.inputs[1])
    if reading is not None:
        weights = weights * reading
    if writing is not None:
        divisor = writing.reshape(-1, 1, 1, 1) if graph.kind(operator) == "CONV_2D" else writing
        weights = weights / divisor
    # New constants instead of changed ones: two operators may share a buffer.
    inputs = list(operator.inputs)
    inputs[1] = graph.add_constant(weights.astype(np.float32), like=inputs[1])
    if writing is not None and len(inputs) > 2 and inputs[2] >= 0:
        bias = graph.constant(inputs[2]) / writing
        inputs[2] = graph.add_constant(bias.astype(np.float32), like=inputs[2])
    operator.inputs = inputs
