"""Reading the constant operands of graph nodes."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir


def constant(value: ir.Value | None) -> np.ndarray | None:
    """The array behind `value`, or None where it is computed from the model's input."""
    if value is None or value.is_graph_input():
        return None
    tensor = ir.convenience.get_const_tensor(value)
    return None if tensor is None else tensor.numpy()


def scalar(value: ir.Value | None) -> float | None:
    """The single number behind `value` whatever its rank, or None."""
    array = constant(value)
    return float(array.reshape(())) if array is not None and array.size == 1 else None


def integers(value: ir.Value | None) -> list[int] | None:
    """The integers behind `value` (axes, a shape), or None."""
    array = constant(value)
    return array.ravel().tolist() if array is not None and array.dtype.kind == "i" else None


def per_channel(value: ir.Value | None, channels: int) -> np.ndarray | None:
    """`value` as one number per channel of an (N, C, H, W) tensor, float64 of shape (C,).

    None where `value` is no constant, or differs between places of one channel.
    """
    array = constant(value)
    if array is None or array.ndim > 4:
        return None
    if array.size == 1:
        return np.full(channels, array.reshape(()), np.float64)
    aligned = array.reshape((1,) * (4 - array.ndim) + array.shape)
    return aligned.ravel().astype(np.float64) if aligned.shape == (1, channels, 1, 1) else None
