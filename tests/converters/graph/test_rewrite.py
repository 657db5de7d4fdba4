"""What `rewrite` promises about any model."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from converters.errors import ConversionError
from converters.graph import OPSET, rewrite
from converters.graph.operators import assert_convertible
from tests.converters.graph.tiny_onnx import rewritten_alike, tiny_model, weights

CONV = "c = Conv<kernel_shape=[3,3], pads=[1,1,1,1]>(x, w) r = Relu(c)"
WEIGHTS = {"w": weights(6, 4, 3, 3)}
SHAPE = (1, 4, 8, 8)


def test_the_argument_stays_as_it_is_and_the_result_is_the_same_each_time() -> None:
    model = tiny_model(f"{CONV} a = Add(r, r) y = Sigmoid(a)", **WEIGHTS)
    before = model.SerializeToString(deterministic=True)
    first, second = rewrite(model, input_shape=SHAPE), rewrite(model, input_shape=SHAPE)
    assert model.SerializeToString(deterministic=True) == before
    assert first.model.SerializeToString(deterministic=True) == second.model.SerializeToString(deterministic=True)


@pytest.mark.parametrize("opset", [11, 14, 17])
def test_older_operators_are_raised_to_one_version(opset: int) -> None:
    axes = "<axes=[2,3]>(r)"
    rewritten = rewritten_alike(tiny_model(f"{CONV} m = ReduceMean{axes} y = Sigmoid(m)", opset=opset, **WEIGHTS))
    assert [entry.version for entry in rewritten.model.opset_import if entry.domain == ""] == [OPSET]


def test_sizes_that_the_graph_computes_become_constants() -> None:
    computed = "m = GlobalAveragePool(x) s = Shape(m) n = Gather(s, zero) o = Concat<axis=0>(n, rest)"
    body = f"{computed} f = Reshape(m, o) y = Softmax(f)"
    constants = {"zero": np.array([0], np.int64), "rest": np.array([-1], np.int64)}
    rewritten = rewritten_alike(tiny_model(body, **constants))
    assert [node.op_type for node in rewritten.model.graph.node] == ["ReduceMean", "Reshape", "Softmax"]
    assert rewritten.meaning == "class-probability"


def test_the_input_is_declared_in_the_shape_asked_for() -> None:
    rewritten = rewrite(tiny_model(f"{CONV} y = Sigmoid(r)", **WEIGHTS), input_shape=(1, 4, 16, 24))
    for value, shape in (
        (rewritten.model.graph.input[0], [1, 4, 16, 24]),
        (rewritten.model.graph.output[0], [1, 6, 16, 24]),
    ):
        assert [d.dim_value for d in value.type.tensor_type.shape.dim] == shape


def test_the_meaning_follows_from_the_end_of_the_graph() -> None:
    assert rewritten_alike(tiny_model(f"{CONV} y = Sigmoid(r)", **WEIGHTS)).meaning == "text-probability"
    flat = "m = ReduceMean<axes=[2,3], keepdims=0>(x) y = Softmax(m)"
    assert rewritten_alike(tiny_model(flat)).meaning == "class-probability"


def test_a_shape_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConversionError, match=r"input is \[1, 4, '\?', '\?'\], which \[1, 3, 8, 8\] does not fit"):
        rewrite(tiny_model(f"{CONV} y = Sigmoid(r)", **WEIGHTS), input_shape=(1, 3, 8, 8))


def test_weights_that_do_not_fit_their_operator_are_refused_in_a_sentence(caplog: pytest.LogCaptureFixture) -> None:
    model = tiny_model("c = Conv(x, w) y = Sigmoid(c)", **WEIGHTS)
    model.graph.initializer[0].dims[:] = [WEIGHTS["w"].size]
    with pytest.raises(ConversionError, match="operators and weights do not fit each other"):
        rewrite(model, input_shape=SHAPE)
    assert not caplog.records


def test_an_end_without_a_meaning_is_refused() -> None:
    with pytest.raises(ConversionError, match="ends in Relu, not in a sigmoid"):
        rewrite(tiny_model(CONV.replace("r =", "y ="), **WEIGHTS), input_shape=SHAPE)


@pytest.mark.parametrize(("domain", "named"), [("", "Wobble"), ("com.acme", r"com\.acme\.Wobble")])
def test_an_unknown_operator_is_named_with_its_node(domain: str, named: str) -> None:
    model = tiny_model(f"{CONV} y = Sigmoid(r)", **WEIGHTS)
    model.graph.node[1].op_type, model.graph.node[1].domain = "Wobble", domain
    model.graph.node[1].name = "wobble_7"
    model.opset_import.append(onnx.helper.make_opsetid("com.acme", 1))
    with pytest.raises(ConversionError, match=f"the node wobble_7 is the operator {named}, which ONNX does not have"):
        rewrite(model, input_shape=SHAPE)


def test_an_unknown_operator_inside_another_is_found_too() -> None:
    model = tiny_model(f"{CONV} y = Sigmoid(r)", **WEIGHTS)
    branch = onnx.helper.make_graph([onnx.helper.make_node("Wobble", ["r"], ["inner"])], "branch", [], [])
    model.graph.node.append(onnx.helper.make_node("If", ["r"], ["z"], then_branch=branch, else_branch=branch))
    with pytest.raises(ConversionError, match="the node inner is the operator Wobble"):
        rewrite(model, input_shape=SHAPE)


def test_what_tflite_has_no_form_for_is_named_with_its_node() -> None:
    model = tiny_model(f"{CONV} s = Asin(r) y = Sigmoid(s)", **WEIGHTS)
    model.graph.node[2].name = "Asin.4"
    rewritten = rewrite(model, input_shape=SHAPE)
    with pytest.raises(ConversionError, match=r"the node Asin\.4 is the operator Asin, which has no form in TFLite"):
        assert_convertible(rewritten.model)
    assert_convertible(rewrite(tiny_model(f"{CONV} y = Sigmoid(r)", **WEIGHTS), input_shape=SHAPE).model)


@pytest.mark.parametrize("free", [-1, "?"])
def test_sides_of_which_the_model_says_that_it_does_not_know_them_fit_any_shape(free: int | str) -> None:
    model = tiny_model(f"{CONV} y = Sigmoid(r)", **WEIGHTS)
    for side in (0, 2, 3):
        dimension = model.graph.input[0].type.tensor_type.shape.dim[side]
        dimension.Clear()
        if isinstance(free, int):
            dimension.dim_value = free
        else:
            dimension.dim_param = free
    assert rewritten_alike(model).meaning == "text-probability"


def test_constants_that_are_declared_as_inputs_too_are_no_inputs() -> None:
    model = tiny_model(f"{CONV} y = Sigmoid(r)", **WEIGHTS)
    model.graph.input.append(onnx.helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, [6, 4, 3, 3]))
    assert [value.name for value in rewrite(model, input_shape=SHAPE).model.graph.input] == ["x"]


def test_a_second_input_is_refused() -> None:
    model = tiny_model(f"{CONV} y = Sigmoid(r)", **WEIGHTS)
    model.graph.input.append(onnx.helper.make_tensor_value_info("mask", onnx.TensorProto.FLOAT, [1]))
    with pytest.raises(ConversionError, match=r"has 2 inputs \(x, mask\)"):
        rewrite(model, input_shape=SHAPE)


def test_a_second_output_is_refused() -> None:
    model = tiny_model(f"{CONV} y = Sigmoid(r)", **WEIGHTS)
    model.graph.output.append(onnx.helper.make_tensor_value_info("r", onnx.TensorProto.FLOAT, None))
    with pytest.raises(ConversionError, match=r"has 2 outputs \(y, r\)"):
        rewrite(model, input_shape=SHAPE)
