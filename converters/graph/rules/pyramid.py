"""The first convolution of the detector's head, with the part over upsampled maps at under half its cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from onnxscript.rewriter import pattern

from converters.graph.constants import per_channel
from converters.graph.convolution import Convolution, float_constant
from converters.graph.rules.upsampling import nearest_factor

# Functions of single numbers: their output pixel depends on the input pixel below it and on nothing else.
POINTWISE = {"Relu", "Sigmoid", "HardSigmoid", "HardSwish", "Clip", "Identity"}


class PyramidConvolution(pattern.RewriteRuleClassBase):
    """conv3x3(concat(up_2r(s), ..., x)) without the pixels that upsampling repeats.

    Nearest upsampling by two shows a 3x3 kernel at most 2x2 different pixels. Which of its nine weights fall
    on the same one depends only on whether row and column are even or odd, the phase (p, q). So the part of
    the kernel that reads upsampled maps is four kernels of 2x2, one for each phase, over the map before
    upsampling:

        conv3x3(up2(u))[2i + p, 2j + q] = sum over a, b of K[p, q, a, b] u[i + p - 1 + a, j + q - 1 + b]
        K[p, q, a, b] = sum of W[dy, dx] over floor((p + dy - 1) / 2) = p - 1 + a, and so for q, dx, b; a, b in {0, 1}

    That is 4 products in place of 9. A convolution wants one origin for its four phases, so it is run with
    one pixel of padding, and the phases are laid out such that DepthToSpace gives the picture shifted by one
    pixel into a frame of H + 2 by W + 2. x is convolved with two pixels of padding to meet it there. The
    outermost ring holds numbers of no meaning. Everything that follows must work pixel by pixel, so that the
    ring (which grows with the upsampling that follows) stays outside of the wanted map, and the runtime crops
    it.

    An input upsampled by 2r takes part as its upsampling by r.
    """

    def __init__(self) -> None:
        super().__init__("pyramid-convolution")

    def pattern(self, op: Any) -> Any:
        joined = op.Concat(_allow_other_inputs=True, _outputs=["joined"])
        return op.Conv(joined, _allow_other_inputs=True, _outputs=["convolved"])

    def rewrite(self, op: Any, joined: ir.Value, convolved: ir.Value) -> Any:
        convolution, concat = Convolution.behind(convolved), joined.producer()
        if convolution is None or concat is None or concat.attributes.get_int("axis", 0) != 1:
            return None
        if convolution.group != 1 or not convolution.has_geometry(kernel=3, stride=1, pad=1):
            return None
        if not stays_inside(convolved):
            return None
        small: list[ir.Value] = []  # the upsampled inputs at half of the size of `joined`
        small_weights: list[np.ndarray] = []
        full: list[ir.Value] = []
        full_weights: list[np.ndarray] = []
        begin = 0
        for value in concat.inputs:
            if value is None or value.shape is None or not isinstance(value.shape[1], int):
                return None
            weights = convolution.weights[:, begin : begin + value.shape[1]]
            begin += value.shape[1]
            factor = nearest_factor(value)
            if factor is None or factor % 2:
                full.append(value)
                full_weights.append(weights)
            else:
                small.append(halved(op, value, factor))
                small_weights.append(weights)
        if not small or not full:
            return None
        phases = float_constant(op, phase_kernels(np.concatenate(small_weights, axis=1)))
        spread = op.DepthToSpace(op.Conv(join(op, small), phases, pads=[1] * 4), blocksize=2, mode="DCR")
        kernel = float_constant(op, np.concatenate(full_weights, axis=1))
        direct = op.Conv(join(op, full), kernel, float_constant(op, convolution.bias), pads=[2] * 4)
        return op.Add(direct, spread)


def halved(op: Any, upsampled: ir.Value, factor: int) -> ir.Value:
    """The input of the Resize behind `upsampled`, upsampled by half of its `factor`."""
    node = upsampled.producer()
    assert node is not None
    source = node.inputs[0]
    assert source is not None
    if factor == 2:
        return source
    scales = float_constant(op, np.array([1, 1, factor // 2, factor // 2]))
    return op.Resize(source, None, scales, **node.attributes)


def join(op: Any, values: list[ir.Value]) -> ir.Value:
    """The values side by side along the channels."""
    return values[0] if len(values) == 1 else op.Concat(*values, axis=1)


def phase_kernels(weights: np.ndarray) -> np.ndarray:
    """(out, in, 3, 3) over an upsampled map -> (4 out, in, 2, 2) over the map before upsampling.

    Phase (p, q) stands where DepthToSpace puts pixel (1 - p, 1 - q) of a block: with one row and one column
    of the shifted frame before it, an even row of the picture is the odd row of a block.
    """
    out, inputs = weights.shape[:2]
    kernels = np.zeros((2, 2, out, inputs, 2, 2), weights.dtype)
    for p in range(2):
        for q in range(2):
            for dy in range(3):
                for dx in range(3):
                    a, b = (p + dy - 1) // 2 - (p - 1), (q + dx - 1) // 2 - (q - 1)
                    kernels[1 - p, 1 - q, :, :, a, b] += weights[:, :, dy, dx]
    return kernels.reshape(4 * out, inputs, 2, 2)


def stays_inside(value: ir.Value) -> bool:
    """Whether each pixel of the model's outputs depends on one pixel of `value` only, in the same place."""
    if value.is_graph_output():
        return True
    uses = value.uses()
    return bool(uses) and all(is_pixel_by_pixel(node) and stays_inside(node.outputs[0]) for node, _ in uses)


def is_pixel_by_pixel(node: ir.Node) -> bool:
    """Whether each output pixel, or block of pixels, of a node comes from one input pixel."""
    if node.op_type in POINTWISE or node.op_type in ("BatchNormalization", "DepthToSpace"):
        return True
    if node.op_type in ("Add", "Sub", "Mul", "Div"):
        return any(is_uniform(operand) for operand in node.inputs)
    convolution = Convolution.behind(node.outputs[0])
    if convolution is None:
        return False
    factor = 1 if convolution.kind == "Conv" else convolution.weights.shape[2]
    return convolution.has_geometry(kernel=factor, stride=factor, pad=0)


def is_uniform(value: ir.Value | None) -> bool:
    """Whether `value` is a constant with at most one number for each channel."""
    if value is None or value.shape is None or len(value.shape) < 3:
        return per_channel(value, 1) is not None
    return isinstance(value.shape[-3], int) and per_channel(value, value.shape[-3]) is not None
