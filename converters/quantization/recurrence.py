"""int8 weights for recurrent layers, which ai-edge-quantizer leaves as they are.

TFLite's LSTM takes weights of int8 beside activations of float32 ("hybrid"): it brings each step and each state to int8
by a scale of its own, multiplies integers, and keeps gates and cells in float32. One scale serves a whole matrix.
Source: TensorFlow Lite, kernels/lstm_eval.cc, `EvalHybrid`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from converters.errors import ConversionError
from converters.graph.recurrence import LSTM
from converters.quantization.int8 import LARGEST
from converters.tflite.graph import NO_TENSOR, TFLiteGraph
from converters.tflite.recurrence import CLOSED, most_open_gate

FloatArray = npt.NDArray[np.float32]

_LAYER = "BIDIRECTIONAL_SEQUENCE_LSTM"
_READINGS = (slice(1, 18), slice(18, 35))
"""Inputs of the operator that are the weights of the reading from the start, and of that from the end."""
_GATES = 4


def quantise_recurrence(content: bytes) -> bytes:
    """Make the weights of all recurrent layers int8.

    Args:
        content: a TFLite file whose recurrent layers, if any, `converters.tflite.recurrence.attach` made.

    Returns:
        The same graph with smaller weights; `content` itself where nothing is recurrent.

    Raises:
        ConversionError: with int8 weights, or as the recipe has treated the steps around it, a layer would no longer
            forget the line before.
    """
    graph = TFLiteGraph(content)
    layers = [operator for operator in graph.operators if graph.kind(operator) == _LAYER]
    if not layers:
        return content
    for layer in layers:
        layer.inputs = [_as_int8(graph, index) if _is_matrix(graph, index) else index for index in layer.inputs]
        for reading, step in zip(_READINGS, _closing_steps(graph, layer), strict=True):
            _check_forgets(_dequantised(graph, layer.inputs[reading]), step)
    graph.drop_unused()
    return graph.to_bytes()


def _is_matrix(graph: TFLiteGraph, index: int) -> bool:
    return index != NO_TENSOR and graph.is_constant(index) and len(graph.shape(index)) == 2


def _as_int8(graph: TFLiteGraph, index: int) -> int:
    """A new tensor in place of float weights."""
    levels, scale = _levels(graph.constant(index))
    quantised = graph.add_constant(levels, like=index)
    parameters = schema.QuantizationParametersT()
    parameters.scale, parameters.zeroPoint = np.array([scale], np.float32), np.zeros(1, np.int64)
    graph.tensor(quantised).quantization = parameters
    return quantised


def _levels(values: FloatArray) -> tuple[npt.NDArray[np.int8], float]:
    """int8 numbers, and what one of them stands for."""
    scale = float(np.abs(values).max()) / LARGEST or 1.0
    return np.round(values / scale).astype(np.int8), scale


def _closing_steps(graph: TFLiteGraph, layer: schema.OperatorT) -> tuple[FloatArray, FloatArray]:
    """What is put before and behind the sequence that `layer` reads."""
    producers = graph.producers()
    surrounded = producers[producers[layer.inputs[0]].inputs[0]]
    if graph.kind(surrounded) != "CONCATENATION" or not graph.is_float(surrounded.outputs[0]):
        raise ConversionError(
            "the recipe makes what a recurrent layer reads int8, the steps around it included that let it forget the "
            "line before; leave CONCATENATION and RESHAPE out of the recognizer's operators"
        )
    before, _, behind = surrounded.inputs
    return graph.constant(before).ravel(), graph.constant(behind).ravel()


def _dequantised(graph: TFLiteGraph, weights: list[int]) -> LSTM:
    """A reading as the hybrid kernel sees it."""
    arrays = []
    for index in weights:
        if index != NO_TENSOR:
            values = graph.constant(index)
            arrays.append(values if graph.is_float(index) else values * graph.tensor(index).quantization.scale[0])
    return LSTM(*(np.stack(arrays[first : first + _GATES]) for first in range(0, len(arrays), _GATES)))


def _check_forgets(reading: LSTM, step: FloatArray) -> None:
    levels, scale = _levels(step)
    if most_open_gate(reading, levels * np.float32(scale)) > CLOSED:
        raise ConversionError(
            "with int8 weights, a recurrent layer would carry its states from one line into the next; "
            "choose a recipe that keeps the recognizer float"
        )
