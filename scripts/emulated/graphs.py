"""What a model computes in, read from its operators."""

from __future__ import annotations

from collections import Counter

from ai_edge_litert import schema_py_generated as schema

from converters.tflite.graph import TFLiteGraph
from edge_ocr.bundle import Bundle

_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")


def described(content: bytes) -> str:
    """Such as `int8, but for GELU 13 in float` of a TFLite file; operators that only convert do not count."""
    graph = TFLiteGraph(content)
    integers, floats = 0, Counter[str]()
    for operator in graph.operators:
        kind = graph.kind(operator)
        if kind in _CONVERSIONS:
            continue
        if graph.tensor(operator.outputs[0]).type == schema.TensorType.FLOAT32:
            floats[kind] += 1
        else:
            integers += 1
    in_float = ", ".join(f"{kind} {count}" for kind, count in floats.most_common())
    if not floats:
        return "int8"
    return f"int8 ({integers}), but for float: {in_float}" if integers else f"float: {in_float}"


def computing(bundle: Bundle) -> list[tuple[str, str]]:
    """Kind of each model of a bundle, and what it computes in; of a model that is no TFLite file, its format."""
    manifest = bundle.manifest
    is_tflite = manifest.format == "tflite"
    return [
        (kind, described(bundle.model_bytes(kind)) if is_tflite else manifest.format)
        for kind in manifest.models.by_kind()
    ]
