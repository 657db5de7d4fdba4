"""The pages to be read: labelled data sets, plain folders, and a part of either."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from comparison.errors import ComparisonError
from converters.evaluation.datasets import Dataset, LabelledPage, evaluation_datasets, find_dataset
from converters.evaluation.layouts import find_layout
from edge_ocr.pictures import FILE_SUFFIXES

Item = TypeVar("Item")


def open_folder(folder: Path) -> Dataset:
    """The pages of a data set in any layout, or of a folder of pictures whose text nobody knows.

    Raises:
        ComparisonError: no page is in it.
        ConversionError: there is no such folder, or its labels break the format.
    """
    if find_layout(folder) is not None:
        data = find_dataset(folder)
    else:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in FILE_SUFFIXES)
        data = Dataset(folder.name, pages=tuple(LabelledPage(path, None) for path in paths))
    if not data.pages:
        raise ComparisonError(f"{folder} holds no pages; give a folder with pictures of pages")
    return data


def default_pages() -> Dataset:
    """The rendered pages of the evaluation set, of which calibration has seen neither texts nor fonts."""
    (data,) = (data for data in evaluation_datasets() if data.pages)
    return data


def spread(items: Sequence[Item], limit: int) -> tuple[Item, ...]:
    """At most `limit` of the items: one out of each of so many stretches of equal length, always the same ones.

    Which one is left to chance: every n-th would miss most kinds of pages in a set where kinds take turns.
    """
    if limit >= len(items):
        return tuple(items)
    edges = np.arange(limit + 1) * len(items) // limit
    return tuple(items[index] for index in np.random.default_rng(0).integers(edges[:-1], edges[1:]))
