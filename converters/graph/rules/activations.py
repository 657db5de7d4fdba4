"""Activations in the form that TFLite has a kernel for: GELU, HARD_SWISH and the fused RELU6."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx_ir as ir
from onnxscript.rewriter import pattern

from converters.graph.constants import scalar
from converters.graph.convolution import Convolution, float_constant

# Paddle writes 1/6 with five digits of precision (.1666667 or .16667 between versions).
TOLERANCE = 1e-4


class GeluFromErf(pattern.RewriteRuleClassBase):
    """x * (1 + erf(x / sqrt 2)) * 1/2 = Gelu(x): Hendrycks and Gimpel, "Gaussian error linear units" (2016).

    TFLite has no erf; as one operator the five are its GELU.
    """

    def __init__(self) -> None:
        super().__init__("gelu-from-erf")

    def pattern(self, op: Any, x: Any, root: Any, one: Any, half: Any) -> Any:
        return op.Mul(op.Mul(x, op.Add(op.Erf(op.Div(x, root)), one)), half)

    def rewrite(self, op: Any, x: ir.Value, root: ir.Value, one: ir.Value, half: ir.Value) -> Any:
        expected = ((root, math.sqrt(2)), (one, 1.0), (half, 0.5))
        return op.Gelu(x) if all(is_near(scalar(v), number) for v, number in expected) else None


class HardSwishFromClip(pattern.RewriteRuleClassBase):
    """x * clip(x + 3, 0, 6) / 6 = HardSwish(x).

    Howard et al., "Searching for MobileNetV3" (2019), section 5.2. The division may stand before or after the
    product, and be a multiplication by 1/6. TFLite runs the four operations over the whole feature map, or
    HARD_SWISH in one.
    """

    def __init__(self, operator: str, *, divides_clip: bool) -> None:
        super().__init__("hard-swish-from-clip")
        self.operator = operator
        self.divides_clip = divides_clip

    def pattern(self, op: Any, x: Any, three: Any, zero: Any, six: Any, k: Any) -> Any:
        clipped = op.Clip(op.Add(x, three), zero, six)
        divide = getattr(op, self.operator)
        return op.Mul(x, divide(clipped, k)) if self.divides_clip else divide(op.Mul(x, clipped), k)

    def rewrite(self, op: Any, x: ir.Value, three: ir.Value, zero: ir.Value, six: ir.Value, k: ir.Value) -> Any:
        sixth = 6.0 if self.operator == "Div" else 1 / 6
        expected = ((three, 3.0), (zero, 0.0), (six, 6.0), (k, sixth))
        return op.HardSwish(x) if all(is_near(scalar(v), number) for v, number in expected) else None


class HardSwishFromHardSigmoid(pattern.RewriteRuleClassBase):
    """x * HardSigmoid(x) = HardSwish(x) where the sigmoid's slope is 1/6 and its offset 1/2."""

    def __init__(self) -> None:
        super().__init__("hard-swish-from-hard-sigmoid")

    def pattern(self, op: Any, x: Any) -> Any:
        return op.Mul(x, op.HardSigmoid(x, _outputs=["gate"]))

    def rewrite(self, op: Any, x: ir.Value, gate: ir.Value) -> Any:
        alpha, beta = slope_and_offset(gate)
        return op.HardSwish(x) if is_near(alpha, 1 / 6) and is_near(beta, 0.5) else None


class HardSigmoidAsRelu6(pattern.RewriteRuleClassBase):
    """clip(a y + c, 0, 1) = clip(6 a y + 6 c, 0, 6) / 6, where y is a convolution and takes 6 a and 6 c up.

    TFLite has no hard sigmoid, but fuses RELU6 into a convolution for nothing; the 1/6 is left to the rules
    that fold scales.
    """

    def __init__(self) -> None:
        super().__init__("hard-sigmoid-as-relu6")

    def pattern(self, op: Any, x: Any) -> Any:
        convolved = op.Conv(x, _allow_other_inputs=True, _outputs=["convolved"])
        return op.HardSigmoid(convolved, _outputs=["gate"])

    def rewrite(self, op: Any, convolved: ir.Value, gate: ir.Value, **_: ir.Value) -> Any:
        convolution = Convolution.behind(convolved)
        if convolution is None:
            return None
        alpha, beta = slope_and_offset(gate)
        ones = np.ones(convolution.channels)
        raised = convolution.scaled(6 * alpha * ones).shifted(6 * beta * ones).emit(op)
        return op.Mul(op.Clip(raised, float_constant(op, 0), float_constant(op, 6)), float_constant(op, 1 / 6))


def slope_and_offset(gate: ir.Value) -> tuple[float, float]:
    """Alpha and beta of the HardSigmoid that computes `gate`; the defaults are ONNX's."""
    node = gate.producer()
    assert node is not None
    return node.attributes.get_float("alpha", 0.2), node.attributes.get_float("beta", 0.5)


def is_near(value: float | None, number: float) -> bool:
    """Whether a constant is `number` up to the digits that Paddle writes."""
    return value is not None and math.isclose(value, number, rel_tol=TOLERANCE, abs_tol=1e-7)
