"""Recurrent layers step by step in float64, to hold what is told of them against the model that they come from."""

from __future__ import annotations

import numpy as np

from converters.graph.recurrence import LSTM, Recurrence


def recurrent_logits(recurrence: Recurrence, features: np.ndarray) -> np.ndarray:
    """What a recurrence makes of features (N, C, 1, T), in float64: (N, O, 1, T)."""
    sequence = features[:, :, 0].transpose(2, 0, 1).astype(np.float64)
    for layer in recurrence.layers:
        backward = _read(layer.backward, sequence[::-1])[::-1]
        sequence = np.concatenate([_read(layer.forward, sequence), backward], axis=-1)
    for linear in recurrence.head:
        sequence = sequence @ linear.weights.T + linear.bias
    return sequence.transpose(1, 2, 0)[:, :, None]


def _read(lstm: LSTM, sequence: np.ndarray) -> np.ndarray:
    """(T, N, C) to (T, N, H), after the equations of Hochreiter and Schmidhuber with forget gates."""
    output = cell = np.zeros((sequence.shape[1], lstm.units))
    outputs = []
    for step in sequence:
        gates = [
            w @ step.T + r @ output.T + b[:, None]
            for w, r, b in zip(lstm.input_weights, lstm.recurrent_weights, lstm.bias, strict=True)
        ]
        taken_in, kept, shown = (1 / (1 + np.exp(-gates[place].T)) for place in (0, 1, 3))
        cell = kept * cell + taken_in * np.tanh(gates[2].T)
        output = shown * np.tanh(cell)
        outputs.append(output)
    return np.stack(outputs)
