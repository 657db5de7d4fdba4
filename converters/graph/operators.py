"""Operators that a conversion has no way for, named with the node that they stand at."""

from __future__ import annotations

from collections.abc import Iterator

import onnx

from converters.errors import ConversionError

_STANDARD = ("", "ai.onnx")
"""Names of ONNX's own domain of operators."""

_CONVERTIBLE = {
    *("Conv", "MatMul", "Gemm"),
    *("Add", "Sub", "Mul", "Div", "Pow", "Sqrt", "Clip"),
    *("Relu", "HardSwish", "Sigmoid", "Gelu", "Softmax"),
    *("AveragePool", "MaxPool", "ReduceMean"),
    *("Concat", "DepthToSpace", "Flatten", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"),
}
"""What may be left after the rewrites: TFLite has it, and XNNPACK runs it at any size."""


def assert_standard(model: onnx.ModelProto) -> None:
    """Refuse a model with an operator that ONNX does not have in the versions that the model names.

    Raises:
        ConversionError: with the operator and its node.
    """
    versions = {entry.domain: entry.version for entry in model.opset_import}
    version = next((versions[domain] for domain in _STANDARD if domain in versions), 0)
    for node in _nodes(model.graph):
        if node.domain not in _STANDARD or not _is_known(node.op_type, version):
            operator = f"{node.domain}.{node.op_type}" if node.domain not in _STANDARD else node.op_type
            raise ConversionError(
                f"the node {_name(node)} is the operator {operator}, which ONNX does not have in opset {version}; "
                "export the model with standard operators only"
            )


def assert_convertible(model: onnx.ModelProto) -> None:
    """Refuse a rewritten model with an operator that would not become one that XNNPACK runs at any size.

    Raises:
        ConversionError: with the operator and its node.
    """
    for node in model.graph.node:
        if node.op_type not in _CONVERTIBLE:
            raise ConversionError(
                f"the node {_name(node)} is the operator {node.op_type}, which has no form in TFLite that XNNPACK runs "
                "at any size; export the model without it, or add a rule for it in converters/graph/rules"
            )


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """All nodes of a graph and of the graphs inside them."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)


def _is_known(operator: str, version: int) -> bool:
    try:
        onnx.defs.get_schema(operator, max_inclusive_version=version)
    except onnx.defs.SchemaError:
        return False
    return True


def _name(node: onnx.NodeProto) -> str:
    """A node's name, or that of what it gives."""
    return node.name or next(iter(node.output), "without a name")
