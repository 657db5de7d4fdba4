"""Upsampling as depth-to-space."""

from __future__ import annotations

import numpy as np
import pytest

from tests.converters.graph.tiny_onnx import operators, rewritten_alike, tiny_model, weights

PADDLE = 'mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"'
CENTRES = 'mode="nearest", coordinate_transformation_mode="half_pixel", nearest_mode="round_prefer_floor"'


def resize(attributes: str, *scales: float) -> dict[str, object]:
    """Body and constants of a model that only resizes."""
    return {"body": f"u = Resize<{attributes}>(x, , scales) y = Sigmoid(u)", "scales": np.float32(scales)}


@pytest.mark.parametrize("attributes", [PADDLE, CENTRES, 'mode="nearest"'], ids=["Paddle", "centres", "default"])
@pytest.mark.parametrize(("factor", "steps"), [(2, 1), (4, 2), (8, 3)])
def test_nearest_upsampling_is_copies_spread_out(attributes: str, factor: int, steps: int) -> None:
    rewritten = rewritten_alike(tiny_model(**resize(attributes, 1, 1, factor, factor)))
    assert rewritten.applied == {"nearest-as-depth-to-space": 1}
    assert operators(rewritten) == ["Concat"] * steps + ["DepthToSpace"] * steps + ["Sigmoid"]


@pytest.mark.parametrize(("factor", "steps"), [(2, 1), (4, 2), (8, 3)])
def test_upsampling_that_rounds_to_the_nearest_shows_the_next_pixel_half_a_block_early(factor: int, steps: int) -> None:
    attributes = 'mode="nearest", coordinate_transformation_mode="asymmetric"'
    rewritten = rewritten_alike(tiny_model(**resize(attributes, 1, 1, factor, factor)))
    assert rewritten.applied == {"nearest-as-depth-to-space": 1}
    assert "Resize" not in operators(rewritten)
    assert operators(rewritten).count("DepthToSpace") == steps


@pytest.mark.parametrize(
    "resized",
    [
        resize('mode="linear"', 1, 1, 2, 2),
        resize('mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="ceil"', 1, 1, 2, 2),
        resize(PADDLE, 1, 1, 2, 4),
        resize(PADDLE, 1, 1, 3, 3),
        resize(PADDLE, 1, 1, 0.5, 0.5),
    ],
    ids=["linear", "rounds up", "unequal factors", "three", "downwards"],
)
def test_other_resizing_stays(resized: dict[str, object]) -> None:
    assert rewritten_alike(tiny_model(**resized)).applied == {}


@pytest.mark.parametrize(("kernel", "bias"), [(2, "b"), (2, ""), (3, "b")])
def test_a_transposed_convolution_without_overlap_is_a_1x1_convolution_spread_out(kernel: int, bias: str) -> None:
    body = f"u = ConvTranspose<kernel_shape=[{kernel},{kernel}], strides=[{kernel},{kernel}]>(x, w, {bias})"
    constants = {"w": weights(4, 3, kernel, kernel), **({"b": weights(3)} if bias else {})}
    rewritten = rewritten_alike(tiny_model(f"{body.replace(', )', ')')} y = Sigmoid(u)", **constants))
    assert rewritten.applied == {"transposed-as-depth-to-space": 1, "Sigmoid-before-depth-to-space": 1}
    assert operators(rewritten) == ["Conv", "DepthToSpace", "Sigmoid"]


def test_what_follows_a_transposed_convolution_is_taken_up() -> None:
    body = """u = ConvTranspose<kernel_shape=[2,2], strides=[2,2]>(x, w) s = Add(u, b)
              n = BatchNormalization(s, gamma, beta, mean, variance) r = Relu(n) y = Sigmoid(r)"""
    norm = {"gamma": weights(3, seed=1), "beta": weights(3, seed=2), "mean": weights(3, seed=3)}
    variance = np.float32([0.5, 1, 2])
    model = tiny_model(body, w=weights(4, 3, 2, 2), b=weights(1, 3, 1, 1), **norm, variance=variance)
    rewritten = rewritten_alike(model)
    assert [node.op_type for node in rewritten.model.graph.node] == [
        "Conv",
        "Relu",
        "DepthToSpace",
        "Sigmoid",
    ]


@pytest.mark.parametrize(
    "attributes",
    [
        "kernel_shape=[3,3], strides=[2,2]",
        "kernel_shape=[2,2], strides=[2,2], pads=[1,1,1,1]",
        "kernel_shape=[2,2], strides=[2,2], output_padding=[1,1]",
        "kernel_shape=[2,2], strides=[2,2], dilations=[2,2]",
    ],
    ids=["overlaps", "cropped", "extended", "dilated"],
)
def test_other_transposed_convolutions_stay(attributes: str) -> None:
    side = 3 if "[3,3]" in attributes else 2
    model = tiny_model(f"u = ConvTranspose<{attributes}>(x, w) y = Sigmoid(u)", w=weights(4, 3, side, side))
    assert rewritten_alike(model).applied == {}


def test_a_transposed_convolution_in_groups_stays() -> None:
    body = "u = ConvTranspose<kernel_shape=[2,2], strides=[2,2], group=2>(x, w) y = Sigmoid(u)"
    assert rewritten_alike(tiny_model(body, w=weights(4, 3, 2, 2))).applied == {}


def test_an_activation_stays_behind_depth_to_space_of_anything_but_a_convolution() -> None:
    body = 'd = DepthToSpace<blocksize=2, mode="DCR">(x) r = Relu(d) y = Sigmoid(r)'
    assert rewritten_alike(tiny_model(body)).applied == {}


TWO_STEPS = """u = ConvTranspose<kernel_shape=[2,2], strides=[2,2]>(x, w, b) r = Relu(u)
               v = ConvTranspose<kernel_shape=[2,2], strides=[2,2]>(r, {last}) y = Sigmoid(v)"""


@pytest.mark.parametrize("last", ["k, c", "k"])
def test_the_head_of_a_detector_gives_logits_in_blocks(last: str) -> None:
    constants = {"w": weights(4, 5, 2, 2), "b": weights(5, seed=1), "k": weights(5, 1, 2, 2, seed=2)}
    bias = {"c": weights(1, seed=3)} if "c" in last else {}
    rewritten = rewritten_alike(tiny_model(TWO_STEPS.format(last=last), **constants, **bias))
    assert (rewritten.meaning, rewritten.block, rewritten.border) == ("text-logits", 4, 0)
    assert operators(rewritten) == ["Conv", "Conv", "Relu"]


def test_a_convolution_of_more_channels_than_a_tile_has_stays_behind_depth_to_space() -> None:
    body = "u = ConvTranspose<kernel_shape=[2,2], strides=[2,2]>(x, w) v = Conv(u, k) y = Sigmoid(v)"
    rewritten = rewritten_alike(tiny_model(body, w=weights(4, 3, 2, 2), k=weights(5, 3, 1, 1)))
    assert operators(rewritten) == ["Conv", "Conv", "DepthToSpace", "Sigmoid"]
    assert rewritten.meaning == "text-probability"


@pytest.mark.parametrize("kernel", ["Conv<kernel_shape=[3,3], pads=[1,1,1,1]>", "Conv<group=3>"], ids=["3x3", "groups"])
def test_other_convolutions_stay_behind_depth_to_space(kernel: str) -> None:
    body = f"u = ConvTranspose<kernel_shape=[2,2], strides=[2,2]>(x, w) v = {kernel}(u, k) y = Sigmoid(v)"
    k = weights(1, 3, 3, 3) if "3,3" in kernel else weights(3, 1, 1, 1)
    assert "DepthToSpace" in operators(rewritten_alike(tiny_model(body, w=weights(4, 3, 2, 2), k=k)))


def test_a_map_that_others_read_too_is_not_taken_apart() -> None:
    body = """u = ConvTranspose<kernel_shape=[2,2], strides=[2,2]>(x, w) v = Conv(u, k) s = Add(v, u)
              y = Sigmoid(s)"""
    rewritten = rewritten_alike(tiny_model(body, w=weights(4, 1, 2, 2), k=weights(1, 1, 1, 1)))
    assert "convolution-before-depth-to-space" not in rewritten.applied
