"""Leave to compute in half precision: given where it helps, and nothing else changes on a CPU without it."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.tools import flatbuffer_utils

from converters.errors import ConversionError
from converters.quantization.recipes import ModelRecipe, load_recipe
from converters.tflite.graph import TFLiteGraph
from converters.tflite.half_precision import allow_half_precision
from converters.tflite.inspection import delegation
from converters.tflite.resizable import make_resizable
from edge_ocr.engines import open_engine
from edge_ocr.engines.tflite_file import check_model
from tests.converters.tiny_tflite import TinyModel, run

RANDOM = np.random.default_rng(11)


def padded_model(channels: int, free_axes: tuple[int, ...], padding: list[list[int]] | None = None) -> bytes:
    """PAD around a picture of so many channels, then a convolution, resizable along `free_axes`."""
    model = TinyModel(1, 8, 12, channels)
    amounts = model.constant(padding or [[0, 0], [1, 1], [1, 2], [0, 0]], np.int32)
    shape = [8 + 2, 12 + 3, channels] if padding is None else [8, 12, channels + 1]
    padded = model.add("PAD", [model.input, amounts], [1, *shape])
    weights = RANDOM.standard_normal((4, 3, 3, shape[2])).astype(np.float32)
    features = model.conv(padded, weights, RANDOM.standard_normal(4).astype(np.float32))
    return make_resizable(model.to_bytes(features), free_axes)


def kinds(content: bytes) -> list[str]:
    graph = TFLiteGraph(content)
    return [graph.kind(operator) for operator in graph.operators]


def leave(content: bytes) -> dict[str, bytes]:
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    return {entry.name.decode(): bytes(model.buffers[entry.buffer].data) for entry in model.metadata or []}


def test_the_leave_is_the_metadata_that_xnnpack_looks_for() -> None:
    assert leave(allow_half_precision(padded_model(3, (2,)))) == {"reduced_precision_support": b"fp16accfp16"}


@pytest.mark.parametrize("width", [12, 13, 40])
def test_padding_of_a_picture_becomes_padding_of_rows_with_the_same_numbers(width: int) -> None:
    model = padded_model(3, (2,))
    allowed = allow_half_precision(model)
    assert kinds(allowed) == ["RESHAPE", "PAD", "RESHAPE", "CONV_2D"]
    assert delegation(allowed).partitions == 1
    picture = RANDOM.standard_normal((1, 8, width, 3)).astype(np.float32)
    np.testing.assert_array_equal(run(allowed, picture), run(model, picture))


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(padded_model(8, (2,)), id="many channels"),
        pytest.param(padded_model(3, (1, 2)), id="any height"),
        pytest.param(padded_model(3, (2,), [[0, 0], [0, 0], [0, 0], [0, 1]]), id="more channels"),
    ],
)
def test_other_padding_stays(model: bytes) -> None:
    assert kinds(allow_half_precision(model)) == kinds(model)


def test_a_model_without_floats_stays_as_it_is() -> None:
    model = TinyModel(1, 2)
    content = model.to_bytes(model.input)
    assert allow_half_precision(content) == content


def test_the_runtime_takes_such_a_model_from_a_stranger() -> None:
    allowed = allow_half_precision(padded_model(3, (2,)))
    check_model(allowed)
    assert open_engine("ai-edge-litert").load(allowed, name="padded").input.dtype == np.float32


def test_the_reference_recipe_gives_no_leave() -> None:
    assert not any(model.half_precision for model in load_recipe("float").models.values())
    with pytest.raises(ConversionError, match="half_precision is 1"):
        ModelRecipe("float", half_precision=1)  # type: ignore[arg-type]
