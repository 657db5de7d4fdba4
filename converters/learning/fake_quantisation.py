"""Rounding as int8 does it, with gradients that training can follow.

Rounding has no slope. The gradient passes it as if it were not there (Bengio et al. 2013, "Estimating or Propagating
Gradients Through Stochastic Neurons", the straight-through estimator), and the two ends of a range get theirs from the
values beyond them and from the rounding errors within (Esser et al. 2020, "Learned Step Size Quantization", with both
ends free as in Bhalgat et al. 2020, "LSQ+").
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from converters.quantization.int8 import LARGEST, LEVELS

_SMALLEST = 1e-9
_PART = 4
"""Every so many-th input of a batch gives the gradients of the ends of a range."""


class _OfActivations(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: Tensor, low: Tensor, high: Tensor) -> Tensor:
        bottom, top = min(low.item(), 0.0), max(high.item(), _SMALLEST)
        step = (top - bottom) / LEVELS
        zero = round(-bottom / step)
        # In place and in whole passes: PyTorch's own operator for this is six times as slow on a CPU.
        rounded = values.mul(1 / step).round_().clamp_(-zero, LEVELS - zero).mul_(step)
        context.ends = -(zero + 0.5) * step, (LEVELS - zero + 0.5) * step
        context.width = top - bottom
        context.save_for_backward(values, rounded)
        return rounded

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        values, rounded = context.saved_tensors
        low, high = context.ends
        passed = torch.ops.aten.hardtanh_backward(gradients[0], values, low, high)
        # A part of the batch tells enough about two numbers.
        gradient, within, values, rounded = (each[::_PART] for each in (gradients[0], passed, values, rounded))
        beyond = gradient - within
        above = (beyond * (values >= high)).sum()
        below = beyond.sum() - above
        # a wider range makes every step larger, and with it every rounding error
        stretched = (within * (rounded - values)).sum() / context.width
        return passed, _PART * (below - stretched), _PART * (above + stretched)


def quantised_activations(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """`values` as an int8 tensor of range [low, high] holds them.

    Args:
        values: float32, of any shape.
        low: lower end, a float32 scalar; above 0 it counts as 0, because the range contains 0.
        high: upper end, likewise.
    """
    return _OfActivations.apply(values.contiguous(), low, high)


def quantised_weights(weights: Tensor, channel: int) -> Tensor:
    """`weights` as int8 holds them, with a step of its own for each index of axis `channel`."""
    others = tuple(axis for axis in range(weights.ndim) if axis != channel % weights.ndim)
    with torch.no_grad():
        step = weights.abs().amax(others, keepdim=True).clamp_min(_SMALLEST) / LARGEST
        error = torch.round(weights / step) * step - weights
    return weights + error
