"""Pools whose window is larger than what their program says they read.

A program declares the sizes that it was exported with, and models of any size are at times exported with a small
picture. paddle2onnx cuts a pool's window down to those sizes, which makes another network of every larger picture: the
slim direction classifier declares 32x100, its last pool 2x2 over a height of 1, and is meant for 48x192. Nothing is cut
where the sizes are open.
"""

from __future__ import annotations

from typing import Any

from converters.paddle.program import names_of, parse_program

_POOL = "pool2d"
_WINDOW = "ksize"
_OPEN = -1


def keep_windows(program: bytes) -> bytes:
    """A `.pdmodel` that leaves open the height and width of what such pools read, and is the same otherwise.

    Raises:
        SourceError: it is none.
    """
    parsed = parse_program(program)
    block = parsed.blocks[0]
    sizes = {variable.name: variable.type.lod_tensor.tensor.dims for variable in block.vars}
    for operator in block.ops:
        if operator.type == _POOL:
            for name in names_of(operator.inputs, "X"):
                if any(0 < size < side for size, side in zip(sizes[name][2:], _window(operator), strict=False)):
                    sizes[name][2:] = [_OPEN] * len(sizes[name][2:])
    return bytes(parsed.SerializeToString())


def _window(operator: Any) -> list[int]:
    """Height and width in pixels."""
    return [int(side) for attribute in operator.attrs if attribute.name == _WINDOW for side in attribute.ints]
