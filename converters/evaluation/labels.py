"""What is known about a picture: the text of a line, or the boxes of a page and the text in each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class LabelledLine:
    """A picture of one line, and what it says; None where nobody knows."""

    picture: Path
    text: str | None


@dataclass(frozen=True)
class LabelledBox:
    """A piece of text on a page.

    Attributes:
        box: (4, 2) float32, clockwise, in page pixels.
        text: what it says.
        ignore: whether it is unreadable, so that neither finding nor missing it counts.
    """

    box: npt.NDArray[np.float32]
    text: str
    ignore: bool


@dataclass(frozen=True)
class LabelledPage:
    """A picture of a page, and all the text on it; None where nobody knows."""

    picture: Path
    boxes: tuple[LabelledBox, ...] | None


LabelledPicture = LabelledLine | LabelledPage
