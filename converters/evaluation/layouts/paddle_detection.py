"""PaddleOCR's labels of pages, as PPOCRLabel writes them to `Label.txt`.

A row is a picture, a tab, and a JSON list of `{"transcription": ..., "points": [[x, y], ...]}`
(https://paddlepaddle.github.io/PaddleOCR, "Text detection", data preparation).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from converters.evaluation.labels import LabelledBox, LabelledPage, LabelledPicture
from converters.evaluation.layouts.label_file import UNREADABLE, LabelFile, NamedPictures, quad


def read(labels: Sequence[Path]) -> list[LabelledPicture]:
    """See `Layout.read`."""
    (file,) = labels
    pictures = NamedPictures.of(file)
    pages: list[LabelledPicture] = []
    for row in LabelFile(file).rows():
        name, tab, boxes = row.text.partition("\t")
        if not tab:
            raise row.malformed("no tab between a picture and its boxes")
        try:
            found = tuple(_box(item) for item in row.json(boxes))
        except (KeyError, TypeError, ValueError) as problem:
            raise row.malformed(f"not a list of boxes with transcription and points ({problem!r})") from problem
        pages.append(LabelledPage(pictures.find(name, row), found))
    pictures.check()
    return pages


def _box(item: dict[str, Any]) -> LabelledBox:
    text = item["transcription"]
    if not isinstance(text, str):
        raise TypeError(f"the transcription {text!r} is no text")
    return LabelledBox(quad(item["points"]), text, text in UNREADABLE)
