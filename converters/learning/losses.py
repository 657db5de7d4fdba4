"""How far a quantised network is from its float original, by what matters when text is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

BLANK = 0
"""Index of the CTC blank."""
_CHARACTER = 5.0
"""A frame in which the original sees a character counts so many times as much as a blank one, of which there are many:
without that, characters are dropped."""
_TEXT = 5.0
"""Likewise of pixels that are text, to a detector."""
_DOUBT = 2.0
"""Power of the original's confidence that its frames are weighted by: there is little to learn where it guesses."""

Loss = Callable[[Tensor, Tensor], Tensor]


def of_characters(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence of the frames' characters, in nats.

    Args:
        found: logits of the quantised network, (batch, 1, frames, classes) float32.
        wanted: those of the original.
    """
    found, wanted = F.log_softmax(found.flatten(0, 1), -1), F.log_softmax(wanted.flatten(0, 1), -1)
    with torch.no_grad():
        best, index = wanted.max(-1)
        character = (index != BLANK).float()
        # of a line with nothing on it little is known, and little is made
        confidence = ((best.exp() * character).sum(-1) + 0.05) / (character.sum(-1) + 0.5)
        weights = (1 + (_CHARACTER - 1) * character) * confidence[:, None] ** _DOUBT
    divergence = F.kl_div(found, wanted, reduction="none", log_target=True).sum(-1)
    return (divergence * weights).sum() / weights.sum()


def of_text_map(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence of the pixels being text, in nats.

    Args:
        found: logits of the quantised network, float32 of any shape.
        wanted: those of the original.
    """
    with torch.no_grad():
        probability = torch.sigmoid(wanted)
        weights = 1 + (_TEXT - 1) * probability
        least = F.binary_cross_entropy_with_logits(wanted, probability, reduction="none")
    excess = F.binary_cross_entropy_with_logits(found, probability, reduction="none") - least
    return (excess * weights).sum() / weights.sum()


OF_MEANING: Mapping[str, Loss] = {"ctc-logits": of_characters, "text-logits": of_text_map}
"""Meaning of an output, as in a manifest -> what is to become small."""
