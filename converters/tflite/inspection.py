"""What a TFLite file asks of an interpreter, and what XNNPACK makes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from ai_edge_litert.interpreter import Interpreter

from converters.errors import ConversionError
from converters.tflite.graph import TFLiteGraph, operator_name
from edge_ocr.engines.litert import without_greeting


def operator_versions(content: bytes) -> dict[str, int]:
    """Operator -> the highest version of it that the file asks for."""
    versions: dict[str, int] = {}
    for code in TFLiteGraph(content).model.operatorCodes:
        name = operator_name(code)
        versions[name] = max(versions.get(name, 0), code.version)
    return dict(sorted(versions.items()))


@dataclass(frozen=True)
class OldestRuntime:
    """The oldest interpreter that bundles are made for.

    Attributes:
        name: for example "ai-edge-litert".
        version: its version.
        operators: operator -> the highest version it has (made by scripts/probe_operator_versions.py).
    """

    name: str
    version: str
    operators: Mapping[str, int]


def oldest_runtime() -> OldestRuntime:
    """As recorded in operator_versions.json."""
    table = json.loads((resources.files("converters.tflite") / "operator_versions.json").read_text())
    name, version = table["runtime"].split()
    return OldestRuntime(name, version, table["operators"])


def check_operators(content: bytes, runtime: OldestRuntime) -> None:
    """Refuse a file that `runtime` could not load.

    Raises:
        ConversionError: it asks for an operator, or a version of one, that `runtime` does not have.
    """
    missing = [
        f"{name} version {version} (has {runtime.operators.get(name, 'none')})"
        for name, version in operator_versions(content).items()
        if version > runtime.operators.get(name, 0)
    ]
    if missing:
        raise ConversionError(f"{runtime.name} {runtime.version} could not load the model: {', '.join(missing)}")


def partitions(content: bytes) -> int:
    """Into how many pieces XNNPACK cuts the graph: 1 is a graph that it runs whole.

    Every border between two pieces costs a copy and a walk through slower kernels.

    Raises:
        ConversionError: operators are left outside although there is one piece only.
    """
    with without_greeting():
        interpreter = Interpreter(model_content=content, num_threads=1)
        interpreter.allocate_tensors()
    pieces = [
        operator
        for operator in interpreter._get_ops_details()  # no public call lists what was delegated
        if operator["op_name"] == "DELEGATE"
    ]
    if len(pieces) == 1:
        entry = interpreter.get_input_details()[0]["index"]
        result = interpreter.get_output_details()[0]["index"]
        if entry not in pieces[0]["inputs"] or result not in pieces[0]["outputs"]:
            raise ConversionError("XNNPACK leaves operators at the model's input or output to slower kernels")
    return len(pieces)


def assert_one_partition(content: bytes, name: str) -> None:
    """Refuse a model that XNNPACK would not run whole.

    Raises:
        ConversionError: with the number of pieces.
    """
    pieces = partitions(content)
    if pieces != 1:
        raise ConversionError(
            f"XNNPACK runs {name} in {pieces} pieces instead of one; an operator in it needs a rewrite "
            "(converters/graph)"
        )
