"""Which sizes of its input a model really needs."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from converters.errors import ConversionError
from converters.paddle.sizes import open_sizes
from tests.converters.paddle.tiny_paddle import run

DETECTOR = "y = Relu (x)"
RECOGNIZER = """
    rows = AveragePool <kernel_shape = [32, 1], strides = [32, 1]> (x)
    axes = Constant <value_ints = [2]> ()
    frames = Squeeze (rows, axes)
    y = Transpose <perm = [0, 2, 1]> (frames)
"""
BAKED_WIDTH = """
    shape = Constant <value_ints = [-1, 3, 3200]> ()
    y = Reshape (x, shape)
"""
ENLARGING = """
    scales = Constant <value_floats = [1.0, 1.0, 1000.0, 1000.0]> ()
    y = Resize <mode = "nearest"> (x, , scales)
"""


def model(body: str, shape: str, kind: str = "float") -> onnx.ModelProto:
    text = f'<ir_version: 8, opset_import: ["": 17]> tiny ({kind}[{shape}] x) => ({kind}[N] y) {{{body}}}'
    parsed = onnx.parser.parse_model(text)
    parsed.graph.output[0].type.tensor_type.ClearField("shape")
    return parsed


def sizes(value: onnx.ValueInfoProto) -> list[int | str]:
    return [dimension.dim_param or dimension.dim_value for dimension in value.type.tensor_type.shape.dim]


@pytest.mark.parametrize(
    ("body", "declared", "opened"),
    [
        (DETECTOR, "N,3,640,640", ["batch", 3, "height", "width"]),
        (DETECTOR, "1,3,H,W", ["batch", 3, "height", "width"]),
        (RECOGNIZER, "N,3,32,100", ["batch", 3, 32, "width"]),
        (RECOGNIZER, "N,3,32,W", ["batch", 3, 32, "width"]),
        (BAKED_WIDTH, "1,3,32,100", ["batch", 3, 32, 100]),
    ],
)
def test_a_size_is_left_open_where_nothing_depends_on_it(body: str, declared: str, opened: list[int | str]) -> None:
    source = model(body, declared)
    before = source.SerializeToString()
    assert sizes(open_sizes(source).graph.input[0]) == opened
    assert source.SerializeToString() == before


def test_the_opened_model_computes_the_same_and_more() -> None:
    source = model(RECOGNIZER, "1,3,32,100")
    opened = open_sizes(source)
    x = np.random.default_rng(0).normal(size=(1, 3, 32, 100)).astype(np.float32)
    np.testing.assert_array_equal(run(opened, x), run(source, x))
    wider = np.concatenate([x, x, x], axis=3)
    assert run(opened, np.concatenate([wider, wider])).shape == (2, 300, 3)


@pytest.mark.parametrize(
    ("body", "declared", "kind", "words"),
    [
        (DETECTOR, "N,3,100000,100000", "float", r"input is \[0, 3, 100000, 100000\]; give one of at most 2048"),
        (DETECTOR, "N,3,640", "float", "in place of one"),
        (DETECTOR, "N,3,640,640", "double", "in place of one"),
        (DETECTOR, "N,C,640,640", "float", "in place of one"),
        (BAKED_WIDTH, "1,3,32,200", "float", r"the model does not run \(at \[1, 3, 32, 200\]: "),
        (ENLARGING, "1,3,640,640", "float", "it makes a tensor of 1228800000000 elements"),
        ("y = FlyAway (x)", "1,3,32,32", "float", "onnxruntime refuses the model .*FlyAway"),
    ],
)
def test_what_is_no_model_for_pictures_is_told(body: str, declared: str, kind: str, words: str) -> None:
    with pytest.raises(ConversionError, match=words):
        open_sizes(model(body, declared, kind))
