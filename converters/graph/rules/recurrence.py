"""A recurrent layer as one node on (N, C, 1, T), so that the rules for a recognizer's tail see past it.

Paddle writes its bidirectional LSTM time first, with a node's worth of transposes and reshapes on both sides, because
ONNX defines it so. The node made here, of a domain of our own, has the weights of the LSTM that it stands for; what
becomes of it in TFLite is `converters.tflite.recurrence`'s.
"""

from __future__ import annotations

from typing import Any

import onnx_ir as ir
from onnxscript.rewriter import pattern

from converters.graph.constants import constant, integers
from converters.graph.convolution import integer_constant
from converters.graph.rules.sequence import HEIGHT

DOMAIN = "edge_ocr"
LAYER = "BidirectionalLSTM"
"""The node's type; its inputs are x, W, R and B, as those of ONNX's LSTM."""

_KNOWN_ATTRIBUTES = {"direction", "hidden_size", "layout"}
"""Of an LSTM with ONNX's own activations (sigmoid, tanh, tanh), without clipping or coupled gates."""


class RecurrenceOnFourAxes(pattern.RewriteRuleClassBase):
    """join(LSTM(transpose(squeeze(x)))) = transpose(squeeze(layer(x))), its two directions joined as channels."""

    def __init__(self) -> None:
        super().__init__("recurrence-on-four-axes")

    def pattern(self, op: Any, x: Any, axes: Any, shape: Any) -> Any:
        sequence = op.Transpose(op.Squeeze(x, axes), perm=[2, 0, 1])
        states = op.LSTM(sequence, _allow_other_inputs=True, _outputs=["states"])
        return op.Reshape(op.Transpose(states, perm=[0, 2, 1, 3]), shape, _outputs=["joined"])

    def rewrite(self, op: Any, x: ir.Value, axes: ir.Value, states: ir.Value, joined: ir.Value, **_: ir.Value) -> Any:
        node = states.producer()
        assert node is not None
        if integers(axes) != HEIGHT or not _joins_directions(states, joined):
            return None
        if not (_starts_from_zero(node) and _has_weights_of_one_size(node)):
            return None
        layer = getattr(op, LAYER)(x, *node.inputs[1:4], _domain=DOMAIN, _version=1)
        return op.Transpose(op.Squeeze(layer, integer_constant(op, HEIGHT)), perm=[2, 0, 1])


class SequenceTransposesJoined(pattern.RewriteRuleClassBase):
    """Transpose(Transpose(x)) = Transpose(x), on the three axes of a sequence: time comes first and goes back."""

    def __init__(self) -> None:
        super().__init__("sequence-transposes-joined", remove_nodes=False)

    def pattern(self, op: Any, x: Any, first: Any, second: Any) -> Any:
        return op.Transpose(op.Transpose(x, perm=first), perm=second)

    def rewrite(self, op: Any, x: ir.Value, first: ir.Attr, second: ir.Attr) -> Any:
        axes = [first.as_ints()[axis] for axis in second.as_ints()]
        return op.Transpose(x, perm=axes) if len(axes) == 3 else None


def _starts_from_zero(node: ir.Node) -> bool:
    """Whether an LSTM reads both ways, the whole sequence, time first, from states of zero, in ONNX's default form."""
    attributes = node.attributes
    if attributes.get_string("direction", "forward") != "bidirectional" or attributes.get_int("layout", 0) != 0:
        return False
    if not set(attributes) <= _KNOWN_ATTRIBUTES:
        return False
    inputs = [*node.inputs, *[None] * (8 - len(node.inputs))]
    lengths, states, peepholes = inputs[4], inputs[5:7], inputs[7]
    if lengths is not None or peepholes is not None:
        return False
    starts = [constant(state) for state in states if state is not None]
    return all(start is not None and not start.any() for start in starts)


def _has_weights_of_one_size(node: ir.Node) -> bool:
    """Whether the weights of an LSTM are constants W (2, 4 H, C), R (2, 4 H, H) and B (2, 8 H), H as it says."""
    weights = [constant(value) for value in node.inputs[1:4]]
    shapes = [weight.shape for weight in weights if weight is not None]
    units = node.attributes.get_int("hidden_size", 0)
    if len(shapes) < 3 or len(shapes[0]) != 3:
        return False
    return shapes == [(2, 4 * units, shapes[0][2]), (2, 4 * units, units), (2, 8 * units)]


def _joins_directions(states: ir.Value, joined: ir.Value) -> bool:
    """Whether (T, 2, N, H), transposed to (T, N, 2, H), is reshaped to (T, N, 2 H)."""
    if states.shape is None or joined.shape is None or not states.shape.is_static():
        return False
    time, directions, batch, hidden = states.shape.numpy()
    return tuple(joined.shape) == (time, batch, directions * hidden)
