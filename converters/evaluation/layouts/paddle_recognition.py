"""PaddleOCR's labels of lines: a row is a picture, a tab, and its text.

PPOCRLabel exports them as `rec_gt.txt`; PaddleOCR's own lists are called rec_gt_test.txt, train_list.txt and the like
(https://paddlepaddle.github.io/PaddleOCR, "Text recognition", data preparation).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from converters.evaluation.labels import LabelledLine, LabelledPicture
from converters.evaluation.layouts.label_file import LabelFile, NamedPictures


def read(labels: Sequence[Path]) -> list[LabelledPicture]:
    """See `Layout.read`."""
    (file,) = labels
    pictures = NamedPictures.of(file)
    lines: list[LabelledPicture] = []
    for row in LabelFile(file).rows():
        name, tab, text = row.text.partition("\t")
        if not tab:
            raise row.malformed("no tab between a picture and its text")
        lines.append(LabelledLine(pictures.find(name, row), text))
    pictures.check()
    return lines
