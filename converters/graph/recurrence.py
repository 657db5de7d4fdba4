"""Where a recognizer's recurrent layers begin: the convolutions before them, and the layers as data.

The recognizers of PP-OCR and PP-OCRv2 are a CRNN (Shi et al., "An end-to-end trainable neural network for image-based
sequence recognition", 2015): convolutions, bidirectional LSTMs over the columns, a linear layer. The convolutions go
the way of every other model; an LSTM has to be built for TFLite by hand, because what onnx2tf makes of it works at one
width and keeps its state from line to line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx_ir as ir
from onnx_ir.passes import common as passes

from converters.errors import ConversionError
from converters.graph.constants import constant
from converters.graph.convolution import Convolution
from converters.graph.outputs import end_with
from converters.graph.rules.recurrence import DOMAIN, LAYER

FloatArray = npt.NDArray[np.float32]

_INPUT_FORGET_CELL_OUTPUT = [0, 2, 3, 1]
"""TFLite's order of the gates, as places in ONNX's: input, output, forget, cell."""
_RECURRENT = {"LSTM", "GRU", "RNN", LAYER}


@dataclass(frozen=True)
class LSTM:
    """One reading of a sequence (Hochreiter and Schmidhuber, 1997, with forget gates), from states of zero.

    Attributes:
        input_weights: (4, H, C) float32, the gates in the order input, forget, cell, output.
        recurrent_weights: (4, H, H).
        bias: (4, H).
    """

    input_weights: FloatArray
    recurrent_weights: FloatArray
    bias: FloatArray

    @property
    def channels(self) -> int:
        """C, of what is read."""
        return self.input_weights.shape[2]

    @property
    def units(self) -> int:
        """H, of what comes out."""
        return self.input_weights.shape[1]


@dataclass(frozen=True)
class BidirectionalLSTM:
    """Two readings of one sequence, whose results stand side by side: (T, C) in, (T, 2 H) out.

    Attributes:
        forward: from the first step to the last.
        backward: from the last to the first.
    """

    forward: LSTM
    backward: LSTM


@dataclass(frozen=True)
class Linear:
    """y = W x + b at each step.

    Attributes:
        weights: (out, in) float32.
        bias: (out,) float32.
    """

    weights: FloatArray
    bias: FloatArray


@dataclass(frozen=True)
class Recurrence:
    """What follows a recognizer's convolutions.

    Attributes:
        layers: the first one first.
        head: linear layers behind them, which end in the logits.
    """

    layers: tuple[BidirectionalLSTM, ...]
    head: tuple[Linear, ...]


def split_recurrence(model: ir.Model) -> Recurrence | None:
    """Cut a rewritten recognizer in front of its first recurrent layer, in place.

    Args:
        model: whose output is (N, C, 1, T) logits. Afterwards it is what the first recurrent layer reads, in the same
            layout and under the same name; a model without one stays as it is.

    Returns:
        What was cut off, or None where nothing is recurrent.

    Raises:
        ConversionError: a recurrent layer has another form than a bidirectional LSTM from states of zero, or something
            else than linear layers follows.
    """
    if not any(node.op_type in _RECURRENT for node in model.graph):
        return None
    value, head = model.graph.outputs[0], list[Linear]()
    while (convolution := _pointwise(value)) is not None:
        head.insert(0, Linear(_float32(convolution.weights[:, :, 0, 0]), _float32(convolution.bias)))
        value = convolution.x
    layers = list[BidirectionalLSTM]()
    while (node := value.producer()) is not None and node.op_type == LAYER:
        layers.insert(0, _bidirectional(node))
        assert node.inputs[0] is not None
        value = node.inputs[0]
    end_with(model, value)
    passes.RemoveUnusedNodesPass()(model)
    _check_none_is_left(model)
    model.opset_imports.pop(DOMAIN, None)
    return Recurrence(tuple(layers), tuple(head))


def _pointwise(value: ir.Value) -> Convolution | None:
    """The 1x1 convolution behind `value`, which treats each step alike."""
    convolution = Convolution.behind(value)
    if convolution is None or convolution.kind != "Conv" or convolution.group != 1:
        return None
    return convolution if convolution.has_geometry(kernel=1, stride=1, pad=0) else None


def _bidirectional(node: ir.Node) -> BidirectionalLSTM:
    """Of ONNX's W (2, 4 H, C), R (2, 4 H, H) and B (2, 8 H), the biases of input and state side by side."""
    weights, recurrent, biases = (constant(value) for value in node.inputs[1:4])
    assert weights is not None and recurrent is not None and biases is not None

    def by_gate(array: np.ndarray) -> FloatArray:
        gates = array.reshape(4, recurrent.shape[2], *array.shape[1:])
        return _float32(gates[_INPUT_FORGET_CELL_OUTPUT])

    readings = [
        LSTM(by_gate(weights[way]), by_gate(recurrent[way]), by_gate(biases[way].reshape(2, -1).sum(0)))
        for way in range(2)
    ]
    return BidirectionalLSTM(*readings)


def _float32(array: np.ndarray) -> FloatArray:
    return np.ascontiguousarray(array, np.float32)


def _check_none_is_left(model: ir.Model) -> None:
    left = next((node for node in model.graph if node.op_type in _RECURRENT), None)
    if left is not None:
        raise ConversionError(
            f"the recurrent layer {left.name or left.op_type} has no equal in TFLite here: only bidirectional LSTMs "
            "from states of zero, between a recognizer's convolutions and its linear layers, have one; give a "
            "recognizer of that form"
        )
