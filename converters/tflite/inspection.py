"""What a TFLite file asks of an interpreter, and what XNNPACK makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from converters.errors import ConversionError
from converters.tflite.graph import TFLiteGraph, operator_name
from edge_ocr.engines.litert import without_greeting

_PARTITION = "DELEGATE"
NOT_IN_XNNPACK = ("BIDIRECTIONAL_SEQUENCE_LSTM",)
"""Operators that a model may leave to the interpreter, because XNNPACK has no kernel for them in any form."""


def operator_versions(content: bytes) -> dict[str, int]:
    """Operator -> the highest version of it that the file asks for."""
    versions: dict[str, int] = {}
    for code in TFLiteGraph(content).model.operatorCodes:
        name = operator_name(code)
        versions[name] = max(versions.get(name, 0), code.version)
    return dict(sorted(versions.items()))


def operators_by_type(content: bytes) -> dict[str, int]:
    """How many operators compute "int8" and "float32" tensors; those that only convert do not count."""
    graph = TFLiteGraph(content)
    types = {schema.TensorType.INT8: "int8", schema.TensorType.FLOAT32: "float32"}
    counts = dict.fromkeys(types.values(), 0)
    for operator in graph.operators:
        number = graph.tensor(operator.outputs[0]).type
        if number in types and graph.kind(operator) not in ("QUANTIZE", "DEQUANTIZE"):
            counts[types[number]] += 1
    return counts


@dataclass(frozen=True)
class Delegation:
    """How much of a graph XNNPACK runs.

    Attributes:
        partitions: into how many pieces it cuts the graph. Every border between two of them costs a copy.
        outside: operator -> how often one is left to the interpreter's own kernels, which are slower.
    """

    partitions: int
    outside: Mapping[str, int]


def delegation_among(operators: Sequence[Mapping[str, Any]]) -> Delegation:
    """What XNNPACK runs, from an interpreter's own list.

    The list holds the operators of the file and, after them, the partitions that took their place. An operator
    has been replaced if its result is needed, inside a partition, for what comes out of it.

    Args:
        operators: as `_get_ops_details` of an interpreter with allocated tensors; no public call lists them. Each
            has an `op_name` and the numbers of its tensors as `inputs` and `outputs`.
    """
    partitions = [operator for operator in operators if operator["op_name"] == _PARTITION]
    originals = [operator for operator in operators if operator["op_name"] != _PARTITION]
    makers = {tensor: index for index, operator in enumerate(originals) for tensor in operator["outputs"]}
    inside: set[int] = set()
    for partition in partitions:
        entries = set(partition["inputs"])
        wanted = list(partition["outputs"])
        while wanted:
            tensor = wanted.pop()
            if tensor not in entries and tensor in makers and makers[tensor] not in inside:
                inside.add(makers[tensor])
                wanted.extend(originals[makers[tensor]]["inputs"])
    outside = Counter(operator["op_name"] for index, operator in enumerate(originals) if index not in inside)
    return Delegation(len(partitions), dict(outside.most_common()))


def delegation(content: bytes) -> Delegation:
    """What the installed ai-edge-litert's XNNPACK runs of a TFLite file."""
    with without_greeting():
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    return delegation_among(interpreter._get_ops_details())


def assert_one_partition(content: bytes, name: str) -> None:
    """Refuse a model that XNNPACK would not run whole, apart from operators `NOT_IN_XNNPACK`.

    Each of these may cut it in two, as the layers behind wait for its result.

    Raises:
        ConversionError: with the number of pieces, or the operators that are left outside.
    """
    found = delegation(content)
    cuts = sum(count for operator, count in found.outside.items() if operator in NOT_IN_XNNPACK)
    strangers = [operator for operator in found.outside if operator not in NOT_IN_XNNPACK]
    if not 1 <= found.partitions <= 1 + cuts or strangers:
        pieces = "one piece" if found.partitions == 1 else f"{found.partitions} pieces"
        outside = f" and leaves {', '.join(strangers)} outside" if strangers else ""
        wanted = f"at most {1 + cuts}" if cuts else "all of it in one"
        raise ConversionError(
            f"XNNPACK runs {name} in {pieces}{outside} instead of {wanted}; an operator in it needs a rewrite "
            "(converters/graph)"
        )
