"""`labels.jsonl`: a JSON object a row, with a picture relative to the file and what it shows.

- a line: `{"image": "images/0.png", "text": "出口"}`;
- a page: `{"image": "images/0.jpg", "items": [{"box": [[x, y], ...clockwise], "text": "出口", "ignore": false}, ...]}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from converters.evaluation.labels import LabelledBox, LabelledLine, LabelledPage, LabelledPicture
from converters.evaluation.layouts.label_file import LabelFile, NamedPictures, quad


def read(labels: Sequence[Path]) -> list[LabelledPicture]:
    """See `Layout.read`."""
    (file,) = labels
    pictures = NamedPictures([file.resolve().parent])
    labelled: list[LabelledPicture] = []
    for row in LabelFile(file).rows():
        values = row.json(row.text)
        try:
            name = _text(values["image"])
            if "items" in values:
                boxes = tuple(_box(item) for item in values["items"])
                labelled.append(LabelledPage(pictures.find(name, row), boxes))
            else:
                text = _text(values["text"])
                labelled.append(LabelledLine(pictures.find(name, row), text))
        except (KeyError, TypeError, ValueError) as problem:
            raise row.malformed(f"neither a line nor a page ({problem!r})") from problem
    pictures.check()
    return labelled


def _box(item: dict[str, Any]) -> LabelledBox:
    return LabelledBox(quad(item["box"]), _text(item["text"]), item.get("ignore", False) is True)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
