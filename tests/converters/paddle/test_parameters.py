"""Parameter files: written and read alike, and nothing in one is believed."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from converters.errors import SourceError
from converters.paddle.parameters import named_parameters, read_parameters, write_parameters

# One float32 tensor [[1, 2, 3]], byte by byte as the format's description has it.
HEADER = struct.pack("<IQI", 0, 0, 0)
DESCRIPTION = b"\x08\x05" + b"\x10\x01" + b"\x10\x03"
GOLDEN = HEADER + struct.pack("<i", len(DESCRIPTION)) + DESCRIPTION + struct.pack("<3f", 1, 2, 3)


def stream(description: bytes, values: bytes = b"") -> bytes:
    return HEADER + struct.pack("<i", len(description)) + description + values


def varint(number: int) -> bytes:
    """A number as protobuf writes it; negative ones as 64 bits."""
    number &= (1 << 64) - 1
    digits = []
    while True:
        number, digit = number >> 7, number & 0x7F
        digits.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(digits)


def sizes(*numbers: int) -> bytes:
    return b"".join(b"\x10" + varint(number) for number in numbers)


def test_the_format_is_the_described_one() -> None:
    (tensor,) = read_parameters(GOLDEN)
    np.testing.assert_array_equal(tensor, np.array([[1, 2, 3]], np.float32), strict=True)
    assert write_parameters([tensor]) == GOLDEN


@given(
    st.lists(
        st.sampled_from(["<f4", "<f8", "<f2", "<i4", "<i8", "<i2", "u1", "i1"]).flatmap(
            lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, min_side=0, max_side=4))
        ),
        max_size=4,
    )
)
def test_what_is_written_is_read(tensors: list[np.ndarray]) -> None:
    for written, read in zip(tensors, read_parameters(write_parameters(tensors)), strict=True):
        assert (read.dtype, read.shape, read.tobytes()) == (written.dtype, written.shape, written.tobytes())


def test_a_file_that_ends_too_early_is_told_wherever_it_does() -> None:
    for length in range(1, len(GOLDEN)):
        with pytest.raises(
            SourceError, match=rf"tensor 1 of the parameters, at byte 38 of {38 + length}, .*; give the"
        ):
            read_parameters(GOLDEN + GOLDEN[:length])


@given(st.binary(max_size=200))
def test_random_bytes_are_told(content: bytes) -> None:
    with pytest.raises(SourceError, match="tensor 0 of the parameters"):
        read_parameters(b"\x01" + content)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_random_bytes_behind_a_header_are_told_or_read(description: bytes, values: bytes) -> None:
    try:
        tensors = read_parameters(stream(description, values))
    except SourceError:
        return
    assert all(tensor.nbytes <= len(values) for tensor in tensors)


@pytest.mark.parametrize(
    ("description", "words"),
    [
        (b"\x08\x05" + sizes(1 << 30, 1 << 20), "needs 4503599627370496 bytes"),
        (b"\x08\x05" + sizes(1 << 62, 4), "impossible shape"),
        (b"\x08\x05" + sizes(-1), "impossible shape"),
        (b"\x08\x05" + sizes(*[1] * 65), "impossible shape"),
        (b"\x08\x05" + sizes(0, 1 << 62, 1 << 62), "impossible shape"),
        (b"\x08\x16" + sizes(1), "Paddle's type 22"),
        (b"\x07\x07", "no description that can be read"),
    ],
)
def test_impossible_descriptions_are_told(description: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read_parameters(stream(description, bytes(16)))


def test_tensors_get_their_names_in_order() -> None:
    tensors = [np.full(2, 1, np.float32), np.full((3, 1), 2, np.float32)]
    named = named_parameters({"w_1": (3, 1), "b_0": (2,)}, write_parameters(tensors))
    assert named["b_0"].tolist() == [1, 1] and named["w_1"].shape == (3, 1)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"w": (1, 3), "x": (1,)}, "declares 2 parameters and the file holds 1"),
        ({}, "declares 0 parameters and the file holds 1"),
        ({"w": (3, 1)}, r"declares the parameter w as \[3, 1\] and the file holds \[1, 3\] in its place"),
    ],
)
def test_parameters_of_another_program_are_told(declared: dict[str, tuple[int, ...]], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        named_parameters(declared, GOLDEN)
