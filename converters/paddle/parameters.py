"""Paddle's parameter files: one stream of tensors, in the order of their names, which only the program tells.

This is what Paddle's operator save_combine writes (paddle/phi/core/framework/lod_tensor_serialize.cc and
dense_tensor_serialize.cc), all integers little-endian. Of each tensor:

    uint32  version, 0
    uint64  levels of detail, 0 in an inference model
    uint32  version, 0
    int32   bytes of the message that follows
            TensorDesc of framework.proto: data type and dimensions
            the values, row by row
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from google.protobuf.message import DecodeError

from converters.errors import SourceError
from converters.paddle.program import message

_HEADER = struct.Struct("<IQIi")

_DTYPES = {
    0: "bool", 1: "<i2", 2: "<i4", 3: "<i8", 4: "<f2", 5: "<f4", 6: "<f8", 20: "u1", 21: "i1",
}  # fmt: skip
"""Data type in framework.proto (VarType.Type) -> of NumPy. bfloat16 (22) is missing: NumPy has none."""

_MAXIMUM_RANK, _MAXIMUM_ELEMENTS = 64, 1 << 60
"""Of an array of NumPy; of its elements it counts those along empty axes, too."""


def read_parameters(content: bytes) -> list[np.ndarray]:
    """The tensors of a parameter file, in its order; they share its memory and cannot be written to.

    Raises:
        SourceError: it is no parameter file, or it ends too early; nothing is allocated by sizes that it claims.
    """
    tensors: list[np.ndarray] = []
    place = 0
    while place < len(content):
        tensor, place = _read_tensor(content, place, len(tensors))
        tensors.append(tensor)
    return tensors


def _read_tensor(content: bytes, place: int, number: int) -> tuple[np.ndarray, int]:
    """The tensor at `place`, and the place after it."""
    what = f"tensor {number} of the parameters, at byte {place} of {len(content)},"
    whole = "give the file that belongs to the program, whole"
    if place + _HEADER.size > len(content):
        raise SourceError(f"{what} is cut off; {whole}")
    *versions_and_levels, length = _HEADER.unpack_from(content, place)
    start = place + _HEADER.size
    if any(versions_and_levels) or not 0 <= length <= len(content) - start:
        raise SourceError(f"{what} does not begin as Paddle writes tensors; {whole}")
    try:
        description = message("TensorDesc").FromString(content[start : start + length])
    except DecodeError as problem:
        raise SourceError(f"{what} has no description that can be read; {whole}") from problem
    start += length
    dtype, shape = _DTYPES.get(description.data_type), tuple(description.dims)
    if dtype is None:
        raise SourceError(f"{what} has values of Paddle's type {description.data_type}, which NumPy lacks; {whole}")
    elements = math.prod(max(size, 1) for size in shape)
    if len(shape) > _MAXIMUM_RANK or min(shape, default=0) < 0 or elements > _MAXIMUM_ELEMENTS:
        raise SourceError(f"{what} has the impossible shape {list(shape[:8])}; {whole}")
    count = math.prod(shape)
    end = start + count * np.dtype(dtype).itemsize
    if end > len(content):
        raise SourceError(f"{what} needs {end - start} bytes for {list(shape)}, more than there are; {whole}")
    return np.frombuffer(content, dtype, count, start).reshape(shape), end


def write_parameters(tensors: Iterable[np.ndarray]) -> bytes:
    """The file of `tensors`, which are in the order of their names; what `read_parameters` reads."""
    types = {np.dtype(name): number for number, name in _DTYPES.items()}
    pieces = []
    for tensor in tensors:
        description = message("TensorDesc")(data_type=types[tensor.dtype], dims=tensor.shape).SerializeToString()
        pieces += [_HEADER.pack(0, 0, 0, len(description)), description, tensor.tobytes()]
    return b"".join(pieces)


def named_parameters(declared: Mapping[str, Sequence[int]], content: bytes) -> dict[str, np.ndarray]:
    """The tensors of a parameter file by their names.

    Args:
        declared: name -> shape of every parameter of the program, in any order.
        content: of the parameter file.

    Raises:
        SourceError: as `read_parameters`, or these are the parameters of another program.
    """
    tensors = read_parameters(content)
    other = "give the parameters that belong to the program"
    if len(tensors) != len(declared):
        raise SourceError(f"the program declares {len(declared)} parameters and the file holds {len(tensors)}; {other}")
    named = dict(zip(sorted(declared), tensors, strict=True))
    for name, tensor in named.items():
        if tensor.shape != tuple(declared[name]):
            raise SourceError(
                f"the program declares the parameter {name} as {list(declared[name])} and the file holds "
                f"{list(tensor.shape)} in its place; {other}"
            )
    return named
