"""The runtime's look at a model file knows recurrent layers: ours pass, and each kind of harm to one is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from converters.quantization.recurrence import quantise_recurrence
from edge_ocr.engines.tflite_file import check_model
from edge_ocr.errors import EngineError
from tests.converters.test_recurrence import attached, recurrence_of
from tests.converters.tiny_recognizer import tiny_recognizer
from tests.edge_ocr.test_tflite_file import changed, constant, first, set_option

LSTM, SLICE = "BIDIRECTIONAL_SEQUENCE_LSTM", "STRIDED_SLICE"
MISFIT = "does not fit the shapes, types or options"
STATES = range(35, 39)


@pytest.fixture(scope="module")
def content() -> bytes:
    return attached(recurrence_of(tiny_recognizer()))


def test_a_recurrent_model_passes_with_weights_of_either_type(content: bytes) -> None:
    check_model(content)
    check_model(quantise_recurrence(content))


def set_input(place: int, tensor: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        operator = first(model, LSTM)
        operator.inputs = [tensor if at == place else index for at, index in enumerate(operator.inputs)]

    return change


def repeat_state(model: Any) -> None:
    operator = first(model, LSTM)
    set_input(STATES[1], operator.inputs[STATES[0]])(model)


def read_state(model: Any) -> None:
    set_input(0, first(model, LSTM).inputs[STATES[0]])(model)


def share_states(model: Any) -> None:
    """Of the first layer with the second, which is as wide."""
    graph, layer = model.subgraphs[0], first(model, LSTM)
    other = next(each for each in graph.operators if each is not layer and each.opcodeIndex == layer.opcodeIndex)
    other.inputs = [*other.inputs[: STATES[0]], *layer.inputs[STATES[0] : STATES[-1] + 1], *other.inputs[39:]]


def read_state_before(model: Any) -> None:
    """By the operator in front of the layer."""
    graph, layer = model.subgraphs[0], first(model, LSTM)
    before = next(each for each in graph.operators if list(each.outputs) == [layer.inputs[0]])
    before.inputs = [layer.inputs[STATES[0]], *before.inputs[1:]]


def constant_state(model: Any) -> None:
    graph, operator = model.subgraphs[0], first(model, LSTM)
    graph.tensors[operator.inputs[12]].isVariable = True


def write_state(model: Any) -> None:
    operator = first(model, LSTM)
    operator.outputs = [operator.inputs[STATES[0]]]


def give_state(model: Any) -> None:
    model.subgraphs[0].outputs = [first(model, LSTM).inputs[STATES[0]]]


def set_shape(place: int, shape: list[int]) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[first(model, LSTM).inputs[place]]
        tensor.shape, tensor.shapeSignature = shape, None

    return change


def set_slice(place: int, values: list[int]) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        buffer = constant(model, first(model, SLICE).inputs[place])
        buffer.data = np.frombuffer(np.array(values, np.int32).tobytes(), np.uint8)

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (set_input(STATES[0], 0), "for a state, which it is not"),
        (set_input(STATES[0], -1), "for a state, which it is not"),
        (set_input(STATES[0], 9999), "for a state, which it is not"),
        (repeat_state, "for a state, which it is not"),
        (share_states, "for a state, which it is not"),
        (read_state, "before it is there"),
        (read_state_before, "before it is there"),
        (constant_state, "a state that is a constant"),
        (write_state, "which is taken"),
        (give_state, "its input or output is a state"),
        (set_input(9, 0), "where nothing belongs"),
        (set_input(40, 0), "where nothing belongs"),
        (set_input(1, -1), "before it is there"),
        (set_shape(STATES[0], [1, 5]), MISFIT),
        (set_shape(STATES[0], [2, 4]), MISFIT),
        (set_option(LSTM, "timeMajor", True), MISFIT),
        (set_option(LSTM, "mergeOutputs", False), MISFIT),
        (set_option(LSTM, "asymmetricQuantizeInputs", True), MISFIT),
        (set_option(LSTM, "fusedActivationFunction", 1), MISFIT),
        (set_option(LSTM, "cellClip", 1.0), MISFIT),
        (set_slice(1, [0, 0, 99, 0]), MISFIT),
        (set_slice(1, [0, 0, -99, 0]), MISFIT),
        (set_slice(2, [0, 0, 0, 0]), MISFIT),
        (set_slice(2, [0, 0, 99, 0]), MISFIT),
        (set_slice(3, [1, 1, 0, 1]), MISFIT),
        (set_option(SLICE, "ellipsisMask", 1), MISFIT),
        (set_option(SLICE, "offset", True), MISFIT),
    ],
)
def test_harm_is_refused_by_name(content: bytes, change: Callable[[Any], None], sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        check_model(changed(content, change))


def test_weights_of_two_types_are_refused(content: bytes) -> None:
    """The kernel looks at the type of one of them only."""

    def one_float(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[first(model, LSTM).inputs[2]]
        buffer = model.buffers[tensor.buffer]
        values = np.frombuffer(bytes(buffer.data), np.int8).astype(np.float32)
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        tensor.type, tensor.quantization = 0, None

    with pytest.raises(EngineError, match=MISFIT):
        check_model(changed(quantise_recurrence(content), one_float))
