"""Affine maps around convolutions."""

from __future__ import annotations

import numpy as np
import pytest

from tests.converters.graph.tiny_onnx import operators, rewritten_alike, scalars, tiny_model, weights

CONV = "c = Conv<kernel_shape=[3,3], pads=[1,1,1,1]>(x, w, b)"
CONV_WEIGHTS = {"w": weights(6, 4, 3, 3), "b": weights(6, seed=1)}
CHANNEL = np.array([0.5, 1, -2, 0.25, 3, 0.1], np.float32).reshape(1, 6, 1, 1)
PLACES = weights(1, 1, 1, 4, seed=2)
NORM = {
    "gamma": weights(6, seed=3) + 1,
    "beta": weights(6, seed=4),
    "mean": weights(6, seed=5),
    "variance": np.abs(weights(6, seed=6)) + np.float32(0.5),
}


def test_batch_norm_goes_into_a_convolution() -> None:
    body = f"{CONV} n = BatchNormalization<epsilon=0.01>(c, gamma, beta, mean, variance) y = Sigmoid(n)"
    rewritten = rewritten_alike(tiny_model(body, **CONV_WEIGHTS, **NORM))
    assert rewritten.applied == {"batch-norm-into-Conv": 1}
    assert operators(rewritten) == ["Conv", "Sigmoid"]


def test_batch_norm_goes_into_a_transposed_convolution() -> None:
    body = """c = ConvTranspose<kernel_shape=[3,3], strides=[2,2]>(x, w)
              n = BatchNormalization(c, gamma, beta, mean, variance) y = Sigmoid(n)"""
    rewritten = rewritten_alike(tiny_model(body, w=weights(4, 6, 3, 3), **NORM))
    assert rewritten.applied == {"batch-norm-into-ConvTranspose": 1}


def test_batch_norm_stays_where_the_convolution_has_another_reader() -> None:
    body = f"{CONV} n = BatchNormalization(c, gamma, beta, mean, variance) s = Add(n, c) y = Sigmoid(s)"
    assert rewritten_alike(tiny_model(body, **CONV_WEIGHTS, **NORM)).applied == {}


@pytest.mark.parametrize("operator", ["Mul", "Div", "Add", "Sub"])
@pytest.mark.parametrize("k", [np.float32([0.3]), CHANNEL, CHANNEL[0]], ids=["scalar", "channel", "rank 3"])
def test_an_affine_map_goes_into_the_convolution_before(operator: str, k: np.ndarray) -> None:
    rewritten = rewritten_alike(tiny_model(f"{CONV} a = {operator}(c, k) y = Sigmoid(a)", **CONV_WEIGHTS, k=k))
    assert rewritten.applied == {f"{operator}-into-Conv": 1}
    assert operators(rewritten) == ["Conv", "Sigmoid"]


def test_the_operands_of_a_sum_may_be_swapped() -> None:
    rewritten = rewritten_alike(tiny_model(f"{CONV} a = Add(k, c) y = Sigmoid(a)", **CONV_WEIGHTS, k=CHANNEL))
    assert rewritten.applied == {"Add-into-Conv": 1}


@pytest.mark.parametrize(
    ("body", "k"),
    [
        (f"{CONV} a = Add(c, k) y = Sigmoid(a)", PLACES),
        (f"{CONV} a = Sub(k, c) y = Sigmoid(a)", CHANNEL),
        (f"{CONV} d = Add(c, k) s = Mul(d, c) y = Sigmoid(s)", CHANNEL),
    ],
    ids=["differs between places", "subtracted from", "another reader"],
)
def test_other_maps_stay_behind_their_convolution(body: str, k: np.ndarray) -> None:
    sizes = ((8, 4), (12, 4))
    assert rewritten_alike(tiny_model(body, **CONV_WEIGHTS, k=k), sizes=sizes).applied == {}


NEXT = "p = Conv<kernel_shape=[3,3], pads=[1,1,1,1]>(s, w) q = Conv<kernel_shape=[1,1]>(s, v)"
NEXT_WEIGHTS = {"w": weights(6, 4, 3, 3), "v": weights(6, 4, 1, 1), **scalars(k=0.3, c=0.7)}


def test_a_factor_goes_into_all_the_convolutions_that_follow() -> None:
    rewritten = rewritten_alike(
        tiny_model(f"r = Relu(x) s = Mul(r, k) {NEXT} a = Add(p, q) y = Sigmoid(a)", **NEXT_WEIGHTS)
    )
    assert rewritten.applied == {"scale-into-next-convolutions": 2}
    assert "Mul" not in operators(rewritten)


def test_a_factor_stays_for_a_reader_that_cannot_take_it() -> None:
    body = "r = Relu(x) s = Mul(r, k) p = Conv<kernel_shape=[1,1]>(s, v) a = Add(p, s) y = Sigmoid(a)"
    assert rewritten_alike(tiny_model(body, v=weights(4, 4, 1, 1), **scalars(k=0.3))).applied == {}


def test_a_learnable_affine_block_goes_into_an_unpadded_convolution() -> None:
    body = "r = Relu(x) m = Mul(r, k) s = Add(m, c) q = Conv<kernel_shape=[3,3]>(s, w) y = Sigmoid(q)"
    rewritten = rewritten_alike(tiny_model(body, **NEXT_WEIGHTS))
    assert rewritten.applied == {
        "scale-after-offset": 1,
        "scale-into-next-convolutions": 1,
        "offset-into-next-convolution": 1,
    }
    assert operators(rewritten) == ["Conv", "Relu", "Sigmoid"]


@pytest.mark.parametrize("padding", ["pads=[1,1,1,1]", 'auto_pad="SAME_UPPER"'])
def test_an_offset_stays_in_front_of_padding(padding: str) -> None:
    block = "r = Relu(x) m = Mul(r, k) s = Add(m, c)"
    body = f"{block} q = Conv<kernel_shape=[3,3], {padding}>(s, w) y = Sigmoid(q)"
    rewritten = rewritten_alike(tiny_model(body, **NEXT_WEIGHTS))
    assert rewritten.applied == {"scale-after-offset": 1, "scale-into-next-convolutions": 1}


@pytest.mark.parametrize("block", ["m = Mul(r, k) s = Add(m, c)", "s = Add(r, c)"])
def test_an_affine_block_stays_for_a_reader_that_cannot_take_it(block: str) -> None:
    body = f"r = Relu(x) {block} q = Conv<kernel_shape=[1,1]>(s, v) a = Add(q, s) y = Sigmoid(a)"
    constants = {"v": weights(4, 4, 1, 1), **scalars(k=0.3, c=0.7)}
    assert rewritten_alike(tiny_model(body, **constants)).applied == {}


def test_a_factor_of_zero_is_not_divided_by() -> None:
    body = "r = Relu(x) m = Mul(r, zero) s = Add(m, c) q = Conv<kernel_shape=[1,1]>(s, v) y = Sigmoid(q)"
    constants = {"v": weights(4, 4, 1, 1), **scalars(zero=0.0, c=0.7)}
    assert "scale-after-offset" not in rewritten_alike(tiny_model(body, **constants)).applied


GATE = "g = ReduceMean<axes=[2,3], keepdims=1>(x) h = Sigmoid(g) j = Mul(h, k) s = Mul(x, j)"


def test_the_factor_of_a_gate_goes_into_the_next_convolution() -> None:
    body = f"{GATE} p = Conv<kernel_shape=[1,1]>(s, v) y = Sigmoid(p)"
    rewritten = rewritten_alike(tiny_model(body, v=weights(4, 4, 1, 1), **scalars(k=0.3)))
    assert rewritten.applied == {"gate-scale-into-next-convolutions": 1}
    assert operators(rewritten).count("Mul") == 1


def test_the_factor_of_a_gate_stays_for_a_residual_sum() -> None:
    body = f"{GATE} p = Conv<kernel_shape=[1,1]>(s, v) a = Add(p, s) y = Sigmoid(a)"
    assert rewritten_alike(tiny_model(body, v=weights(4, 4, 1, 1), **scalars(k=0.3))).applied == {}
