"""A program of PaddlePaddle 3 and its parameters to ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import onnx
from onnx import helper

from converters.errors import ConversionError
from converters.graph import OPSET
from converters.paddle.operators import OPERATORS, Graph, Step
from converters.paddle.pir import Operation, Program

_IR_VERSION = 10
"""Of the ONNX file: the one that came with opset 20 and 21, so that no reader of these operators is left behind."""


def to_onnx(program: Program, parameters: Mapping[str, npt.NDArray[Any]]) -> onnx.ModelProto:
    """The program as an ONNX model of the version that `converters.graph` works in.

    Args:
        program: of one inference.
        parameters: name -> values, all that the program declares.

    Raises:
        ConversionError: an operator is not known, or not in this form; all unknown ones are named, and the place of
            the first of each.
    """
    _check_known(program)
    graph = Graph()
    for name, value in program.parameters.items():
        graph.values[value.number] = value
        graph.names[value.number] = graph.add_constant(name, parameters[name])
    for operation in program.operations:
        _add(graph, operation)
    inputs, outputs = graph.inputs, graph.outputs
    content = helper.make_graph(graph.nodes, "inference", inputs, outputs, graph.initializers)
    versions = [helper.make_opsetid("", OPSET)]
    return helper.make_model(content, opset_imports=versions, ir_version=_IR_VERSION, producer_name="edge-ocr")


def _check_known(program: Program) -> None:
    places = {each.name: each.place or "the top" for each in reversed(program.operations) if each.name not in OPERATORS}
    if places:
        found = ", ".join(f"{name} (first at {places[name]})" for name in sorted(places))
        raise ConversionError(
            f"the program uses operators that are not known here: {found}; give the model in another form, such as ONNX"
        )


def _add(graph: Graph, operation: Operation) -> None:
    """Write one operation into the graph."""
    step = Step(graph, operation)
    graph.values.update({value.number: value for value in operation.outputs})
    try:
        name = OPERATORS[operation.name](step)
        if name is not None:
            graph.names[step.result.number] = name
    except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as problem:
        raise step.refuse(f"does not have the inputs and attributes that Paddle gives it ({problem})") from problem
