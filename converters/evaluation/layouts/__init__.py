"""The ways in which people lay out labelled pictures, a module each, and the table that tells them apart.

The name of a label file says how it is laid out. Of a text file that somebody named on the command line and that has
none of the usual names, the first row does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from converters.errors import ConversionError
from converters.evaluation.labels import LabelledPicture
from converters.evaluation.layouts import icdar_pages, icdar_words, jsonl, paddle_detection, paddle_recognition
from converters.evaluation.layouts.label_file import LabelFile
from edge_ocr.pictures import FILE_SUFFIXES


@dataclass(frozen=True)
class Layout:
    """One way to lay out labels.

    Attributes:
        title: whose, and for what.
        usual_name: of a label file in a folder; a pattern where there is a file for each picture.
        other_names: of label files that are named one by one.
        first_row: how the first row begins of a text file with any other name; None: only the names tell.
        read: label files -> labelled pictures; ConversionError, naming file and line, where one is wrong.
    """

    title: str
    usual_name: str
    other_names: str
    first_row: re.Pattern[str] | None
    read: Callable[[Sequence[Path]], list[LabelledPicture]]

    def __str__(self) -> str:
        return f"{self.usual_name} ({self.title})"


LAYOUTS = (
    Layout("this project's", "labels.jsonl", "*.jsonl", None, jsonl.read),
    Layout("ICDAR, pages", "gt_*.txt", "gt_*.txt", None, icdar_pages.read),
    Layout("PaddleOCR, pages", "Label.txt", "Label.txt", re.compile(r"[^\t]+\t\s*\[\s*[{\]]"), paddle_detection.read),
    Layout("PaddleOCR, lines", "rec_gt.txt", "rec_gt*.txt", re.compile(r"[^\t]+\t"), paddle_recognition.read),
    Layout("ICDAR, words", "gt.txt", "gt.txt", re.compile(r'[^,]+,\s*"'), icdar_words.read),
)


def find_layout(path: Path) -> tuple[Layout, list[Path]] | None:
    """The layout of a folder or of a label file, and the label files; None for a folder without any.

    Raises:
        ConversionError: no such folder or file, a file of no known layout, or a folder with several.
    """
    # Not Path.is_dir: it raises where a folder above may not be entered.
    if os.path.isdir(path):
        return _layout_of_folder(path)
    if os.path.isfile(path):
        return _layout_of_file(path), [path]
    raise ConversionError(f"there is no folder or label file {path}; check the spelling")


def understood() -> str:
    """The label files that a folder may have, for a message."""
    return ", ".join(map(str, LAYOUTS))


def _layout_of_folder(folder: Path) -> tuple[Layout, list[Path]] | None:
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as problem:
        raise ConversionError(f"cannot look into {folder}: {problem.strerror}; check its permissions") from problem
    found = {layout: [file for file in files if fnmatchcase(file.name, layout.usual_name)] for layout in LAYOUTS}
    found = {layout: labels for layout, labels in found.items() if labels}
    if len(found) > 1:
        names = [str(labels[0]) for labels in found.values()]
        raise ConversionError(
            f"{folder} has labels in {len(found)} layouts; name the file to be read: {' or '.join(names)}"
        )
    return next(iter(found.items()), None)


def _layout_of_file(file: Path) -> Layout:
    for layout in LAYOUTS:
        if fnmatchcase(file.name, layout.other_names):
            return layout
    if file.suffix.lower() in FILE_SUFFIXES:
        raise ConversionError(f"{file} is a picture; name a folder of pictures, or the file with its labels")
    first = next(iter(LabelFile(file).rows()), None)
    for layout in LAYOUTS:
        if first is not None and layout.first_row is not None and layout.first_row.match(first.text):
            return layout
    raise ConversionError(f"{file} is no label file of a known layout; known are {understood()}")
