"""Labelled pictures on disk, whatever their layout (`converters.evaluation.layouts`), and this project's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from converters.errors import ConversionError
from converters.evaluation.labels import LabelledBox, LabelledLine, LabelledPage
from converters.evaluation.layouts import find_layout, understood

__all__ = [
    "Dataset",
    "LabelledBox",
    "LabelledLine",
    "LabelledPage",
    "check_distinct",
    "evaluation_datasets",
    "find_dataset",
    "spread",
]

EVALUATION_PICTURES = Path(__file__).resolve().parents[2] / "calibration_data" / "evaluation"


@dataclass(frozen=True)
class Dataset:
    """Pictures that belong together.

    Attributes:
        name: what reports call it.
        lines: pictures of one line each.
        pages: pictures of pages.
        layout: how its labels are laid out; None without labels.
        files: its label files.
    """

    name: str
    lines: tuple[LabelledLine, ...] = ()
    pages: tuple[LabelledPage, ...] = ()
    layout: str | None = None
    files: tuple[Path, ...] = ()

    @property
    def pictures(self) -> tuple[Path, ...]:
        """Of lines, then of pages."""
        return (*(line.picture for line in self.lines), *(page.picture for page in self.pages))

    def part(self, most: int) -> Dataset:
        """At most so many of its lines and of its pages, see `spread`."""
        return replace(self, lines=spread(self.lines, most), pages=spread(self.pages, most))


def spread[Item](items: Sequence[Item], most: int) -> tuple[Item, ...]:
    """At most `most` of the items: one out of each of so many stretches of equal length, always the same ones.

    Which one is left to chance: every n-th would miss most kinds of pictures in a set where kinds take turns.
    """
    if most >= len(items):
        return tuple(items)
    edges = np.arange(most + 1) * len(items) // most
    return tuple(items[index] for index in np.random.default_rng(0).integers(edges[:-1], edges[1:]))


def check_distinct(datasets: Sequence[Dataset]) -> None:
    """Refuse data sets that share a picture, which would count twice and make every interval too narrow.

    Raises:
        ConversionError: two of them do.
    """
    seen: dict[Path, Dataset] = {}
    for data in datasets:
        for path in data.pictures:
            other = seen.setdefault(path.resolve(), data)
            if other is not data:
                raise ConversionError(
                    f"{path} is in two data sets, {other.name} and {data.name}, and would count twice; "
                    "leave one of them out"
                )


def find_dataset(path: Path) -> Dataset:
    """Read labels; the pictures are not opened.

    Args:
        path: a folder, whose layout is recognised by what lies in it, or a label file.

    Returns:
        A data set that is called like the last two parts of the path, such as `lines/mtwi`.

    Raises:
        ConversionError: no such path, no labels or several kinds of them, a malformed line, pictures that are missing
            or named twice, or no picture at all.
    """
    found = find_layout(path)
    if found is None:
        raise ConversionError(f"{path} has no labels; a data set is a folder with {understood()}, or such a file")
    layout, files = found
    labelled = layout.read(files)
    if not labelled:
        raise ConversionError(f"{files[0]} labels no picture; name another data set")
    return Dataset(
        "/".join(path.resolve().parts[-2:]),
        tuple(picture for picture in labelled if isinstance(picture, LabelledLine)),
        tuple(picture for picture in labelled if isinstance(picture, LabelledPage)),
        str(layout),
        tuple(files),
    )


def evaluation_datasets() -> list[Dataset]:
    """This project's evaluation set, lines and pages; empty outside a checkout.

    `python -m calibration_data.generate --split evaluation` renders it in typefaces and with texts that no calibration
    picture shares, so all pictures may be calibrated on and none of these is.
    """
    folders = (EVALUATION_PICTURES / "lines", EVALUATION_PICTURES / "pages")
    return [find_dataset(folder) for folder in folders if folder.is_dir()]
