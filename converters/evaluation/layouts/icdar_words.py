r"""ICDAR's labels of words: a row of `gt.txt` is `word_1.png, "text"`.

As of ICDAR 2013, Challenge 2, task 3 and ICDAR 2015, Challenge 4, task 3. A quote within the text is written `\"`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from converters.evaluation.labels import LabelledLine, LabelledPicture
from converters.evaluation.layouts.label_file import LabelFile, NamedPictures

_ROW = re.compile(r'([^,]+),\s*"(.*)"\s*')


def read(labels: Sequence[Path]) -> list[LabelledPicture]:
    """See `Layout.read`."""
    (file,) = labels
    pictures = NamedPictures.of(file)
    words: list[LabelledPicture] = []
    for row in LabelFile(file).rows():
        match = _ROW.fullmatch(row.text)
        if match is None:
            raise row.malformed('not a picture, a comma and a text in quotes, such as word_1.png, "Exit"')
        name, text = match.groups()
        words.append(LabelledLine(pictures.find(name, row), re.sub(r"\\(.)", r"\1", text)))
    pictures.check()
    return words
