"""Rounding, and the gradients that pass it."""

from __future__ import annotations

import numpy as np
import torch

from converters.learning.fake_quantisation import quantised_activations, quantised_weights


def rounded(values: list[float], low: float, high: float) -> list[float]:
    ends = torch.tensor(low), torch.tensor(high)
    return quantised_activations(torch.tensor(values), *ends).tolist()


def test_activations_take_255_steps_and_stop_at_the_ends() -> None:
    assert np.allclose(rounded([-1.0, -0.3, 0.0, 0.49, 0.51, 254.4, 300.0], 0, 255), [0, 0, 0, 0, 1, 254, 255])


def test_zero_is_always_a_step() -> None:
    assert rounded([0.0], -0.337, 1.0) == [0.0]


def test_a_range_beside_zero_counts_from_zero() -> None:
    assert np.allclose(rounded([0.2, 0.9], 0.5, 1.0), [51 / 255, 230 / 255])


def test_weights_take_127_steps_of_their_own_channel() -> None:
    weights = torch.tensor([[127.0, 1.4, -1.6], [12.7, 0.14, -0.16]])
    assert np.allclose(quantised_weights(weights, 0).tolist(), [[127, 1, -2], [12.7, 0.1, -0.2]])


def test_the_gradient_passes_within_the_range_and_not_beyond() -> None:
    values = torch.tensor([-5.0, 0.1, 0.7, 9.0], requires_grad=True)
    quantised_activations(values, torch.tensor(-1.0), torch.tensor(1.0)).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [0, 1, 1, 0]


def test_values_beyond_an_end_pull_it() -> None:
    high = torch.tensor(1.0, requires_grad=True)
    low = torch.tensor(-1.0, requires_grad=True)
    values = torch.full((4, 8), 3.0)  # a wish for larger results is a wish for a higher upper end
    quantised_activations(values, low, high).sum().backward()
    assert high.grad is not None
    assert low.grad is not None
    assert high.grad.item() == 32
    assert low.grad.item() == 0


def test_the_ends_take_the_rounding_errors_into_account() -> None:
    # The step is 1/127.5; where a value is rounded up by r, a range wider by d moves its step by r * d / width.
    values = torch.full((4,), 0.4996 / 127.5 + 10 / 127.5)
    low, high = torch.tensor(-1.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    result = quantised_activations(values, low, high)
    result.sum().backward()
    assert high.grad is not None
    assert np.isclose(high.grad.item(), 4 * (result - values)[0].item() / 2, rtol=1e-4)


def test_the_gradient_of_weights_is_that_of_the_rounded_ones() -> None:
    weights = torch.tensor([[1.0, 0.3]], requires_grad=True)
    (quantised_weights(weights, 0) * torch.tensor([[2.0, 5.0]])).sum().backward()
    assert weights.grad is not None
    assert weights.grad.tolist() == [[2, 5]]
