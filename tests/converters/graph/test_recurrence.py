"""The cut in front of a recognizer's recurrent layers, and what is told of them."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from converters.errors import ConversionError
from converters.graph import rewrite
from tests.converters.graph.tiny_onnx import rewritten_alike, weights
from tests.converters.tiny_recognizer import HEAD, JOIN, LAYER, SECOND_LAYER, UNITS, tiny_recognizer

LINES = ((1, 8), (1, 20))
START = np.zeros((2, 1, UNITS), np.float32)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(tiny_recognizer(), id="as paddle2onnx 1.3 writes it"),
        pytest.param(
            tiny_recognizer(
                sequence="u = Transpose<perm=[0,2,1]>(s) t = Transpose<perm=[1,0,2]>(u)",
                layer='l = LSTM<direction="bidirectional", hidden_size=4, layout=0>(t, w, r, b)',
            ),
            id="as older versions do",
        ),
        pytest.param(
            tiny_recognizer(layer=f'{LAYER}(t, w, r, b, "", start, start)', start=START),
            id="states of zero written out",
        ),
        pytest.param(
            tiny_recognizer(
                head=HEAD.replace("(a)", "(a2)").replace("y =", "a2 = MatMul(a, m2) y ="), m2=weights(7, 5)
            ),
            id="two linear layers",
        ),
    ],
)
def test_the_features_go_one_way_and_the_recurrent_layers_another(model: onnx.ModelProto) -> None:
    rewritten = rewritten_alike(model, sizes=LINES)
    assert rewritten.meaning == "ctc-logits"
    assert [node.op_type for node in rewritten.model.graph.node] == ["Conv"]
    assert rewritten.recurrence is not None
    assert len(rewritten.recurrence.layers) == 2


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(
            tiny_recognizer(
                layer='l = LSTM<direction="forward", hidden_size=4>(t, w1, r1, b1)',
                w1=weights(1, 16, 12),
                r1=weights(1, 16, 4),
                b1=weights(1, 32),
                w2=weights(2, 16, 4),
            ),
            id="one reading",
        ),
        pytest.param(
            tiny_recognizer(layer=f'{LAYER}(t, w, r, b, "", start, start)', start=START + 1),
            id="states that are not zero",
        ),
        pytest.param(tiny_recognizer(layer=f"{LAYER}(t, w, r, b)".replace("=4", "=4, clip=3.0")), id="clipped cells"),
        pytest.param(
            tiny_recognizer(layer=f'{LAYER}(t, w, r, b, "", "", "", peepholes)', peepholes=weights(2, 12)),
            id="peepholes",
        ),
        pytest.param(tiny_recognizer(w=weights(2, 15, 12)), id="too few weights"),
        pytest.param(tiny_recognizer(r=weights(4, 16, 4)), id="too many weights"),
        pytest.param(tiny_recognizer(b=weights(64)), id="weights of another rank"),
        pytest.param(
            tiny_recognizer(join=JOIN.replace("j =", "e =") + " j = Relu(e)"), id="an activation between the layers"
        ),
        pytest.param(
            tiny_recognizer(second_layer=SECOND_LAYER.replace("j2 =", "e =") + " j2 = Relu(e)"),
            id="another behind them",
        ),
        pytest.param(
            tiny_recognizer(
                second_layer=SECOND_LAYER.replace("LSTM", "GRU"),
                w2=weights(2, 12, 8),
                r2=weights(2, 12, 4),
                b2=weights(2, 24),
            ),
            id="another kind of layer",
        ),
    ],
)
def test_a_recurrent_layer_of_another_form_is_refused(model: onnx.ModelProto) -> None:
    with pytest.raises(ConversionError, match=r"^the recurrent layer .* only bidirectional LSTMs from states of zero"):
        rewrite(model, input_shape=(1, 3, 1, 8))
