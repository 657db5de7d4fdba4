"""The detector head's first convolution over the feature pyramid."""

from __future__ import annotations

import numpy as np
import pytest

from tests.converters.graph.tiny_onnx import operators, rewritten_alike, tiny_model, weights

NEAREST = 'Resize<mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor">'
# As in PP-OCR: maps at 1/8, 1/4, 1/2 and the full size of x, all upsampled to the size of x. Their channel
# counts differ, so that a mix-up of two of them changes the numbers.
PYRAMID = f"""
    a = Conv<kernel_shape=[8,8], strides=[8,8]>(x, wa)
    b = Conv<kernel_shape=[4,4], strides=[4,4]>(x, wb)
    c = Conv<kernel_shape=[2,2], strides=[2,2]>(x, wc)
    ua = {NEAREST}(a, , by8)
    ub = {NEAREST}(b, , by4)
    uc = {NEAREST}(c, , by2)
    j = Concat<axis=1>(ua, ub, uc, x)
"""
CONSTANTS = {
    "wa": weights(3, 4, 8, 8),
    "wb": weights(2, 4, 4, 4),
    "wc": weights(5, 4, 2, 2),
    "w": weights(6, 14, 3, 3),
    "bias": weights(6),
    **{f"by{factor}": np.float32([1, 1, factor, factor]) for factor in (2, 4, 8)},
}
HEAD = "h = Conv<kernel_shape=[3,3], pads=[1,1,1,1]>(j, w, bias) r = Relu(h)"
SIZES = ((16, 16), (24, 40), (8, 8))


def test_upsampled_maps_are_convolved_at_half_size() -> None:
    rewritten = rewritten_alike(tiny_model(f"{PYRAMID} {HEAD} y = Sigmoid(r)", **CONSTANTS), sizes=SIZES)
    assert rewritten.applied == {"pyramid-convolution": 1, "nearest-as-depth-to-space": 2}
    assert rewritten.border == 1
    # One step of upsampling fewer for each map, one DepthToSpace for the convolution.
    assert operators(rewritten).count("DepthToSpace") == 2 + 1 + 1


@pytest.mark.parametrize(("steps", "border"), [(1, 2), (2, 4)])
def test_the_border_grows_with_the_upsampling_that_follows(steps: int, border: int) -> None:
    tail = "u1 = ConvTranspose<kernel_shape=[2,2], strides=[2,2]>(r, t1)"
    tail += " n = BatchNormalization(u1, g, g, g, v) u = Relu(n)"
    if steps == 2:
        tail += " u2 = ConvTranspose<kernel_shape=[2,2], strides=[2,2]>(u, t2) o = Add(u2, k)"
    constants = {"t1": weights(6, 3, 2, 2), "g": weights(3, seed=1), "v": np.float32([1, 2, 3])}
    if steps == 2:
        constants |= {"t2": weights(3, 1, 2, 2), "k": np.float32([[[[0.3]]]])}
    body = f"{PYRAMID} {HEAD} {tail} y = Sigmoid({'o' if steps == 2 else 'u'})"
    rewritten = rewritten_alike(tiny_model(body, **CONSTANTS, **constants), sizes=SIZES)
    assert rewritten.applied["pyramid-convolution"] == 1
    assert rewritten.border == border


def test_the_maps_may_come_in_any_order() -> None:
    shuffled = PYRAMID.replace("(ua, ub, uc, x)", "(uc, x, ua, ub)")
    rewritten = rewritten_alike(tiny_model(f"{shuffled} {HEAD} y = Sigmoid(r)", **CONSTANTS), sizes=SIZES)
    assert rewritten.applied["pyramid-convolution"] == 1


@pytest.mark.parametrize(
    "head",
    [
        f"{HEAD} y0 = Conv<kernel_shape=[3,3], pads=[1,1,1,1]>(r, w2) y = Sigmoid(y0)",
        f"{HEAD} m = ReduceMean<axes=[2,3]>(r) y0 = Mul(r, m) y = Sigmoid(y0)",
        f"{HEAD} y0 = MaxPool<kernel_shape=[3,3], pads=[1,1,1,1]>(r) y = Sigmoid(y0)",
        "h = Conv<kernel_shape=[3,3]>(j, w, bias) y = Sigmoid(h)",
        "h = Conv<kernel_shape=[3,3], pads=[1,1,1,1], strides=[2,2]>(j, w, bias) y = Sigmoid(h)",
        "h = Conv<kernel_shape=[3,3], pads=[2,2,2,2], dilations=[2,2]>(j, w, bias) y = Sigmoid(h)",
        "h = Conv<kernel_shape=[3,3], pads=[1,1,1,1], group=2>(j, w3, bias) y = Sigmoid(h)",
    ],
    ids=["neighbours later", "mean later", "pooling later", "unpadded", "strided", "dilated", "groups"],
)
def test_the_convolution_stays_where_the_border_or_the_phases_would_not_work(head: str) -> None:
    constants = CONSTANTS | {"w2": weights(2, 6, 3, 3), "w3": weights(6, 7, 3, 3)}
    rewritten = rewritten_alike(tiny_model(f"{PYRAMID} {head}", **constants), sizes=SIZES)
    assert "pyramid-convolution" not in rewritten.applied
    assert rewritten.border == 0


def test_maps_of_one_size_are_convolved_as_they_are() -> None:
    joined = "n = Neg(x) j = Concat<axis=1>(x, n)"
    body = f"{joined} h = Conv<kernel_shape=[3,3], pads=[1,1,1,1]>(j, w) y = Sigmoid(h)"
    assert rewritten_alike(tiny_model(body, w=weights(6, 8, 3, 3))).applied == {}
