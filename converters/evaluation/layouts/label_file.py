"""What all layouts share: rows of text, quads, and pictures that are named in one place and lie in another."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from converters.errors import ConversionError
from edge_ocr.geometry import order_corners
from edge_ocr.page import Quad

UNREADABLE = ("###", "*")
"""In place of a text: that there is one, but nobody can read it (ICDAR 2015; PaddleOCR, DetLabelEncode)."""


@dataclass(frozen=True)
class Row:
    """One row of a label file that is not blank."""

    file: Path
    number: int
    text: str

    def malformed(self, wanted: str) -> ConversionError:
        """An error that says where the row is and what it should have been."""
        return ConversionError(f"{self.file}, line {self.number}: {wanted}; correct or remove the line")

    def json(self, text: str) -> Any:
        """`text`, a part of the row, as JSON; ConversionError where it is none."""
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise self.malformed(f"not JSON ({problem})") from problem


class LabelFile:
    """A text file with a label, or several, a row."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> Iterator[Row]:
        """All rows that are not blank, without what ends them; a byte order mark is no part of the first.

        Raises:
            ConversionError: the file cannot be read, or is not UTF-8.
        """
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                text = file.read()
        except UnicodeDecodeError as problem:
            raise ConversionError(
                f"{self.path} is not UTF-8 text ({problem.reason} at byte {problem.start}); save it as UTF-8"
            ) from problem
        except OSError as problem:
            raise ConversionError(f"cannot read {self.path}: {problem.strerror}; check its permissions") from problem
        # Not str.splitlines: a label may hold one of the rarer characters that it splits at.
        for number, row in enumerate(text.split("\n"), start=1):
            if row.strip():
                yield Row(self.path, number, row.rstrip("\r"))


class NamedPictures:
    """Finds the pictures that the rows of a label file name, and keeps account of those that are not there."""

    def __init__(self, places: Sequence[Path]) -> None:
        """Pictures are looked for in the folders `places`, in this order."""
        self._places = places
        self._rows: dict[Path, Row] = {}
        self._missing: list[tuple[str, Row]] = []

    @classmethod
    def of(cls, labels: Path) -> NamedPictures:
        """Beside a label file, or in the folder above: there PaddleOCR's lists start."""
        folder = labels.resolve().parent
        return cls([folder, folder.parent])

    def find(self, name: str, row: Row) -> Path:
        """Where the picture lies that a row names; one that is missing is complained of by `check`.

        Raises:
            ConversionError: an earlier row names the same one.
        """
        paths = [place / name for place in self._places]
        path = next((path for path in paths if os.path.isfile(path)), None)
        if path is None:
            self._missing.append((name, row))
            return paths[0]
        if path in self._rows:
            raise row.malformed(f"{name} is labelled already in line {self._rows[path].number}")
        self._rows[path] = row
        return path

    def check(self) -> None:
        """Refuse the labels if pictures are missing: how many, which first, and where they were looked for."""
        if self._missing:
            name, row = self._missing[0]
            named = len(self._missing) + len(self._rows)
            raise ConversionError(
                f"{row.file}: {len(self._missing)} of its {named} pictures are missing, the first is {name[:200]} "
                f"(line {row.number}); looked in {' and '.join(map(str, self._places))}"
            )


def quad(points: Any) -> Quad:
    """The corners of a label as (4, 2) float32.

    Of more than four, the smallest rectangle around them: that is how PP-OCR's detector hands out what it finds, too,
    and a quad around curved text can be matched with nothing else.

    Raises:
        ValueError: they are not at least four points of two finite numbers each.
    """
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold is refused below
            corners = np.array(points, np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError) as problem:
        raise ValueError("its points are not numbers") from problem
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 4 or not np.isfinite(corners).all():
        raise ValueError("a box has at least 4 points, each of two finite numbers")
    return corners if len(corners) == 4 else order_corners(cv2.boxPoints(cv2.minAreaRect(corners)))
