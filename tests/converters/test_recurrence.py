"""Recurrent layers in TFLite: any width, every line from the start, int8 weights - held against onnxruntime."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter

from converters.environments import worker
from converters.errors import ConversionError
from converters.graph import rewrite
from converters.graph.recurrence import Recurrence
from converters.paddle import to_onnx
from converters.progress import Progress
from converters.quantization import recurrence as int8_recurrence
from converters.quantization.recipes import ModelRecipe
from converters.quantization.recurrence import quantise_recurrence
from converters.quantization.static import quantise
from converters.tflite import recurrence as tflite_recurrence
from converters.tflite import to_float
from converters.tflite.compact import compact
from converters.tflite.graph import TFLiteGraph
from converters.tflite.half_precision import allow_half_precision
from converters.tflite.inspection import Delegation, assert_one_partition, delegation
from converters.tflite.integer_boundary import take_and_give_integers
from converters.tflite.interpreters import known_interpreters, min_runtime
from converters.tflite.recurrence import attach, closing_step, most_open_gate
from converters.tflite.resizable import make_resizable
from converters.zoo import load_zoo
from edge_ocr.engines import open_engine
from edge_ocr.errors import EngineError
from tests.converters.graph.tiny_onnx import run, softmax
from tests.converters.tiny_recognizer import CHANNELS, COLOURS, FEATURES, tiny_recognizer
from tests.converters.tiny_tflite import TinyModel

WIDTHS = (8, 33, 1, 20, 8)
STATIC = ModelRecipe("static", ("CONV_2D", "MEAN"), samples=3, equalisation=0.5)
RECURRENT = "BIDIRECTIONAL_SEQUENCE_LSTM"


def lines(widths: tuple[int, ...] = WIDTHS, height: int = 1) -> list[np.ndarray]:
    """Noise as lines of these widths, (1, height, W, 3)."""
    random = np.random.default_rng(5)
    return [random.standard_normal((1, height, width, COLOURS)).astype(np.float32) for width in widths]


def recurrence_of(source: onnx.ModelProto) -> Recurrence:
    """What follows the convolution of a tiny recognizer."""
    found = rewrite(source, input_shape=(1, COLOURS, 1, 8)).recurrence
    assert found is not None
    return found


def attached(recurrence: Recurrence) -> bytes:
    """A tiny recognizer as float TFLite."""
    return attach(make_resizable(convolution(), (2,)), recurrence)


def convolution(*, reversed_rows: bool = False) -> bytes:
    """What the layers of a tiny recognizer read; on request, out of an operator that XNNPACK does not know."""
    model = TinyModel(1, 1, 8, COLOURS)
    features = model.conv(model.input, FEATURES["kernel"].transpose(0, 2, 3, 1), FEATURES["offset"])
    if reversed_rows:
        features = model.add("REVERSE_V2", [features, model.constant([1], np.int32)], [1, 1, 8, CHANNELS])
    return model.to_bytes(features)


@pytest.fixture(scope="module")
def source() -> onnx.ModelProto:
    """The tiny recognizer."""
    return tiny_recognizer()


@pytest.fixture(scope="module")
def content(source: onnx.ModelProto) -> bytes:
    """It as float TFLite."""
    return attached(recurrence_of(source))


def read(content: bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Logits (1, T, C) of one line after another, by one interpreter."""
    network = open_engine("ai-edge-litert").load(content, name="recognizer")
    outputs = []
    for tensor in inputs:

        def fill(view: np.ndarray, tensor: np.ndarray = tensor) -> None:
            view[...] = tensor

        outputs.append(network.run(tensor.shape, fill, lambda view: view)[:, 0])
    return outputs


def forgets(content: bytes, inputs: list[np.ndarray]) -> bool:
    """Whether each line is read alike, bit by bit, after other lines than the first time."""
    readings = read(content, [*inputs, *reversed(inputs)])
    return all(np.array_equal(one, other) for one, other in zip(readings, reversed(readings), strict=True))


def largest_difference(content: bytes, source: onnx.ModelProto, inputs: list[np.ndarray]) -> float:
    """Of probabilities, between a TFLite file and onnxruntime."""
    expected = [run(source, tensor.transpose(0, 3, 1, 2)) for tensor in inputs]
    found = [softmax(logits) for logits in read(content, inputs)]
    return max(float(np.abs(a - b).max()) for a, b in zip(found, expected, strict=True))


def test_lines_of_any_width_are_read_as_by_onnxruntime(content: bytes, source: onnx.ModelProto) -> None:
    assert largest_difference(content, source, lines()) < 1e-6


def test_a_line_is_read_alike_whatever_was_read_before_it(
    content: bytes, source: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert forgets(content, lines())
    # It is the steps around the sequence that see to it, not chance.
    monkeypatch.setattr(tflite_recurrence, "closing_step", lambda reading: np.zeros(reading.channels, np.float32))
    assert not forgets(attached(recurrence_of(source)), lines())


def test_a_step_that_closes_the_gates_closes_them_for_any_state(source: onnx.ModelProto) -> None:
    reading = recurrence_of(source).layers[0].forward
    step = closing_step(reading)
    assert most_open_gate(reading, step) < -35
    np.testing.assert_array_equal(step, step.astype(np.float16))  # as a CPU that computes in it has it
    for seed in range(50):
        state = np.random.default_rng(seed).choice([-1.0, 1.0], reading.units)
        gates = reading.input_weights[:2] @ step + reading.recurrent_weights[:2] @ state + reading.bias[:2]
        assert gates.max() <= most_open_gate(reading, step) + 1e-4


@pytest.mark.parametrize("strength", [0.0, 1e-6])
def test_a_layer_whose_gates_no_input_closes_is_refused(source: onnx.ModelProto, strength: float) -> None:
    recurrence = recurrence_of(source)
    first, second = recurrence.layers
    deaf = replace(first.backward, input_weights=strength * first.backward.input_weights)
    with pytest.raises(ConversionError, match=r"no input closes .* would leak from one line into the next; give"):
        attached(replace(recurrence, layers=(replace(first, backward=deaf), second)))


def test_a_batch_of_two_lines_is_refused(content: bytes) -> None:
    with pytest.raises(EngineError, match=r"takes inputs of 1 x 1 x any x 3, not \(2, 1, 8, 3\)"):
        read(content, [np.zeros((2, 1, 8, COLOURS), np.float32)])
    interpreter = Interpreter(model_content=content)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], (2, 1, 8, COLOURS))
    with pytest.raises(RuntimeError):
        interpreter.allocate_tensors()


def test_xnnpack_leaves_nothing_but_the_recurrent_layers_outside(content: bytes, source: onnx.ModelProto) -> None:
    assert delegation(content) == Delegation(3, {RECURRENT: 2})
    assert_one_partition(content, "the recognizer")
    with pytest.raises(ConversionError, match=r"in 4 pieces and leaves REVERSE_V2 outside instead of at most 3; "):
        assert_one_partition(attach(convolution(reversed_rows=True), recurrence_of(source)), "the recognizer")


def test_every_interpreter_that_reads_right_has_the_layer(content: bytes) -> None:
    assert min_runtime([quantise_recurrence(content)], known_interpreters()).keys() == {
        interpreter.package for interpreter in known_interpreters() if interpreter.reads_right
    }


def test_int8_weights_are_a_quarter_and_forget_as_well(content: bytes, source: onnx.ModelProto) -> None:
    smaller = quantise_recurrence(content)
    graph = TFLiteGraph(smaller)
    types = [
        {graph.constant(index).dtype.name for index in operator.inputs if index >= 0 and graph.is_constant(index)}
        for operator in graph.operators
        if graph.kind(operator) == RECURRENT
    ]
    assert types == [{"int8", "float32"}] * 2  # weights and biases
    assert 1e-4 < largest_difference(smaller, source, lines()) < 0.05
    assert forgets(smaller, lines())


def test_int8_weights_that_no_longer_close_the_gates_are_refused(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(int8_recurrence, "CLOSED", -1000.0)
    with pytest.raises(ConversionError, match="would carry its states from one line into the next; choose a recipe"):
        quantise_recurrence(content)


def test_a_model_without_recurrent_layers_stays_as_it_is() -> None:
    whole = convolution()
    assert quantise_recurrence(whole) is whole


@pytest.mark.conversion
@pytest.mark.parametrize("recipe", [ModelRecipe("weights", ("CONV_2D",)), STATIC], ids=lambda recipe: recipe.mode)
def test_all_that_makes_a_model_small_leaves_it_forgetful(
    content: bytes, source: onnx.ModelProto, recipe: ModelRecipe
) -> None:
    quantised = quantise(content, recipe, lines((8, 20, 33)))
    assert largest_difference(quantised, source, lines()) < 0.1
    small = allow_half_precision(compact(quantised))
    assert all(np.array_equal(a, b) for a, b in zip(read(small, lines()), read(quantised, lines()), strict=True))
    assert forgets(small, lines())
    assert_one_partition(take_and_give_integers(small), "the recognizer")


@pytest.mark.conversion
def test_a_recipe_that_makes_the_steps_around_a_sequence_int8_is_refused(content: bytes) -> None:
    recipe = replace(STATIC, operators=("CONV_2D", "CONCATENATION"))
    with pytest.raises(ConversionError, match="leave CONCATENATION and RESHAPE out of the recognizer's operators"):
        quantise(content, recipe, lines((8, 20, 33)))


@pytest.mark.conversion
def test_a_published_recognizer_reads_as_by_onnxruntime(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data.parent / "weights" / "en_number_mobile_v2.0_rec_infer"
    published = to_onnx(folder / "inference.pdmodel", folder / "inference.pdiparams", Progress()).onnx
    with worker("onnx2tf", progress=Progress()) as onnx2tf:
        converted = to_float(load_zoo().model("en-number-mobile-v2.0-rec"), published, onnx2tf, tmp_path)
    inputs = lines((320, 20, 1280, 321), height=32)
    assert converted.meaning == "ctc-logits"
    assert largest_difference(converted.content, onnx.load(published), inputs) < 1e-4
    assert forgets(converted.content, inputs)
