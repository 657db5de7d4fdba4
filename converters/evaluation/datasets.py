"""Labelled pictures on disk.

A data set is a folder with a `labels.jsonl`. Each row names one picture relative to the folder and says what it shows:

- a line set: `{"image": "images/0.png", "text": "出口"}`, one line or word a picture;
- a page set: `{"image": "images/0.jpg", "items": [{"box": [[x, y], ...4 points, clockwise], "text": "出口",
  "ignore": false}, ...]}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.errors import ConversionError

LABELS = "labels.jsonl"


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


@dataclass(frozen=True)
class Dataset:
    """A folder of labelled pictures.

    Attributes:
        name: of the folder.
        lines: in a line set.
        pages: in a page set.
    """

    name: str
    lines: tuple[LabelledLine, ...] = ()
    pages: tuple[LabelledPage, ...] = ()


def read_dataset(folder: Path) -> Dataset:
    """Read the labels of `folder`; pictures are not opened.

    Raises:
        ConversionError: no label file, a row that is neither a line nor a page, or a picture that does not exist.
    """
    labels = folder / LABELS
    if not labels.is_file():
        raise ConversionError(f"{folder} has no {LABELS}; a data set is a folder with one (see the README)")
    lines, pages = [], []
    for number, row in enumerate(_rows(labels), start=1):
        try:
            picture = folder / row["image"]
            if "items" in row:
                pages.append(LabelledPage(picture, tuple(_box(item) for item in row["items"])))
            else:
                lines.append(LabelledLine(picture, str(row["text"])))
        except (KeyError, TypeError, ValueError) as error:
            raise ConversionError(f"{labels}, row {number}: neither a line nor a page ({error!r})") from error
        if not picture.is_file():
            raise ConversionError(f"{labels}, row {number}: there is no picture {picture}")
    return Dataset(folder.name, tuple(lines), tuple(pages))


def _rows(labels: Path) -> Iterator[dict[str, Any]]:
    try:
        rows = labels.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConversionError(f"cannot read {labels}: {error}") from error
    for number, row in enumerate(rows, start=1):
        if not row.strip():
            continue
        try:
            yield json.loads(row)
        except ValueError as error:
            raise ConversionError(f"{labels}, row {number}: not JSON ({error})") from error


def _box(item: dict[str, Any]) -> LabelledBox:
    box = np.array(item["box"], np.float32)
    if box.shape != (4, 2):
        raise ValueError(f"a box has 4 points, not shape {box.shape}")
    return LabelledBox(box, str(item["text"]), bool(item.get("ignore", False)))
