"""Squeeze-and-excitation gates."""

from __future__ import annotations

import pytest

from tests.converters.graph.tiny_onnx import operators, rewritten_alike, tiny_model, weights

GATE = "c = Conv<kernel_shape=[1,1]>(p, w) g = Sigmoid(c) m = Mul(f, g)"
WEIGHTS = {"w": weights(4, 4, 1, 1)}


def test_global_pooling_is_a_mean() -> None:
    rewritten = rewritten_alike(tiny_model("p = GlobalAveragePool(x) y = Sigmoid(p)"))
    assert rewritten.applied == {"pool-as-mean": 1}
    assert operators(rewritten) == ["ReduceMean", "Sigmoid"]


def test_a_residual_sum_moves_into_the_gate() -> None:
    body = f"f = Abs(x) p = ReduceMean<axes=[2,3]>(f) {GATE} a = Add(f, m) y = Sigmoid(a)"
    assert rewritten_alike(tiny_model(body, **WEIGHTS)).applied == {"residual-into-gate": 1}


def test_a_product_of_two_maps_keeps_its_residual_sum() -> None:
    body = f"f = Abs(x) p = Neg(f) {GATE} a = Add(f, m) y = Sigmoid(a)"
    assert rewritten_alike(tiny_model(body, **WEIGHTS)).applied == {}


def test_a_sum_with_another_map_stays() -> None:
    body = f"f = Abs(x) p = ReduceMean<axes=[2,3]>(f) {GATE} a = Add(x, m) y = Sigmoid(a)"
    assert rewritten_alike(tiny_model(body, **WEIGHTS)).applied == {}


@pytest.mark.parametrize("activation", ["Relu", "HardSwish"])
def test_an_activation_in_front_of_a_gate_works_on_channels_last(activation: str) -> None:
    body = f"f = {activation}(x) p = ReduceMean<axes=[2,3]>(f) {GATE} y = Sigmoid(m)"
    rewritten = rewritten_alike(tiny_model(body, **WEIGHTS))
    assert rewritten.applied == {"gated-activation-channels-last": 1}
    assert operators(rewritten).count("Transpose") == 2


def test_an_activation_without_a_gate_stays_as_it_is() -> None:
    body = "f = Relu(x) p = ReduceMean<axes=[2,3]>(f) y = Sigmoid(p)"
    assert rewritten_alike(tiny_model(body)).applied == {}
