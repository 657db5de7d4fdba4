"""The two halves of labelled pictures: one to choose on, one to report on.

Whoever scores many variants and reports the best on the same pictures reports chance, too. And crops of one photograph
share what makes them hard, so that a photograph stands on one side with all that was cut out of it. A side follows from
the name of a photograph alone: it is the same in every data set and on every machine.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from converters.evaluation.datasets import Dataset

CHOOSE, REPORT = "choose", "report"
HALVES = (CHOOSE, REPORT)

_NUMBER_OF_CROP = re.compile(r"_\d+$")
"""As in `img_61_0`, the first word on the photograph `img_61`."""
_LARGEST_SHARE = 0.5
"""Of a data set's lines that can be of one photograph; above it the numbers only count the lines, as in `word_12`."""


def halves_of(datasets: Sequence[Dataset]) -> dict[Path, str]:
    """Picture -> `CHOOSE` or `REPORT`, the half that it belongs to."""
    return {picture: _half(name) for data in datasets for picture, name in photographs(data).items()}


def photographs(data: Dataset) -> Mapping[Path, str]:
    """Picture -> name of the photograph that it shows or was cut out of.

    That of a page is its file's name without the suffix; that of a line is the same without the number of the crop.
    """
    names = {page.picture: page.picture.stem for page in data.pages}
    parents = {line.picture: _NUMBER_OF_CROP.sub("", line.picture.stem) for line in data.lines}
    if parents and max(Counter(parents.values()).values()) > _LARGEST_SHARE * len(parents):
        parents = {picture: picture.stem for picture in parents}
    return {**names, **parents}


def _half(photograph: str) -> str:
    return HALVES[hashlib.sha256(photograph.encode()).digest()[0] % 2]
