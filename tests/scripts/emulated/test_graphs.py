"""What a graph computes in is read from its operators."""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema
from emulated.graphs import described

from edge_ocr.bundle import Bundle
from tests.converters.tiny_tflite import TinyModel

SHAPE = (1, 4, 4, 1)


def two_gelus() -> TinyModel:
    model = TinyModel(*SHAPE)
    model.add("GELU", [model.add("GELU", [model.input], SHAPE)], SHAPE)
    return model


def test_a_float_graph_names_its_operators() -> None:
    model = two_gelus()
    assert described(model.to_bytes(len(model.graph.tensors) - 1)) == "float: GELU 2"


def test_an_integer_graph_is_int8() -> None:
    model = two_gelus()
    for tensor in model.graph.tensors:
        tensor.type = schema.TensorType.INT8
    assert described(model.to_bytes(len(model.graph.tensors) - 1)) == "int8"


def test_a_mixed_graph_names_those_in_float() -> None:
    detector = described(Bundle.open().model_bytes("detector"))
    assert detector.startswith("int8 (")
    assert "GELU" in detector.partition("but for float: ")[2]
    assert "QUANTIZE" not in detector
