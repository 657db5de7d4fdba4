"""The recognizer's tail in four dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from tests.converters.graph.tiny_onnx import operators, rewritten_alike, tiny_model, weights

LINES = ((1, 8), (1, 20))  # a text line at the end of the network: height 1
AXES = {"height": np.array([2], np.int64), "width": np.array([3], np.int64), "batch": np.array([0], np.int64)}
LAYER = "t = Transpose<perm=[0,2,1]>(s) p = MatMul(t, w) a = Add(p, b)"
WEIGHTS = {"w": weights(4, 5), "b": weights(5)}


@pytest.mark.parametrize(("there", "back"), [("0,2,3,1", "0,3,1,2"), ("0,2,1,3", "0,2,1,3")])
def test_a_transpose_and_its_inverse_go(there: str, back: str) -> None:
    body = f"t = Transpose<perm=[{there}]>(x) b = Transpose<perm=[{back}]>(t) y = Sigmoid(b)"
    rewritten = rewritten_alike(tiny_model(body))
    assert rewritten.applied == {"transpose-undone": 1}
    assert operators(rewritten) == ["Sigmoid"]


def test_a_transpose_applied_twice_stays_where_it_is_not_its_own_inverse() -> None:
    body = "t = Transpose<perm=[0,2,3,1]>(x) b = Transpose<perm=[0,2,3,1]>(t) y = Softmax(b)"
    assert rewritten_alike(tiny_model(body)).applied == {}


def test_a_squeeze_and_its_inverse_go() -> None:
    body = "s = Squeeze(x, height) u = Unsqueeze(s, height) y = Sigmoid(u)"
    rewritten = rewritten_alike(tiny_model(body, **AXES), sizes=LINES)
    assert rewritten.applied == {"squeeze-undone": 1}
    assert operators(rewritten) == ["Sigmoid"]


def test_a_squeeze_of_another_axis_than_the_height_stays() -> None:
    body = "s = Squeeze(x, width) u = Unsqueeze(s, width) y = Sigmoid(u)"
    assert rewritten_alike(tiny_model(body, **AXES), sizes=((8, 1), (20, 1))).applied == {}


def test_a_squeeze_and_an_unsqueeze_elsewhere_stay() -> None:
    body = "s = Squeeze(x, height) u = Unsqueeze(s, width) y = Sigmoid(u)"
    assert rewritten_alike(tiny_model(body, **AXES), sizes=LINES).applied == {}


@pytest.mark.parametrize("function", ["Relu(s)", "HardSwish(s)", "BatchNormalization(s, g, b, m, v)"])
def test_layers_run_in_four_dimensions(function: str) -> None:
    body = f"s = Squeeze(x, height) f = {function} u = Unsqueeze(f, height) y = Sigmoid(u)"
    norm = {
        "g": weights(4, seed=1),
        "b": weights(4, seed=2),
        "m": weights(4, seed=3),
        "v": np.float32([1, 2, 3, 4]),
    }
    model = tiny_model(body, **AXES, **(norm if "Batch" in function else {}))
    rewritten = rewritten_alike(model, sizes=LINES)
    operator = function.partition("(")[0]
    assert rewritten.applied == {f"squeeze-after-{operator}": 1, "squeeze-undone": 1}
    assert operators(rewritten) == sorted([operator, "Sigmoid"])


def test_linear_layers_are_1x1_convolutions_and_the_softmax_goes() -> None:
    body = f"s = Squeeze(x, height) {LAYER} q = MatMul(a, w2) c = Add(b2, q) y = Softmax<axis=2>(c)"
    model = tiny_model(body, **AXES, **WEIGHTS, w2=weights(5, 7), b2=weights(7))
    rewritten = rewritten_alike(model, sizes=LINES)
    assert rewritten.applied == {"linear-as-convolution": 2}
    assert rewritten.meaning == "ctc-logits"
    assert operators(rewritten) == ["Conv", "Conv"]
    output = rewritten.model.graph.output[0]
    assert output.name == "y"
    assert [d.dim_value for d in output.type.tensor_type.shape.dim] == [1, 7, 1, 8]


def test_a_linear_layer_may_have_no_bias() -> None:
    body = "s = Squeeze(x, height) t = Transpose<perm=[0,2,1]>(s) p = MatMul(t, w) y = Softmax(p)"
    rewritten = rewritten_alike(tiny_model(body, **AXES, w=weights(4, 5)), sizes=LINES)
    assert rewritten.applied == {"linear-as-convolution": 1}
    assert rewritten.meaning == "ctc-logits"


def test_a_linear_layer_over_time_stays() -> None:
    body = "s = Squeeze(x, height) p = MatMul(s, w) u = Unsqueeze(p, width) y = Sigmoid(u)"
    assert rewritten_alike(tiny_model(body, **AXES, w=weights(8, 5)), sizes=((1, 8),)).applied == {}


def test_a_bias_that_differs_between_frames_stays() -> None:
    body = f"s = Squeeze(x, height) {LAYER} u = Unsqueeze(a, width) y = Sigmoid(u)"
    model = tiny_model(body, **AXES, w=weights(4, 5), b=weights(8, 5))
    rewritten = rewritten_alike(model, sizes=((1, 8),))
    assert rewritten.applied == {"linear-as-convolution": 1}
    assert "Add" in operators(rewritten)
