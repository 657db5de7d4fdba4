"""Exact clean-up of the float TFLite file that onnx2tf writes: fewer operators, same numbers."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.graph import TFLiteGraph

_FUSED_CODE = {
    "RELU": schema.ActivationFunctionType.RELU,
    "RELU6": schema.ActivationFunctionType.RELU6,
}
_CAN_FUSE_AN_ACTIVATION = {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MUL"}
_SHAPE_BLIND = {"RELU", "RELU6", "LOGISTIC", "HARD_SWISH", "RELU_0_TO_1"}
_KEEPS_AXES = 5
"""The first version of FULLY_CONNECTED that works on each row of a tensor of any rank."""


def simplify(content: bytes) -> bytes:
    """Apply every clean-up until none finds work.

    Args:
        content: a float TFLite file.

    Returns:
        An equivalent one: activations fused into the operator before them, linear layers in one operator, and the
        reshapes gone that only turn a (1, 1, 1, C) gate into (1, C, 1, 1) and back.
    """
    graph = TFLiteGraph(content)
    for operator in list(graph.operators):
        if graph.kind(operator) == "BATCH_MATMUL" and _is_linear(graph, operator):
            _make_fully_connected(graph, operator)
    while _fuse_an_activation(graph) or _drop_a_gate_reshape(graph) or _drop_a_reshape_pair(graph):
        pass
    graph.drop_unused()
    return graph.to_bytes()


def _is_linear(graph: TFLiteGraph, product: schema.OperatorT) -> bool:
    """Whether a BATCH_MATMUL multiplies each row of a tensor with one stored matrix."""
    rows, matrix = product.inputs
    turned = product.builtinOptions.adjX or product.builtinOptions.adjY
    return not turned and graph.is_constant(matrix) and len(graph.shape(matrix)) == 2 and not graph.is_constant(rows)


def _make_fully_connected(graph: TFLiteGraph, product: schema.OperatorT) -> None:
    """x W, and + b where that follows, become FULLY_CONNECTED.

    It takes the bias up and, unlike BATCH_MATMUL, has int8 weights with a scale for each output.
    """
    rows, matrix = product.inputs
    weights = np.ascontiguousarray(graph.constant(matrix).T)
    addition = _addition_of_a_bias(graph, product.outputs[0], len(weights))
    product.opcodeIndex = graph.operator_code(schema.BuiltinOperator.FULLY_CONNECTED, _KEEPS_AXES)
    product.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    product.builtinOptions = schema.FullyConnectedOptionsT()
    product.builtinOptions.keepNumDims = True
    if addition is None:
        bias = graph.add_constant(np.zeros(len(weights), weights.dtype), like=matrix)
    else:
        bias = next(index for index in addition.inputs if index != product.outputs[0])
        product.outputs = addition.outputs
        graph.remove(addition)
    product.inputs = [rows, graph.add_constant(weights, like=matrix), bias]


def _addition_of_a_bias(graph: TFLiteGraph, product: int, outputs: int) -> schema.OperatorT | None:
    """The only reader of a product, if it adds a constant of one number for each output and no more."""
    readers = graph.consumers().get(product, [])
    if len(readers) != 1 or graph.kind(readers[0]) != "ADD" or product in graph.boundary:
        return None
    (addition,) = readers
    if addition.builtinOptions.fusedActivationFunction != schema.ActivationFunctionType.NONE:
        return None
    others = [index for index in addition.inputs if index != product]
    biases = [index for index in others if graph.is_constant(index) and graph.shape(index) == (outputs,)]
    return addition if biases else None


def _fuse_an_activation(graph: TFLiteGraph) -> bool:
    """RELU or RELU6 after a convolution, addition or multiplication becomes that operator's fused activation."""
    producers, consumers = graph.producers(), graph.consumers()
    for operator in graph.operators:
        fused = _FUSED_CODE.get(graph.kind(operator))
        before = producers.get(operator.inputs[0])
        if fused is None or before is None or graph.kind(before) not in _CAN_FUSE_AN_ACTIVATION:
            continue
        plain = before.builtinOptions.fusedActivationFunction == schema.ActivationFunctionType.NONE
        if plain and len(consumers[operator.inputs[0]]) == 1:
            before.builtinOptions.fusedActivationFunction = fused
            before.outputs = operator.outputs
            graph.remove(operator)
            return True
    return False


def _drop_a_gate_reshape(graph: TFLiteGraph) -> bool:
    """Move the reshape (1, 1, 1, C) -> (1, C, 1, 1) behind the element-wise operators that follow it.

    A squeeze-and-excitation gate has one value a channel, so the order of its axes does not matter to operators that
    work value by value; behind the last of them the reshape meets its inverse and both can go.
    """
    consumers = graph.consumers()
    for reshape in graph.operators:
        if graph.kind(reshape) != "RESHAPE" or not _turns_a_gate(graph, reshape):
            continue
        source, turned = reshape.inputs[0], reshape.outputs[0]
        readers = consumers.get(turned, [])
        if readers and all(_ignores_axis_order(graph, reader, turned, graph.shape(source)) for reader in readers):
            for reader in readers:
                _take_unturned(graph, reader, reshape)
            graph.remove(reshape)
            return True
    return False


def _turns_a_gate(graph: TFLiteGraph, reshape: schema.OperatorT) -> bool:
    before, after = graph.shape(reshape.inputs[0]), graph.shape(reshape.outputs[0])
    return len(before) == 4 and before[:3] == (1, 1, 1) and before[3] > 1 and after == (1, before[3], 1, 1)


def _ignores_axis_order(
    graph: TFLiteGraph, reader: schema.OperatorT, turned: int, unturned_shape: tuple[int, ...]
) -> bool:
    kind = graph.kind(reader)
    if kind == "RESHAPE":
        return graph.shape(reader.outputs[0]) == unturned_shape
    if kind in ("ADD", "MUL"):
        return all(index == turned or set(graph.shape(index)) <= {1} for index in reader.inputs)
    return kind in _SHAPE_BLIND


def _take_unturned(graph: TFLiteGraph, reader: schema.OperatorT, reshape: schema.OperatorT) -> None:
    """Let `reader` work on the reshape's source, and turn its result instead."""
    source, turned = reshape.inputs[0], reshape.outputs[0]
    result = reader.outputs[0]
    if graph.kind(reader) == "RESHAPE":
        graph.redirect(result, source)
        graph.remove(reader)
        return
    reader.inputs = [source if index == turned else index for index in reader.inputs]
    later = schema.OperatorT()
    later.__dict__.update(reshape.__dict__)
    later.inputs = [result, *reshape.inputs[1:]]
    later.outputs = [_copy_of_tensor(graph, turned)]
    graph.redirect(result, later.outputs[0])  # `later` itself is not in the graph yet
    graph.tensor(result).shape = list(graph.shape(source))
    graph.tensor(result).shapeSignature = None
    graph.operators.insert(graph.operators.index(reader) + 1, later)


def _copy_of_tensor(graph: TFLiteGraph, index: int) -> int:
    tensor = schema.TensorT()
    tensor.__dict__.update(graph.tensor(index).__dict__)
    tensor.name = f"{graph.tensor_name(index)}/turned{len(graph.subgraph.tensors)}"
    graph.subgraph.tensors.append(tensor)
    return len(graph.subgraph.tensors) - 1


def _drop_a_reshape_pair(graph: TFLiteGraph) -> bool:
    """A reshape whose input is a reshape from the very shape it makes gives back what was there."""
    producers = graph.producers()
    for second in graph.operators:
        first = producers.get(second.inputs[0])
        if first is None or graph.kind(second) != "RESHAPE" or graph.kind(first) != "RESHAPE":
            continue
        if graph.shape(first.inputs[0]) == graph.shape(second.outputs[0]):
            graph.redirect(second.outputs[0], first.inputs[0])
            graph.remove(second)
            if not graph.consumers().get(first.outputs[0]):
                graph.remove(first)
            return True
    return False
