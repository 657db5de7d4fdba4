"""A convolution as the algebra sees it: weights and bias that other linear maps can be folded into."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx_ir as ir

from converters.graph.constants import constant


@dataclass(frozen=True)
class Convolution:
    """A Conv or ConvTranspose node with constant weights.

    `weights` is float64, (out, in / group, kh, kw) for Conv and (in, out, kh, kw) for ConvTranspose; `bias`
    is float64 of shape (out,), zeros where the node has none. Folding is done in float64 and rounded once, on
    `emit`.
    """

    kind: str
    x: ir.Value
    weights: np.ndarray
    bias: np.ndarray
    attributes: dict[str, ir.Attr]

    @classmethod
    def behind(cls, value: ir.Value) -> Convolution | None:
        """The 2-D convolution that computes `value`; None for other nodes and for computed weights."""
        node = value.producer()
        if node is None or node.op_type not in ("Conv", "ConvTranspose"):
            return None
        weights = constant(node.inputs[1])
        if weights is None or weights.ndim != 4:
            return None
        if node.op_type == "ConvTranspose" and node.attributes.get_int("group", 1) != 1:
            return None
        channels = weights.shape[0 if node.op_type == "Conv" else 1]
        given = node.inputs[2] if len(node.inputs) > 2 else None
        bias = np.zeros(channels) if given is None else constant(given)
        if bias is None:
            return None
        x = node.inputs[0]
        assert x is not None
        attributes = dict(node.attributes)
        return cls(node.op_type, x, weights.astype(np.float64), bias.astype(np.float64), attributes)

    @property
    def channels(self) -> int:
        """Number of output channels."""
        return len(self.bias)

    @property
    def group(self) -> int:
        """Number of channel groups; equal to the channels of a depthwise convolution."""
        return self.integers("group", [1])[0]

    def integers(self, attribute: str, default: list[int]) -> list[int]:
        """An integer attribute as a list, `default` where the node leaves it out."""
        found = self.attributes.get(attribute)
        return default if found is None else list(np.atleast_1d(found.value))

    @property
    def padded(self) -> bool:
        """Whether the convolution reads zeros from outside of its input."""
        automatic = self.attributes.get("auto_pad")
        if automatic is not None and automatic.as_string() not in ("NOTSET", "VALID"):
            return True
        return any(self.integers("pads", [0] * 4))

    def has_geometry(self, *, kernel: int, stride: int, pad: int) -> bool:
        """Whether kernel, stride and padding are these on both axes, and no dilation."""
        automatic = self.attributes.get("auto_pad")
        return (
            self.weights.shape[2:] == (kernel, kernel)
            and self.integers("strides", [1, 1]) == [stride, stride]
            and self.integers("pads", [0] * 4) == [pad] * 4
            and self.integers("dilations", [1, 1]) == [1, 1]
            and self.integers("output_padding", [0, 0]) == [0, 0]
            and "output_shape" not in self.attributes
            and (automatic is None or automatic.as_string() == "NOTSET")
        )

    def scaled(self, factor: np.ndarray) -> Convolution:
        """The convolution followed by a multiplication with `factor`, (out,)."""
        shape = (-1, 1, 1, 1) if self.kind == "Conv" else (1, -1, 1, 1)
        return replace(self, weights=self.weights * factor.reshape(shape), bias=self.bias * factor)

    def shifted(self, offset: np.ndarray) -> Convolution:
        """The convolution followed by an addition of `offset`, (out,)."""
        return replace(self, bias=self.bias + offset)

    def reading(self, x: ir.Value) -> Convolution:
        """The same convolution on another input."""
        return replace(self, x=x)

    def emit(self, op: Any) -> ir.Value:
        """Add the convolution to the graph that a rule builds with `op`."""
        return getattr(op, self.kind)(
            self.x, float_constant(op, self.weights), float_constant(op, self.bias), **self.attributes
        )


def float_constant(op: Any, array: np.ndarray | float) -> ir.Value:
    """A float32 constant in the graph that a rule builds with `op`."""
    return op.Constant(value=ir.tensor(np.ascontiguousarray(array, np.float32)))


def integer_constant(op: Any, values: list[int]) -> ir.Value:
    """An int64 vector in the graph that a rule builds with `op`."""
    return op.Constant(value=ir.tensor(np.array(values, np.int64)))


def conv_1x1(op: Any, x: ir.Value, weights: np.ndarray, bias: np.ndarray) -> ir.Value:
    """A 1x1 convolution in the graph that a rule builds with `op`; `weights` is (out, in), `bias` (out,)."""
    return op.Conv(x, float_constant(op, weights[:, :, None, None]), float_constant(op, bias), kernel_shape=[1, 1])
