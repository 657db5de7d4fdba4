"""Squeeze-and-excitation gates (Hu et al., 2018) with as little work over whole feature maps as possible."""

from __future__ import annotations

from typing import Any

import onnx_ir as ir
from onnxscript.rewriter import pattern

from converters.graph.constants import constant
from converters.graph.convolution import float_constant, integer_constant


class PoolAsMean(pattern.RewriteRuleClassBase):
    """GlobalAveragePool(x) = mean of x over height and width: one form for other rules, and TFLite's own."""

    def __init__(self) -> None:
        super().__init__("pool-as-mean")

    def pattern(self, op: Any, x: Any) -> Any:
        return op.GlobalAveragePool(x)

    def rewrite(self, op: Any, x: ir.Value) -> Any:
        return op.ReduceMean(x, integer_constant(op, [2, 3]), keepdims=1)


class ResidualIntoGate(pattern.RewriteRuleClassBase):
    """x + x * g = x * (g + 1): the sum over the feature map becomes a sum over the C numbers of the gate.

    PaddleOCR's RSELayer (ppocr/modeling/necks/db_fpn.py) adds its input to the gated one.
    """

    def __init__(self) -> None:
        super().__init__("residual-into-gate")

    def pattern(self, op: Any, x: Any, gate: Any) -> Any:
        return op.Add(x, op.Mul(x, gate))

    def rewrite(self, op: Any, x: ir.Value, gate: ir.Value) -> Any:
        if not is_gate(gate) or is_gate(x) or constant(gate) is not None:
            return None
        return op.Mul(x, op.Add(gate, float_constant(op, 1)))


class GatedActivationChannelsLast(pattern.RewriteRuleClassBase):
    """f(x) = to_nchw(f(to_nhwc(x))) for an activation that is averaged for a gate and multiplied with it.

    onnx2tf lays convolutions out with channels last, and then moves the transposes between them away. An
    activation that is read twice stops it (MobileNetV3 has one in front of each gate): 4 operations for each
    gate would stay. With the transposes written out on both sides, the first meets its inverse, and what is
    left is the gate directly behind a convolution, which onnx2tf knows.
    """

    def __init__(self, activation: str) -> None:
        super().__init__("gated-activation-channels-last")
        self.activation = activation

    def pattern(self, op: Any, x: Any) -> Any:
        return getattr(op, self.activation)(x, _outputs=["activated"])

    def rewrite(self, op: Any, x: ir.Value, activated: ir.Value) -> Any:
        readers = {node.op_type for node, _ in activated.uses()}
        if not {"ReduceMean", "Mul"} <= readers:
            return None
        channels_last = getattr(op, self.activation)(op.Transpose(x, perm=[0, 2, 3, 1]))
        return op.Transpose(channels_last, perm=[0, 3, 1, 2])


def is_gate(value: ir.Value) -> bool:
    """Whether `value` is (N, C, 1, 1): one number for each channel, which multiplies a whole feature map."""
    shape = value.shape
    return shape is not None and len(shape) == 4 and tuple(shape)[2:] == (1, 1)
