"""A recognizer with recurrent layers, small enough to know by heart, as ONNX."""

from __future__ import annotations

import numpy as np
import onnx

from tests.converters.graph.tiny_onnx import tiny_model, weights

COLOURS, CHANNELS, UNITS, SYMBOLS = 3, 12, 4, 7
FEATURES = {"kernel": weights(CHANNELS, COLOURS, 1, 3), "offset": weights(CHANNELS, seed=1)}
"""Of the one convolution before the recurrent layers, which looks a column to either side."""

TO_SEQUENCE = "t = Transpose<perm=[2,0,1]>(s)"
LAYER = 'l = LSTM<direction="bidirectional", hidden_size=4>'
JOIN = "d = Transpose<perm=[0,2,1,3]>(l) j = Reshape(d, joined)"
SECOND_LAYER = (
    'l2 = LSTM<direction="bidirectional", hidden_size=4>(j, w2, r2, b2)'
    " d2 = Transpose<perm=[0,2,1,3]>(l2) j2 = Reshape(d2, joined)"
)
HEAD = "n = Transpose<perm=[1,0,2]>(j2) p = MatMul(n, m) a = Add(p, c) y = Softmax<axis=2>(a)"


def tiny_recognizer(
    *,
    sequence: str = TO_SEQUENCE,
    layer: str = f"{LAYER}(t, w, r, b)",
    join: str = JOIN,
    second_layer: str = SECOND_LAYER,
    head: str = HEAD,
    **constants: np.ndarray,
) -> onnx.ModelProto:
    """(1, 3, 1, W) to the probabilities (1, W, 7), as Paddle exports it; each part and each constant may be another."""
    usual = {
        **FEATURES,
        "height": np.array([2], np.int64),
        "joined": np.array([0, 0, -1], np.int64),
        "w": 3 * weights(2, 4 * UNITS, CHANNELS, seed=2),
        "r": 3 * weights(2, 4 * UNITS, UNITS, seed=3),
        "b": weights(2, 8 * UNITS, seed=4),
        "w2": 3 * weights(2, 4 * UNITS, 2 * UNITS, seed=5),
        "r2": 3 * weights(2, 4 * UNITS, UNITS, seed=6),
        "b2": weights(2, 8 * UNITS, seed=7),
        "m": 9 * weights(2 * UNITS, SYMBOLS, seed=8),
        "c": weights(SYMBOLS, seed=9),
    }
    body = f"f = Conv<pads=[0,1,0,1]>(x, kernel, offset) s = Squeeze(f, height) {sequence}"
    return tiny_model(f"{body} {layer} {join} {second_layer} {head}", channels=COLOURS, **{**usual, **constants})
