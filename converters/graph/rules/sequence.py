"""The recognizer's tail kept four-dimensional: (N, C, 1, T) in place of (N, C, T) and (N, T, C).

A text line has height 1 here. Paddle drops that axis and transposes; TFLite would pay with RESHAPE and
TRANSPOSE operations around each layer, and with shapes fixed for one width. The rules move the Squeeze and
the Transpose towards the output, past the layers that can as well run on four axes, until they meet their
inverse.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from onnxscript.rewriter import pattern

from converters.graph.constants import constant, integers
from converters.graph.convolution import conv_1x1, integer_constant

HEIGHT = [2]


class TransposeUndone(pattern.RewriteRuleClassBase):
    """Transpose(Transpose(x)) = x where the second puts the axes back."""

    def __init__(self) -> None:
        super().__init__("transpose-undone", remove_nodes=False)

    def pattern(self, op: Any, x: Any, there: Any, back: Any) -> Any:
        return op.Transpose(op.Transpose(x, perm=there), perm=back)

    def rewrite(self, op: Any, x: ir.Value, there: ir.Attr, back: ir.Attr) -> Any:
        axes = [there.as_ints()[axis] for axis in back.as_ints()]
        return op.Identity(x) if axes == sorted(axes) else None


class SqueezeUndone(pattern.RewriteRuleClassBase):
    """Unsqueeze(Squeeze(x)) = x where both are about the height."""

    def __init__(self) -> None:
        super().__init__("squeeze-undone", remove_nodes=False)

    def pattern(self, op: Any, x: Any, axes: Any, axes_again: Any) -> Any:
        return op.Unsqueeze(op.Squeeze(x, axes), axes_again)

    def rewrite(self, op: Any, x: ir.Value, axes: ir.Value, axes_again: ir.Value) -> Any:
        return op.Identity(x) if integers(axes) == HEIGHT == integers(axes_again) else None


class SqueezeAfter(pattern.RewriteRuleClassBase):
    """f(Squeeze(x)) = Squeeze(f(x)) for f that treats each number or each channel alike.

    `operator` has x as its first input; further inputs are parameters.
    """

    def __init__(self, operator: str) -> None:
        super().__init__(f"squeeze-after-{operator}")
        self.operator = operator

    def pattern(self, op: Any, x: Any, axes: Any) -> Any:
        squeezed = op.Squeeze(x, axes)
        return getattr(op, self.operator)(squeezed, _allow_other_inputs=True, _outputs=["result"])

    def rewrite(self, op: Any, x: ir.Value, axes: ir.Value, result: ir.Value) -> Any:
        node = result.producer()
        assert node is not None
        if integers(axes) != HEIGHT:
            return None
        return op.Squeeze(getattr(op, self.operator)(x, *node.inputs[1:], **node.attributes), axes)


class LinearAsConvolution(pattern.RewriteRuleClassBase):
    """transpose(squeeze(x)) W + b = transpose(squeeze(conv1x1(x))): linear on (N, T, C) is a 1x1 convolution.

    `biased` matches the layer with its bias, which the rule without would leave behind.
    """

    def __init__(self, *, biased: bool) -> None:
        super().__init__("linear-as-convolution")
        self.biased = biased

    def pattern(self, op: Any, x: Any, axes: Any, w: Any) -> Any:
        product = op.MatMul(op.Transpose(op.Squeeze(x, axes), perm=[0, 2, 1]), w)
        return op.Add(product, pattern.Var("b")) if self.biased else product

    def rewrite(self, op: Any, x: ir.Value, axes: ir.Value, w: ir.Value, b: ir.Value | None = None) -> Any:
        weights, bias = constant(w), constant(b)
        if integers(axes) != HEIGHT or weights is None or weights.ndim != 2 or (bias is None) != (b is None):
            return None
        outputs = weights.shape[1]
        if bias is None:
            bias = np.zeros(outputs)
        if bias.shape != (outputs,):
            return None
        convolved = conv_1x1(op, x, weights.T, bias)
        return op.Transpose(op.Squeeze(convolved, integer_constant(op, HEIGHT)), perm=[0, 2, 1])
