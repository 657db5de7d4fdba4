"""Edits of TFLite files: fewer operators, fewer bytes, any size - and the same numbers."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.errors import ConversionError
from converters.tflite.compact import compact
from converters.tflite.graph import TFLiteGraph
from converters.tflite.inspection import (
    Delegation,
    assert_one_partition,
    delegation,
    operators_by_type,
)
from converters.tflite.interpreters import KnownInterpreter, as_record, known_interpreters, min_runtime
from converters.tflite.resizable import make_resizable
from converters.tflite.simplify import simplify
from tests.converters.tiny_tflite import ACTIVATION, TinyModel, run

RANDOM = np.random.default_rng(7)


def weights(out: int, size: int, into: int) -> np.ndarray:
    return RANDOM.standard_normal((out, size, size, into)).astype(np.float32)


def picture(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def kinds(content: bytes) -> Counter[str]:
    graph = TFLiteGraph(content)
    return Counter(graph.kind(operator) for operator in graph.operators)


def gated_model() -> bytes:
    """conv -> mean -> reshape to NCHW -> relu6 -> reshape back -> multiply: a gate as onnx2tf writes it."""
    model = TinyModel(1, 8, 8, 3)
    features = model.conv(model.input, weights(4, 3, 3), picture(4))
    axes = model.constant([1, 2], np.int32)
    reducer = schema.ReducerOptionsT()
    reducer.keepDims = True
    squeezed = model.add("MEAN", [features, axes], [1, 1, 1, 4], reducer)
    turned = model.add("RESHAPE", [squeezed, model.constant([1, 4, 1, 1], np.int32)], [1, 4, 1, 1])
    clipped = model.add("RELU6", [turned], [1, 4, 1, 1])
    gate = model.add("RESHAPE", [clipped, model.constant([1, 1, 1, 4], np.int32)], [1, 1, 1, 4])
    return model.to_bytes(model.add("MUL", [features, gate], [1, 8, 8, 4], schema.MulOptionsT()))


def test_simplify_drops_the_reshapes_of_a_gate() -> None:
    before = gated_model()
    after = simplify(before)
    values = picture(1, 8, 8, 3)
    np.testing.assert_allclose(run(after, values), run(before, values), atol=1e-6)
    assert kinds(before)["RESHAPE"] == 2
    assert kinds(after)["RESHAPE"] == 0


def test_simplify_fuses_an_activation_into_its_convolution() -> None:
    model = TinyModel(1, 6, 6, 2)
    before = model.to_bytes(model.add("RELU6", [model.conv(model.input, weights(3, 3, 2), picture(3))], [1, 6, 6, 3]))
    after = simplify(before)
    values = picture(1, 6, 6, 2) * 10
    np.testing.assert_allclose(run(after, values), run(before, values), atol=1e-5)
    assert kinds(after) == {"CONV_2D": 1}


def test_simplify_keeps_an_activation_whose_input_is_read_elsewhere() -> None:
    model = TinyModel(1, 6, 6, 2)
    features = model.conv(model.input, weights(2, 3, 2), picture(2))
    rectified = model.add("RELU", [features], [1, 6, 6, 2])
    before = model.to_bytes(model.add("ADD", [features, rectified], [1, 6, 6, 2], schema.AddOptionsT()))
    after = simplify(before)
    values = picture(1, 6, 6, 2)
    np.testing.assert_allclose(run(after, values), run(before, values), atol=1e-6)
    assert kinds(after)["RELU"] == 1


def test_resizable_model_computes_at_other_sizes_what_a_model_of_that_size_does() -> None:
    kernel, bias = weights(4, 3, 3), picture(4)

    def flattened(width: int) -> bytes:
        model = TinyModel(1, 8, width, 3)
        features = model.conv(model.input, kernel, bias, ACTIVATION.RELU)
        rows = model.add("RESHAPE", [features, model.constant([8, width, 4], np.int32)], [8, width, 4])
        return model.to_bytes(rows)

    resizable = make_resizable(flattened(32), (2,))
    for width in (16, 32, 48, 200):
        values = picture(1, 8, width, 3)
        np.testing.assert_allclose(run(resizable, values), run(flattened(width), values), atol=1e-5)


def test_resizable_refuses_an_operator_that_stores_its_size() -> None:
    model = TinyModel(1, 8, 8, 3)
    size = model.constant([16, 16], np.int32)
    options = schema.ResizeNearestNeighborOptionsT()
    content = model.to_bytes(model.add("RESIZE_NEAREST_NEIGHBOR", [model.input, size], [1, 16, 16, 3], options))
    with pytest.raises(ConversionError, match="RESIZE_NEAREST_NEIGHBOR"):
        make_resizable(content, (1, 2))


def test_compact_is_smaller_and_bit_identical() -> None:
    model = TinyModel(1, 8, 8, 3)
    kernel, bias = weights(3, 3, 3), picture(3)
    # Twice the same weights, which one buffer can hold.
    content = model.to_bytes(model.conv(model.conv(model.input, kernel, bias), kernel, bias))
    smaller = compact(content)
    values = picture(1, 8, 8, 3)
    np.testing.assert_array_equal(run(smaller, values), run(content, values))
    assert len(smaller) <= len(content) - kernel.nbytes


def test_an_operator_that_xnnpack_does_not_run_is_named() -> None:
    whole = TinyModel(1, 6, 6, 2)
    content = whole.to_bytes(whole.conv(whole.input, weights(2, 3, 2), picture(2)))
    assert delegation(content) == Delegation(1, {})
    assert operators_by_type(content) == {"int8": 0, "float32": 1}
    assert_one_partition(content, "model")

    cut = TinyModel(1, 6, 6, 2)
    first = cut.conv(cut.input, weights(2, 3, 2), picture(2))
    reversed_rows = cut.add("REVERSE_V2", [first, cut.constant([1], np.int32)], [1, 6, 6, 2])
    content = cut.to_bytes(cut.conv(reversed_rows, weights(2, 3, 2), picture(2)))
    assert delegation(content) == Delegation(2, {"REVERSE_V2": 1})
    with pytest.raises(ConversionError, match=r"2 pieces .* REVERSE_V2 outside"):
        assert_one_partition(content, "the detector")


def test_an_operator_left_at_the_end_is_noticed() -> None:
    model = TinyModel(1, 6, 6, 2)
    features = model.conv(model.input, weights(2, 3, 2), picture(2))
    reversed_rows = model.add("REVERSE_V2", [features, model.constant([1], np.int32)], [1, 6, 6, 2])
    with pytest.raises(ConversionError, match="REVERSE_V2 outside"):
        assert_one_partition(model.to_bytes(reversed_rows), "the detector")


def known(package: str, version: str, *, reads_right: bool = True, conv: int = 8) -> KnownInterpreter:
    return KnownInterpreter(package, version, reads_right, {"CONV_2D": conv})


@pytest.fixture
def convolution() -> bytes:
    """A model of one operator, CONV_2D in version 1."""
    model = TinyModel(1, 6, 6, 2)
    return model.to_bytes(model.conv(model.input, weights(2, 3, 2), picture(2)))


def asking_for(content: bytes, version: int) -> bytes:
    """The model, whose only operator is now of another version."""
    graph = TFLiteGraph(content)
    graph.model.operatorCodes[0].version = version
    return graph.to_bytes()


@pytest.mark.parametrize(
    ("interpreters", "expected"),
    [
        ([known("ai-edge-litert", "1.4.0"), known("ai-edge-litert", "2.3.0")], {"ai-edge-litert": "1.4.0"}),
        # 2.10 is newer than 2.9, whatever the order of the record and of letters
        ([known("tensorflow", "2.10"), known("tensorflow", "2.9", reads_right=False)], {"tensorflow": "2.10"}),
        # what an old version can do is no promise for one that cannot
        ([known("tensorflow", "2.16.2"), known("tensorflow", "2.21.0", reads_right=False)], {}),
        # operators decide, too, and only where they are asked for
        ([known("tensorflow", "2.16.2", conv=1), known("tensorflow", "2.21.0")], {"tensorflow": "2.21.0"}),
        ([known("ai-edge-litert", "2.3.0"), known("tflite-runtime", "2.14.0", conv=1)], {"ai-edge-litert": "2.3.0"}),
        (
            [known("ai-edge-litert", "1", reads_right=False, conv=0), known("ai-edge-litert", "2")],
            {"ai-edge-litert": "2"},
        ),
    ],
)
def test_a_bundle_needs_the_oldest_version_of_each_package_from_which_on_it_runs(
    convolution: bytes, interpreters: list[KnownInterpreter], expected: dict[str, str]
) -> None:
    assert min_runtime([convolution, asking_for(convolution, 3)], interpreters) == expected


def test_what_a_supported_interpreter_could_not_load_is_refused(convolution: bytes) -> None:
    interpreters = [known("ai-edge-litert", "1.4.0"), known("ai-edge-litert", "2.3.0", conv=99)]
    with pytest.raises(ConversionError, match=r"1\.4\.0 could not load .* CONV_2D version 99 \(has 8\); rewrite"):
        min_runtime([convolution, asking_for(convolution, 99)], interpreters)
    with pytest.raises(ConversionError, match="has none"):
        min_runtime([convolution], [KnownInterpreter("ai-edge-litert", "1", True, {})])


def test_the_record_reads_back_and_names_what_edge_ocr_installs(convolution: bytes) -> None:
    interpreters = known_interpreters()
    assert tuple(KnownInterpreter(**entry) for entry in json.loads(as_record(interpreters))) == interpreters
    assert "ai-edge-litert" in min_runtime([convolution], interpreters)


def test_what_is_no_tflite_file_is_refused() -> None:
    with pytest.raises(ConversionError, match="not a TFLite file"):
        TFLiteGraph(b"PK\x03\x04 something else")
