"""Which layers stay float: those that take most noise off the output for what they cost.

Computing in float is paid for in multiply-adds, which float takes about four times as long for, and at every border
between float and int8, where each number is converted. So layers are not taken one by one but in runs of neighbours:
an activation is only free of noise when everything that reads and writes it is float.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from converters.quantization.sensitivity import Noise, decibels

_CONVERSION = 32
"""A number converted at a border costs as much as so many multiply-adds, of which a layer spends a hundred on it."""
_LONGEST_RUN = 16
"""Layers that are looked at together: two blocks of a mobile network, squeeze and excitation included."""

Mask = npt.NDArray[np.bool_]


def choose_islands(noise: Noise, share: float, enough: float | None = None) -> tuple[int, ...]:
    """Choose greedily: at each turn the run with the largest noise for its cost.

    Args:
        noise: what there is to take away.
        share: the most that the layers chosen may cost, in multiply-adds, as a share of the model's, 0 to 1.
        enough: signal-to-noise ratio at the output in dB, from which on no more is chosen.

    Returns:
        Places in `noise.layers`, ascending.
    """
    ledger = _Ledger(noise)
    kept = np.zeros(len(noise.layers), bool)
    while enough is None or decibels(ledger.noise(kept)) < enough:
        left, spent = ledger.noise(kept), ledger.cost(kept)
        runs = [
            ((left - ledger.noise(run)) / max(ledger.cost(run) - spent, 1.0), run)
            for run in _runs(kept)
            if ledger.cost(run) <= share * noise.multiply_adds
        ]
        worth, best = max(runs, key=lambda candidate: candidate[0], default=(0.0, kept))
        if worth <= 0:
            break
        kept = best
    return tuple(int(place) for place in np.flatnonzero(kept))


def _runs(kept: Mask) -> Iterator[Mask]:
    """`kept` with one more run of neighbours, every one that there is."""
    for first in map(int, np.flatnonzero(~kept)):
        for end in range(first + 1, min(first + _LONGEST_RUN, len(kept)) + 1):
            if not kept[end - 1]:
                run = kept.copy()
                run[first:end] = True
                yield run


class _Ledger:
    """What a choice of float layers leaves of the noise, and what it costs."""

    def __init__(self, noise: Noise) -> None:
        self._weights = np.array([layer.weight_noise for layer in noise.layers])
        self._activations = np.array([activation.noise for activation in noise.activations])
        self._numbers = np.array([activation.numbers for activation in noise.activations], float)
        self._work = np.array([layer.multiply_adds for layer in noise.layers], float)
        self._touches = np.zeros((len(noise.layers), len(noise.activations)), np.float32)
        for place, layer in enumerate(noise.layers):
            self._touches[place, sorted(layer.touches)] = 1

    def noise(self, kept: Mask) -> float:
        return float(self._weights @ ~kept + self._activations @ self._touched_by(~kept))

    def cost(self, kept: Mask) -> float:
        """In multiply-adds."""
        borders = self._touched_by(kept) & self._touched_by(~kept)
        return float(self._work @ kept) + _CONVERSION * float(self._numbers @ borders)

    def _touched_by(self, layers: Mask) -> Mask:
        touched: Mask = layers.astype(np.float32) @ self._touches > 0
        return touched
