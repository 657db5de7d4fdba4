"""Bidirectional LSTMs behind a recognizer's convolutions, as TFLite's fused operator, which here forgets every line.

BIDIRECTIONAL_SEQUENCE_LSTM runs a layer over a line of any width. But it keeps its states in variables of the
interpreter, so that a line would begin with what the line before it has left, and be read wrong without a word. To
reset variables is the caller's affair, and not every runtime offers it; so the graph sees to it. One step is put before
the sequence, for the reading from its start, and one behind it, for the reading from its end. What they hold closes all
input and forget gates: whatever the states were, they come out as zero, where the layer is meant to start. The results
of both steps are cut off again.

Sources of the operator: TensorFlow Lite, kernels/bidirectional_sequence_lstm.cc and kernels/lstm_eval.cc.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from scipy.optimize import linprog

from converters.errors import ConversionError
from converters.graph.recurrence import LSTM, BidirectionalLSTM, Linear, Recurrence
from converters.tflite.graph import NO_TENSOR, TFLiteGraph
from converters.tflite.resizable import ANY

FloatArray = npt.NDArray[np.float32]

CLOSED = -25.0
"""At most this before its sigmoid, a gate lets 1e-11 through: of a cell, which no line brings above its few hundred
steps, less than float32 rounds off a number about one."""
_AIM = -40.0
"""What steps are made for, so that rounding their numbers and the weights leaves the gates closed."""

_LSTM_VERSION = 2
"""The first that takes sequences with the batch before the time."""
_ALL_BUT_TIME = 0b1011
"""Axes of (1, 1, T, C) that a slice takes whole, the first one in the lowest bit."""


def attach(content: bytes, recurrence: Recurrence) -> bytes:
    """Let recurrent layers and their linear head follow a model.

    Args:
        content: a float TFLite file whose output is (1, 1, T, C), of any T.
        recurrence: of layers that read those C channels.

    Returns:
        A float TFLite file that gives (1, 1, T, O), O of the head's last layer. Each call starts from states of zero,
        and a batch other than 1 is refused by the interpreter.

    Raises:
        ConversionError: no step closes the gates of a layer.
    """
    steps = [(closing_step(layer.forward), closing_step(layer.backward)) for layer in recurrence.layers]
    tail = _Tail(content)
    for layer, (before, behind) in zip(recurrence.layers, steps, strict=True):
        tail.surround(before, behind)
        tail.read_both_ways(layer)
        tail.cut_both_ends()
    for linear in recurrence.head:
        tail.convolve(linear)
    return tail.to_bytes()


def closing_step(lstm: LSTM) -> FloatArray:
    """The input (C,) of one step after which a layer's states are zero, whatever they were.

    An input gate that is closed takes nothing in, a closed forget gate drops the cell, and with the cell the output is
    zero. The gates are linear in the step, and the states that they also depend on lie between -1 and 1, so the step
    whose largest number is smallest is found by linear programming. It consists of numbers that half precision holds,
    in which a CPU may be left to compute.

    Raises:
        ConversionError: there is none.
    """
    weights, rest = _of_closing_gates(lstm)
    gates, channels = weights.shape
    # Variables: the step, and a bound on the magnitude of its numbers, which is to be least.
    bound = -np.ones((channels, 1))
    solution = linprog(
        np.append(np.zeros(channels), 1.0),
        A_ub=np.block([[weights, np.zeros((gates, 1))], [np.eye(channels), bound], [-np.eye(channels), bound]]),
        b_ub=np.concatenate([_AIM - rest, np.zeros(2 * channels)]),
        bounds=[(None, None)] * channels + [(0, float(np.finfo(np.float16).max))],
    )
    step = None if solution.x is None else solution.x[:channels].astype(np.float16).astype(np.float32)
    if step is None or most_open_gate(lstm, step) > CLOSED:
        raise ConversionError(
            "no input closes all input and forget gates of a recurrent layer, so its states would leak from one line "
            "into the next; give a recognizer whose gates depend more on what they read"
        )
    return step


def most_open_gate(lstm: LSTM, step: FloatArray) -> float:
    """The highest that any states bring any input or forget gate to, before its sigmoid, when `step` (C,) is read."""
    weights, rest = _of_closing_gates(lstm)
    return float(np.max(weights @ step + rest))


def _of_closing_gates(lstm: LSTM) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Of the input and forget gates: weights (2 H, C) on the step, and the most (2 H,) that all else adds."""
    gates = slice(2)
    weights = lstm.input_weights[gates].astype(np.float64)
    rest = lstm.bias[gates] + np.abs(lstm.recurrent_weights[gates].astype(np.float64)).sum(-1)
    return weights.reshape(-1, lstm.channels), rest.ravel()


class _Tail:
    """A TFLite graph that layers on (1, 1, T, C) are appended to; each reads what the last one gave."""

    def __init__(self, content: bytes) -> None:
        self._graph = TFLiteGraph(content)
        self._end = int(self._graph.subgraph.outputs[0])

    @property
    def _size(self) -> tuple[int, int]:
        """T and C, the time for the one width that the file names."""
        _, _, time, channels = self._graph.shape(self._end)
        return time, channels

    def surround(self, before: FloatArray, behind: FloatArray) -> None:
        """One step more at each end; there is one line of them, so that a second one in a batch does not fit."""
        time, channels = self._size
        first, last = (self._weights(step.reshape(1, 1, 1, channels)) for step in (before, behind))
        options = schema.ConcatenationOptionsT()
        options.axis = 2
        self._append("CONCATENATION", [first, self._end, last], (1, 1, time + 2, channels), options)

    def cut_both_ends(self) -> None:
        """One step less at each end."""
        time, channels = self._size
        options = schema.StridedSliceOptionsT()
        options.beginMask = options.endMask = _ALL_BUT_TIME
        span = [self._constant(places) for places in ([0, 0, 1, 0], [0, 0, -1, 0], [1, 1, 1, 1])]
        self._append("STRIDED_SLICE", [self._end, *span], (1, 1, time - 2, channels), options)

    def read_both_ways(self, layer: BidirectionalLSTM) -> None:
        """The layer: C to 2 H channels; without the height, which it does not know."""
        time, channels = self._size
        readings = (layer.forward, layer.backward)
        results = sum(reading.units for reading in readings)
        self._reshape([1, ANY, channels], (1, time, channels))
        options = schema.BidirectionalSequenceLSTMOptionsT()
        options.fusedActivationFunction = schema.ActivationFunctionType.TANH
        options.mergeOutputs, options.timeMajor = True, False
        peepholes, projection, auxiliary = [NO_TENSOR] * 3, [NO_TENSOR] * 2, [NO_TENSOR] * 9
        inputs = [self._end]
        for reading in readings:
            inputs += map(self._weights, reading.input_weights)
            inputs += map(self._weights, reading.recurrent_weights)
            inputs += [*peepholes, *map(self._weights, reading.bias), *projection]
        # The output and the cell of either reading.
        inputs += [self._state(reading.units) for reading in readings for _ in range(2)]
        inputs += auxiliary
        self._append("BIDIRECTIONAL_SEQUENCE_LSTM", inputs, (1, time, results), options, _LSTM_VERSION)
        self._reshape([1, 1, ANY, results], (1, 1, time, results))

    def convolve(self, linear: Linear) -> None:
        """A linear layer at each step."""
        time, channels = self._size
        outputs = len(linear.bias)
        options = schema.Conv2DOptionsT()
        options.padding = schema.Padding.VALID
        options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
        inputs = [self._end, self._weights(linear.weights.reshape(outputs, 1, 1, channels)), self._weights(linear.bias)]
        self._append("CONV_2D", inputs, (1, 1, time, outputs), options)

    def to_bytes(self) -> bytes:
        """The graph, which now gives what the last operator gives."""
        self._graph.subgraph.outputs = np.array([self._end], np.int32)
        self._graph.drop_unused()
        return self._graph.to_bytes()

    def _reshape(self, target: list[int], shape: tuple[int, ...]) -> None:
        self._append("RESHAPE", [self._end, self._constant(target)], shape)

    def _append(
        self,
        name: str,
        inputs: list[int],
        shape: tuple[int, ...],
        options: object | None = None,
        version: int = 1,
    ) -> None:
        operator = schema.OperatorT()
        operator.opcodeIndex = self._graph.operator_code(getattr(schema.BuiltinOperator, name), version)
        operator.inputs, operator.outputs = inputs, [self._graph.add_tensor(shape, like=self._end)]
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self._graph.operators.append(operator)
        self._end = operator.outputs[0]

    def _weights(self, values: FloatArray) -> int:
        return self._graph.add_constant(values, like=self._end)

    def _constant(self, values: list[int]) -> int:
        return self._graph.add_constant(np.array(values, np.int32), like=self._end)

    def _state(self, units: int) -> int:
        """A variable (1, H), which begins as zeros."""
        state = self._graph.add_tensor((1, units), like=self._end)
        self._graph.tensor(state).isVariable = True
        return state
