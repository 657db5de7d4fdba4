"""Upsampling as depth-to-space, which XNNPACK runs at any size and, for INT8, as a copy.

TFLite's RESIZE_NEAREST_NEIGHBOR holds the target size as a constant, so that the file would work at one size
only, and XNNPACK has neither it nor (in INT8) TRANSPOSE_CONV: each would cut the graph into more partitions.

DepthToSpace here is always in mode DCR, TFLite's: channel (dy * r + dx) * C + c becomes channel c of the
pixel (dy, dx) of each r x r block.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from onnxscript.rewriter import pattern

from converters.graph.constants import constant
from converters.graph.convolution import Convolution, conv_1x1, float_constant


def nearest_factor(value: ir.Value | None) -> int | None:
    """The r of the Resize behind `value`, if it repeats each pixel r x r times; None for any other value."""
    found = _nearest(value)
    if found is None:
        return None
    factor, rounded = found
    return factor if factor == 2 or not rounded else None


def _nearest(value: ir.Value | None) -> tuple[int, bool] | None:
    """The r of the Resize behind `value` that makes r pixels of each, and whether it rounds to the nearest.

    Output pixel i reads i / r rounded down, or the centre (i + .5) / r - .5 rounded to the nearest, which is the same
    for all integers r; or it rounds i / r to the nearest, halves down, and is r / 2 - 1 pixels ahead of the others.
    """
    node = None if value is None else value.producer()
    if node is None or node.op_type != "Resize" or node.attributes.get_string("mode", "nearest") != "nearest":
        return None
    scales = constant(node.inputs[2]) if len(node.inputs) > 2 else None
    if scales is None or scales.size != 4 or scales[0] != 1 or scales[1] != 1 or scales[2] != scales[3]:
        return None
    factor = float(scales[2])
    if factor < 2 or factor != int(factor):
        return None
    mapping = node.attributes.get_string("coordinate_transformation_mode", "half_pixel")
    rounding = node.attributes.get_string("nearest_mode", "round_prefer_floor")
    rounds = {
        ("asymmetric", "floor"): False,
        ("half_pixel", "round_prefer_floor"): False,
        ("half_pixel", "round_prefer_ceil"): False,
        ("asymmetric", "round_prefer_floor"): True,
    }
    rounded = rounds.get((mapping or "", rounding or ""))
    return None if rounded is None else (int(factor), rounded)


class NearestAsDepthToSpace(pattern.RewriteRuleClassBase):
    """Nearest upsampling by two = DepthToSpace of four copies of the picture; by 2^n, the same n times.

    In steps of two because XNNPACK joins at most five tensors in one concatenation. Where i / 2^n is rounded to the
    nearest, halves down, every step after the first shows the next pixel in odd rows and columns:
    up_2r(x)[i] = x[(i + r - 1) div 2r] = up_r(x)[(i + 1) div 2].
    """

    def __init__(self) -> None:
        super().__init__("nearest-as-depth-to-space")

    def pattern(self, op: Any, x: Any) -> Any:
        return op.Resize(x, _allow_other_inputs=True, _outputs=["resized"])

    def rewrite(self, op: Any, x: ir.Value, resized: ir.Value) -> Any:
        found = _nearest(resized)
        if found is None or found[0] & (found[0] - 1):
            return None
        factor, rounded = found
        x = _spread(op, x, x, x, x)
        while (factor := factor // 2) > 1:
            right, below = (_next_pixel(op, x, axis) if rounded else x for axis in (3, 2))
            x = _spread(op, x, right, below, _next_pixel(op, right, 2) if rounded else x)
        return x


def _spread(op: Any, *corners: ir.Value) -> ir.Value:
    """Four pictures as the four pixels, row by row, of 2 x 2 blocks."""
    return op.DepthToSpace(op.Concat(*corners, axis=1), blocksize=2, mode="DCR")


def _next_pixel(op: Any, x: ir.Value, axis: int) -> ir.Value:
    """Each pixel's neighbour along the height (2) or the width (3); the last pixel is its own.

    A mean over what there is of two pixels holds half of each, and at the end the whole of one. TFLite has no padding
    by repetition, and its slices end at a stored size.
    """
    kernel = [2, 1] if axis == 2 else [1, 2]
    mean = op.AveragePool(x, kernel_shape=kernel, auto_pad="SAME_UPPER")
    return op.Sub(op.Mul(mean, float_constant(op, 2)), x)


class TransposedAsDepthToSpace(pattern.RewriteRuleClassBase):
    """ConvTranspose with kernel r and stride r = DepthToSpace of a 1x1 convolution to r * r C channels.

    Its r x r blocks do not overlap, so each output pixel is one dot product: Shi et al., "Is the
    deconvolution layer the same as a convolutional layer?" (2016).
    """

    def __init__(self) -> None:
        super().__init__("transposed-as-depth-to-space")

    def pattern(self, op: Any, x: Any) -> Any:
        return op.ConvTranspose(x, _allow_other_inputs=True, _outputs=["upsampled"])

    def rewrite(self, op: Any, x: ir.Value, upsampled: ir.Value) -> Any:
        transposed = Convolution.behind(upsampled)
        if transposed is None:
            return None
        factor = transposed.weights.shape[2]
        if not transposed.has_geometry(kernel=factor, stride=factor, pad=0):
            return None
        weights = transposed.weights.transpose(2, 3, 1, 0).reshape(-1, transposed.weights.shape[0])
        convolved = conv_1x1(op, x, weights, np.tile(transposed.bias, factor**2))
        return op.DepthToSpace(convolved, blocksize=factor, mode="DCR")


class ConvolutionBeforeDepthToSpace(pattern.RewriteRuleClassBase):
    """A 1x1 convolution of DepthToSpace(y) = DepthToSpace of a 1x1 convolution of y, r * r times side by side.

    It reads maps r times smaller on each axis, and the wide map is never written. Its weights are those of the
    convolution on a diagonal and zeros beside it. That costs no more as long as all outputs fit into one tile of a
    matrix kernel, which computes as many anyway; where they would not, the convolution stays.
    """

    TILE = 16
    """Output channels that XNNPACK's INT8 kernels compute at once on ARM and x86 (its `nr`)."""

    def __init__(self) -> None:
        super().__init__("convolution-before-depth-to-space")

    def pattern(self, op: Any, x: Any) -> Any:
        return op.Conv(op.DepthToSpace(x, _outputs=["spread"]), _allow_other_inputs=True, _outputs=["convolved"])

    def rewrite(self, op: Any, x: ir.Value, spread: ir.Value, convolved: ir.Value) -> Any:
        convolution, node = Convolution.behind(convolved), spread.producer()
        assert node is not None
        factor = node.attributes.get_int("blocksize")
        if convolution is None or factor is None or node.attributes.get_string("mode", "DCR") != "DCR":
            return None
        if convolution.group != 1 or not convolution.has_geometry(kernel=1, stride=1, pad=0):
            return None
        if convolution.channels * factor**2 > self.TILE or len(spread.uses()) != 1:
            return None
        weights = np.kron(np.eye(factor**2), convolution.weights[:, :, 0, 0])
        return op.DepthToSpace(conv_1x1(op, x, weights, np.tile(convolution.bias, factor**2)), **node.attributes)


class ActivationBeforeDepthToSpace(pattern.RewriteRuleClassBase):
    """f(DepthToSpace(y)) = DepthToSpace(f(y)): next to the convolution that gives y, f can fuse into it."""

    def __init__(self, activation: str) -> None:
        super().__init__(f"{activation}-before-depth-to-space")
        self.activation = activation

    def pattern(self, op: Any, x: Any) -> Any:
        return getattr(op, self.activation)(op.DepthToSpace(x, _outputs=["spread"]))

    def rewrite(self, op: Any, x: ir.Value, spread: ir.Value) -> Any:
        source, node = x.producer(), spread.producer()
        assert node is not None
        if source is None or source.op_type != "Conv" or len(x.uses()) != 1:
            return None
        return op.DepthToSpace(getattr(op, self.activation)(x), **node.attributes)
