"""Which axes of a tensor follow the size of the picture.

The input's height and width are free; every operator hands that on to axes of its outputs: a transpose to others, a
mean over them to none, an attention to both axes of its weights. So it is known of each number in a shape whether it
was computed for the size that the graph was traced with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from ai_edge_litert import schema_py_generated as schema

from converters.errors import ConversionError
from converters.tflite.graph import TFLiteGraph

Axes = frozenset[int]
"""Of one tensor, counted from the front."""


def free_axes_of_tensors(graph: TFLiteGraph, free_axes: Axes) -> dict[int, Axes]:
    """The free axes of each tensor that has any.

    Args:
        graph: with one input.
        free_axes: of that input.

    Raises:
        ConversionError: an operator works for one size only, or nothing is known here about how it treats axes.
    """
    free = {int(graph.subgraph.inputs[0]): free_axes}
    for operator in graph.operators:
        if not any(free.get(index) for index in operator.inputs):
            continue
        kind = graph.kind(operator)
        if kind not in _RULES:
            raise ConversionError(
                f"{kind} may store the size of what it gives, so the file would serve one size only; add a rewrite for "
                "it in converters/graph, or how it treats axes in converters/tflite/free_axes.py"
            )
        following = _RULES[kind](graph, operator, free)
        free |= dict.fromkeys(operator.outputs, following)
    return free


def _reshaped_axis(source: Sequence[int], target: Sequence[int], axis: int) -> int | None:
    """The axis of `target` that holds all of the source's `axis`, or None; both count in row-major order."""
    outside = math.prod(source[:axis])
    inside = outside * source[axis]
    for candidate in range(len(target)):
        if math.prod(target[:candidate]) <= outside and inside <= math.prod(target[: candidate + 1]):
            return candidate
    return None


_Free = Mapping[int, Axes]


def _in_place(_graph: TFLiteGraph, operator: schema.OperatorT, free: _Free) -> Axes:
    """Axes stay where they are: what works on pictures or on each row."""
    return free.get(operator.inputs[0], Axes())


def _broadcast(graph: TFLiteGraph, operator: schema.OperatorT, free: _Free) -> Axes:
    """Element by element, where operands of fewer axes or of size 1 are repeated."""
    rank = len(graph.shape(operator.outputs[0]))
    following = Axes().union(*(_from_behind(graph, index, free, rank) for index in operator.inputs))
    for index in operator.inputs:
        own, ahead = _from_behind(graph, index, free, rank), rank - len(graph.shape(index))
        fixed = [axis for axis in following - own if axis >= ahead and graph.shape(index)[axis - ahead] > 1]
        if fixed:
            raise _frozen(graph, operator, index)
    return following


def _from_behind(graph: TFLiteGraph, index: int, free: _Free, rank: int) -> Axes:
    """The free axes of a tensor as those of one of `rank` axes that it is broadcast to."""
    ahead = rank - len(graph.shape(index))
    return Axes(axis + ahead for axis in free.get(index, Axes()))


def _fully_connected(graph: TFLiteGraph, operator: schema.OperatorT, free: _Free) -> Axes:
    """Each row times the stored weights; the other axes stay where the options say so."""
    rows, weights = operator.inputs[:2]
    last = len(graph.shape(rows)) - 1
    following = free.get(rows, Axes())
    if free.get(weights) or last in following or not (operator.builtinOptions.keepNumDims or last == 1):
        raise _frozen(graph, operator, weights)
    return following


def _concatenation(graph: TFLiteGraph, operator: schema.OperatorT, free: _Free) -> Axes:
    """Side by side along one axis; along the others all must be of one size, whatever that is."""
    axis = operator.builtinOptions.axis % len(graph.shape(operator.outputs[0]))
    following = Axes().union(*(free.get(index, Axes()) for index in operator.inputs))
    for index in operator.inputs:
        if following - free.get(index, Axes()) - {axis}:
            raise _frozen(graph, operator, index)
    return following


def _mean(graph: TFLiteGraph, operator: schema.OperatorT, free: _Free) -> Axes:
    """The axes that the second input names become one number, or none."""
    rank = len(graph.shape(operator.inputs[0]))
    gone = {int(axis) % rank for axis in graph.constant(operator.inputs[1]).ravel()}
    left = free[operator.inputs[0]] - gone
    if operator.builtinOptions.keepDims:
        return left
    return Axes(axis - sum(before < axis for before in gone) for axis in left)


def _transpose(graph: TFLiteGraph, operator: schema.OperatorT, free: _Free) -> Axes:
    """Output axis i is the input axis that the second input names at i."""
    permutation = graph.constant(operator.inputs[1]).tolist()
    return Axes(permutation.index(axis) for axis in free[operator.inputs[0]])


def _split(graph: TFLiteGraph, operator: schema.OperatorT, free: _Free) -> Axes:
    """Into equal parts along the axis that the first input names."""
    data = operator.inputs[1]
    if int(graph.constant(operator.inputs[0]).item()) % len(graph.shape(data)) in free[data]:
        raise _frozen(graph, operator, data)
    return free[data]


def _reshape(graph: TFLiteGraph, operator: schema.OperatorT, free: _Free) -> Axes:
    """An axis may be joined with its neighbours, but not be spread over several."""
    source, target = graph.shape(operator.inputs[0]), graph.shape(operator.outputs[0])
    holders = [_reshaped_axis(source, target, axis) for axis in free[operator.inputs[0]]]
    if None in holders or len(set(holders)) > 1:
        raise ConversionError(
            f"the reshape {source} -> {target} spreads what depends on the input's size over several axes; only one "
            "can be left open"
        )
    return Axes(holder for holder in holders if holder is not None)


def _matrix_product(graph: TFLiteGraph, operator: schema.OperatorT, free: _Free) -> Axes:
    """(..., n, k) times (..., k, m): (..., n, m); the options may turn either matrix."""
    rank = len(graph.shape(operator.outputs[0]))
    first, second = (_from_behind(graph, index, free, rank) for index in operator.inputs)
    rows, columns = rank - 2, rank - 1
    if operator.builtinOptions.adjX:
        first = _swapped(first, rows, columns)
    if operator.builtinOptions.adjY:
        second = _swapped(second, rows, columns)
    if (columns in first) != (rows in second):
        raise _frozen(graph, operator, operator.inputs[1] if columns in first else operator.inputs[0])
    stacked = {axis for axis in first | second if axis < rows}
    return Axes(stacked | (first & {rows}) | (second & {columns}))


def _swapped(axes: Axes, one: int, other: int) -> Axes:
    return Axes({one: other, other: one}.get(axis, axis) for axis in axes)


def _frozen(graph: TFLiteGraph, operator: schema.OperatorT, index: int) -> ConversionError:
    return ConversionError(
        f"{graph.kind(operator)} works with {graph.tensor_name(index)}, whose shape {graph.shape(index)} was made for "
        "the one input size that the model was traced with; give a model that serves every size"
    )


_RULES: dict[str, Callable[[TFLiteGraph, schema.OperatorT, _Free], Axes]] = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D"), _in_place),
    **dict.fromkeys(("PAD", "DEPTH_TO_SPACE", "SOFTMAX"), _in_place),
    **dict.fromkeys(("LOGISTIC", "HARD_SWISH", "RELU", "RELU6", "RELU_0_TO_1", "GELU", "SQRT"), _in_place),
    **dict.fromkeys(("ADD", "SUB", "MUL", "DIV"), _broadcast),
    "FULLY_CONNECTED": _fully_connected,
    "CONCATENATION": _concatenation,
    "MEAN": _mean,
    "TRANSPOSE": _transpose,
    "SPLIT": _split,
    "RESHAPE": _reshape,
    "BATCH_MATMUL": _matrix_product,
}
"""Operator -> the free axes of its outputs, given those of the tensors before it."""
