"""Activations as TFLite's own operators."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.converters.graph.tiny_onnx import operators, rewritten_alike, scalars, tiny_model, weights

NUMBERS = scalars(three=3, zero=0, six=6, sixth=1 / 6, one=1, half=0.5, root=math.sqrt(2), two=2)
CLIPPED = "a = Add(x, three) c = Clip(a, zero, six)"


def test_gelu_is_one_operator() -> None:
    body = "d = Div(x, root) e = Erf(d) a = Add(e, one) m = Mul(x, a) g = Mul(m, half) y = Sigmoid(g)"
    rewritten = rewritten_alike(tiny_model(body, **NUMBERS))
    assert rewritten.applied == {"gelu-from-erf": 1}
    assert operators(rewritten) == ["Gelu", "Sigmoid"]


@pytest.mark.parametrize(("root", "factor"), [("two", "half"), ("root", "two")])
def test_another_erf_is_no_gelu(root: str, factor: str) -> None:
    body = f"d = Div(x, {root}) e = Erf(d) a = Add(e, one) m = Mul(x, a) g = Mul(m, {factor}) y = Sigmoid(g)"
    assert rewritten_alike(tiny_model(body, **NUMBERS)).applied == {}


@pytest.mark.parametrize(
    "tail",
    ["m = Mul(x, c) h = Div(m, six)", "m = Mul(c, x) h = Mul(m, sixth)", "d = Div(c, six) h = Mul(x, d)"],
)
def test_hard_swish_is_one_operator_wherever_it_divides(tail: str) -> None:
    rewritten = rewritten_alike(tiny_model(f"{CLIPPED} {tail} y = Sigmoid(h)", **NUMBERS))
    assert rewritten.applied == {"hard-swish-from-clip": 1}
    assert operators(rewritten) == ["HardSwish", "Sigmoid"]


@pytest.mark.parametrize("tail", ["m = Mul(x, c) h = Div(m, three)", "m = Mul(a, c) h = Div(m, six)"])
def test_another_clip_is_no_hard_swish(tail: str) -> None:
    assert rewritten_alike(tiny_model(f"{CLIPPED} {tail} y = Sigmoid(h)", **NUMBERS)).applied == {}


def test_a_number_gated_by_its_own_hard_sigmoid_is_a_hard_swish() -> None:
    body = "g = HardSigmoid<alpha=0.16666667, beta=0.5>(x) h = Mul(g, x) y = Sigmoid(h)"
    assert rewritten_alike(tiny_model(body)).applied == {"hard-swish-from-hard-sigmoid": 1}


def test_a_hard_sigmoid_of_another_slope_is_no_hard_swish() -> None:
    body = "g = HardSigmoid<alpha=0.2, beta=0.5>(x) h = Mul(g, x) y = Sigmoid(h)"
    assert rewritten_alike(tiny_model(body)).applied == {}


@pytest.mark.parametrize("attributes", ["<alpha=0.16666667, beta=0.5>", ""], ids=["given", "ONNX's defaults"])
def test_a_hard_sigmoid_behind_a_convolution_is_relu6_and_a_factor(attributes: str) -> None:
    body = f"c = Conv<kernel_shape=[3,3]>(x, w, b) h = HardSigmoid{attributes}(c) y = Sigmoid(h)"
    steep = weights(6, 4, 3, 3) * np.float32(5)  # so that both ends of the hard sigmoid are reached
    rewritten = rewritten_alike(tiny_model(body, w=steep, b=weights(6)))
    assert rewritten.applied == {"hard-sigmoid-as-relu6": 1}
    assert operators(rewritten) == ["Clip", "Conv", "Mul", "Sigmoid"]


def test_a_hard_sigmoid_stays_where_the_convolution_has_another_reader() -> None:
    body = "c = Conv<kernel_shape=[3,3]>(x, w) h = HardSigmoid(c) a = Add(c, h) y = Sigmoid(a)"
    assert rewritten_alike(tiny_model(body, w=weights(6, 4, 3, 3))).applied == {}
