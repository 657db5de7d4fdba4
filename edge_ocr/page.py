"""What a reading gives back: a `Page` of `TextLine`s, each with its `Word`s and their `Character`s."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Quad = npt.NDArray[np.float32]
"""(4, 2) float32: x and y in page pixels, clockwise from the top left corner of the text as a reader holds it."""


@dataclass(frozen=True)
class Character:
    """One character, which in a few scripts is several code points.

    Attributes:
        text: the character.
        score: its probability, 0 to 1.
        box: its quad on the page, as high as the line. Along the line it is worked out from where the recognizer
            saw the character and its neighbours, which tells the middle well and the width roughly.
    """

    text: str
    score: float
    box: Quad


@dataclass(frozen=True)
class Word:
    """One word, or one character of a script that is written without spaces.

    Attributes:
        text: the characters, without surrounding spaces.
        score: mean probability of its characters, 0 to 1.
        box: its quad on the page.
        characters: of the word, left to right.
    """

    text: str
    score: float
    box: Quad
    characters: tuple[Character, ...] = ()


@dataclass(frozen=True)
class TextLine:
    """One line of text.

    Attributes:
        text: the line as read.
        score: mean probability of its characters, 0 to 1.
        box: its quad on the page.
        words: the words of the line, left to right.
    """

    text: str
    score: float
    box: Quad
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Page:
    """One picture, read.

    Attributes:
        width: of the picture as a viewer shows it, in pixels.
        height: likewise.
        lines: in reading order.
        timings: stage -> milliseconds; `total` is the whole reading.
    """

    width: int
    height: int
    lines: tuple[TextLine, ...]
    timings: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The lines in reading order, one per row."""
        return "\n".join(line.text for line in self.lines)
