"""ICDAR's labels of pages: for img_1.jpg a file gt_img_1.txt, with a piece of text a row, `x1,y1,...,x4,y4,text`.

As of "Incidental Scene Text" (ICDAR 2015, Challenge 4, task 1): clockwise corners, a text that may have commas itself,
`###` for what nobody can read. The archives hold labels and pictures in folders of their own, side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from converters.errors import ConversionError
from converters.evaluation.labels import LabelledBox, LabelledPage, LabelledPicture
from converters.evaluation.layouts.label_file import UNREADABLE, LabelFile, Row, quad
from edge_ocr.pictures import FILE_SUFFIXES

_PREFIX = "gt_"
_COORDINATES = 8


def read(labels: Sequence[Path]) -> list[LabelledPicture]:
    """See `Layout.read`."""
    folder = labels[0].resolve().parent
    places = [folder, *(path for path in _entries(folder.parent) if path != folder)]
    wanted = {file.stem.removeprefix(_PREFIX) for file in labels}
    pictures = _pictures(places, wanted)
    missing = [file for file in labels if file.stem.removeprefix(_PREFIX) not in pictures]
    if missing:
        raise ConversionError(
            f"{folder}: the pictures of {len(missing)} of its {len(labels)} label files are missing, the first is "
            f"{missing[0].stem.removeprefix(_PREFIX)} of {missing[0].name}; looked there and in the folders beside it"
        )
    return [
        LabelledPage(pictures[file.stem.removeprefix(_PREFIX)], tuple(map(_box, LabelFile(file).rows())))
        for file in labels
    ]


def _pictures(places: Sequence[Path], wanted: set[str]) -> dict[str, Path]:
    """Name without suffix -> picture, of those wanted; the first place goes before the others.

    Raises:
        ConversionError: the name alone does not tell which one is meant.
    """
    pictures: dict[str, Path] = {}
    for place, path in ((folder, entry) for folder in places for entry in _entries(folder)):
        if path.suffix.lower() not in FILE_SUFFIXES or path.stem not in wanted:
            continue
        known = pictures.setdefault(path.stem, path)
        if known != path and (known.parent == place or known.parent != places[0]):
            raise ConversionError(
                f"{known} and {path} both fit {_PREFIX}{path.stem}.txt; put the label files beside their pictures"
            )
    return pictures


def _entries(folder: Path) -> list[Path]:
    """What is in a folder; nothing, where it is none or cannot be looked into: it may be anybody's."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _box(row: Row) -> LabelledBox:
    *coordinates, text = row.text.split(",", _COORDINATES)
    if len(coordinates) < _COORDINATES:
        raise row.malformed("not x1,y1,x2,y2,x3,y3,x4,y4,text")
    try:
        box = quad([coordinates[start : start + 2] for start in range(0, _COORDINATES, 2)])
    except ValueError as problem:
        raise row.malformed(str(problem)) from problem
    return LabelledBox(box, text, text in UNREADABLE)
