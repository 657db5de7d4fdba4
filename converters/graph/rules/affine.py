"""Affine maps folded into the convolutions next to them.

A convolution is linear, so a factor or an offset beside it can live in its weights. Every map that stays
becomes an operation over a whole feature map: a read and a write of memory for one multiplication an element.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from onnxscript.rewriter import pattern

from converters.graph.constants import constant, per_channel, scalar
from converters.graph.convolution import Convolution, float_constant


class BatchNormIntoConvolution(pattern.RewriteRuleClassBase):
    """BatchNorm(W x + b) = (g / s) W x + (g / s) (b - mean) + beta, with s = sqrt(variance + epsilon).

    For Conv and ConvTranspose alike: Ioffe and Szegedy, "Batch Normalization" (2015), at inference.
    """

    def __init__(self, convolution: str) -> None:
        super().__init__(f"batch-norm-into-{convolution}")
        self.convolution = convolution

    def pattern(self, op: Any, x: Any, gamma: Any, beta: Any, mean: Any, variance: Any) -> Any:
        convolved = getattr(op, self.convolution)(x, _allow_other_inputs=True, _outputs=["convolved"])
        return op.BatchNormalization(convolved, gamma, beta, mean, variance, _outputs=["normalised"])

    def rewrite(self, op: Any, convolved: ir.Value, normalised: ir.Value, **parameters: ir.Value) -> Any:
        convolution = Convolution.behind(convolved)
        gamma, beta, mean, variance = (constant(parameters[n]) for n in ("gamma", "beta", "mean", "variance"))
        if convolution is None or gamma is None or beta is None or mean is None or variance is None:
            return None
        node = normalised.producer()
        assert node is not None
        factor = gamma / np.sqrt(variance.astype(np.float64) + node.attributes.get_float("epsilon", 1e-5))
        return convolution.shifted(-mean.astype(np.float64)).scaled(factor).shifted(beta).emit(op)


class AffineIntoConvolution(pattern.RewriteRuleClassBase):
    """(W x + b) * k = (k W) x + k b and (W x + b) + k = W x + (b + k), k one number or one for each channel.

    `operator` is Mul, Div, Add or Sub; the constant of Div and Sub is the second operand.
    """

    def __init__(self, operator: str, convolution: str) -> None:
        super().__init__(f"{operator}-into-{convolution}")
        self.operator = operator
        self.convolution = convolution

    def pattern(self, op: Any, x: Any, k: Any) -> Any:
        convolved = getattr(op, self.convolution)(x, _allow_other_inputs=True, _outputs=["convolved"])
        return getattr(op, self.operator)(convolved, k)

    def rewrite(self, op: Any, convolved: ir.Value, k: ir.Value, **_: ir.Value) -> Any:
        convolution = Convolution.behind(convolved)
        values = None if convolution is None else per_channel(k, convolution.channels)
        if convolution is None or values is None:
            return None
        match self.operator:
            case "Mul":
                return convolution.scaled(values).emit(op)
            case "Div":
                return convolution.scaled(1 / values).emit(op)
            case "Add":
                return convolution.shifted(values).emit(op)
            case _:
                return convolution.shifted(-values).emit(op)


def feeds_only_convolutions(value: ir.Value) -> bool:
    """Whether each reader of `value` is a Conv that has it as its picture, so that all can take a factor."""
    uses = value.uses()
    return bool(uses) and not value.is_graph_output() and all(n.op_type == "Conv" and i == 0 for n, i in uses)


class ScaleAfterOffset(pattern.RewriteRuleClassBase):
    """x * k + c = (x + c / k) * k: the factor comes last, where the convolutions that follow can take it.

    Paddle's learnable affine block (PP-LCNetV3) puts x * k + c after each activation.
    """

    def __init__(self) -> None:
        super().__init__("scale-after-offset")

    def pattern(self, op: Any, x: Any, k: Any, c: Any) -> Any:
        return op.Add(op.Mul(x, k), c, _outputs=["shifted"])

    def rewrite(self, op: Any, x: ir.Value, k: ir.Value, c: ir.Value, shifted: ir.Value) -> Any:
        factor, offset = scalar(k), scalar(c)
        if not factor or offset is None or constant(x) is not None or not feeds_only_convolutions(shifted):
            return None
        return op.Mul(op.Add(x, float_constant(op, offset / factor)), float_constant(op, factor))


class ScaleIntoNextConvolutions(pattern.RewriteRuleClassBase):
    """W (k x) + b = (k W) x + b where only convolutions read k x, padded or not: k times zero is zero."""

    def __init__(self) -> None:
        # The product goes when the last of its convolutions has taken the factor.
        super().__init__("scale-into-next-convolutions", remove_nodes=False)

    def pattern(self, op: Any, x: Any, k: Any) -> Any:
        return op.Conv(op.Mul(x, k, _outputs=["product"]), _allow_other_inputs=True, _outputs=["convolved"])

    def rewrite(self, op: Any, x: ir.Value, k: ir.Value, product: ir.Value, convolved: ir.Value) -> Any:
        factor, convolution = scalar(k), Convolution.behind(convolved)
        if factor is None or convolution is None or constant(x) is not None or not feeds_only_convolutions(product):
            return None
        return scaled_input(convolution, factor).reading(x).emit(op)


class GateScaleIntoNextConvolutions(pattern.RewriteRuleClassBase):
    """W (x * (k g)) + b = (k W) (x * g) + b: as above, for the factor k of a gate g that multiplies x."""

    def __init__(self) -> None:
        super().__init__("gate-scale-into-next-convolutions", remove_nodes=False)

    def pattern(self, op: Any, x: Any, gate: Any, k: Any) -> Any:
        gated = op.Mul(x, op.Mul(gate, k), _outputs=["gated"])
        return op.Conv(gated, _allow_other_inputs=True, _outputs=["convolved"])

    def rewrite(self, op: Any, x: ir.Value, gate: ir.Value, k: ir.Value, gated: ir.Value, convolved: ir.Value) -> Any:
        factor, convolution = scalar(k), Convolution.behind(convolved)
        if factor is None or convolution is None or constant(gate) is not None or not feeds_only_convolutions(gated):
            return None
        return scaled_input(convolution, factor).reading(op.Mul(x, gate)).emit(op)


class OffsetIntoNextConvolution(pattern.RewriteRuleClassBase):
    """W (x + c) + b = W x + (b + c sum W) where the convolution pads nothing: c is missing from padding."""

    def __init__(self) -> None:
        super().__init__("offset-into-next-convolution", remove_nodes=False)

    def pattern(self, op: Any, x: Any, c: Any) -> Any:
        return op.Conv(op.Add(x, c, _outputs=["shifted"]), _allow_other_inputs=True, _outputs=["convolved"])

    def rewrite(self, op: Any, x: ir.Value, c: ir.Value, shifted: ir.Value, convolved: ir.Value) -> Any:
        offset, convolution = scalar(c), Convolution.behind(convolved)
        if offset is None or convolution is None or convolution.padded or not feeds_only_convolutions(shifted):
            return None
        return convolution.reading(x).shifted(offset * convolution.weights.sum((1, 2, 3))).emit(op)


def scaled_input(convolution: Convolution, factor: float) -> Convolution:
    """The Conv that gives on x what `convolution` gives on factor * x."""
    return Convolution(
        convolution.kind,
        convolution.x,
        convolution.weights * factor,
        convolution.bias,
        convolution.attributes,
    )
