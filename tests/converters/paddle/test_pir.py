"""inference.json: what is none, and what is broken."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import ConversionError, SourceError
from converters.paddle.pir import parse
from converters.paddle.pir_to_onnx import to_onnx
from tests.converters.paddle.tiny_paddle import PirBuilder

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=2), values, max_size=3),
    max_leaves=5,
)


def tiny_program() -> tuple[bytes, dict[str, np.ndarray]]:
    """A convolution, a pooling and a constant, which use most of the format; and its parameters."""
    builder = PirBuilder()
    x = builder.input((-1, 3, -1, -1))
    weights = builder.parameter(np.ones((3, 3, 1, 1), np.float32))
    window = {"strides": [1, 1], "paddings": [0, 0], "data_format": "NCHW", "padding_algorithm": "EXPLICIT"}
    shape = (-1, 3, -1, -1)
    convolved = builder.add("1.conv2d", x, weights, shape=shape, dilations=[1, 1], groups=1, **window)
    more = {"pooling_type": "avg", "adaptive": True, "global_pooling": False}
    pooled = builder.add("1.pool2d", convolved, builder.integers(1, 1), shape=shape, **window, **more)
    scaled = builder.add("1.scale", pooled, builder.number(2), shape=shape, bias=0.0, bias_after_scale=True)
    return builder.json(scaled), builder.parameters


def test_a_program_is_read_with_its_places_and_types() -> None:
    program = parse(tiny_program()[0])
    assert [operation.name for operation in program.operations] == [
        "data", "conv2d", "full_int_array", "pool2d", "full", "scale", "fetch",
    ]  # fmt: skip
    (name,) = program.parameters
    assert program.parameters[name].shape == (3, 3, 1, 1) and program.parameters[name].dtype == "float32"
    convolution = program.operations[1]
    assert convolution.place == "/Net/" and convolution.attributes["strides"] == [1, 1]
    assert convolution.outputs[0].shape == (-1, 3, -1, -1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{}",
        b"[]",
        b'"text"',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"base_code": {"magic": "other"}}',
        b'{"base_code": {"magic": "pir"}, "program": {"regions": []}}',
        b'{"base_code": {"magic": "pir"}, "program": {"regions": [{"blocks": [{"ops": [{"#": "p"}]}]}]}}',
        b'{"name": "a-package", "version": "1.0"}',
    ],
)
def test_what_is_no_program_is_told(content: bytes) -> None:
    with pytest.raises(SourceError, match=r"no program of PaddlePaddle 3 .*; give an inference\.json"):
        parse(content)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container in a JSON value with every key or index of it."""
    entries = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else [])
    return [(value, key) for key, _ in entries] + [place for _, entry in entries for place in places(entry)]


@given(st.data())
def test_a_damaged_program_is_told_or_converted(data: st.DataObject) -> None:
    content, parameters = tiny_program()
    document = json.loads(content)
    container, key = data.draw(st.sampled_from(places(document)))
    if data.draw(st.booleans()):
        container[key] = data.draw(JSON)
    else:
        del container[key]
    try:
        program = parse(json.dumps(document).encode())
        to_onnx(program, {name: parameters.get(name, np.zeros(1, np.float32)) for name in program.parameters})
    except ConversionError as refusal:
        assert "; give " in str(refusal)
