"""The pages to be read: labelled data sets, plain folders, and a part of either."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from comparison.errors import ComparisonError
from converters.commands.verify import rendered_datasets
from converters.evaluation.datasets import LABELS, Dataset, LabelledPage, read_dataset
from edge_ocr.pictures import FILE_SUFFIXES


def open_folder(folder: Path) -> Dataset:
    """The pages of a data set, or of a folder of pictures whose text nobody knows.

    Raises:
        ComparisonError: there is no such folder, or no page in it.
        ConversionError: its labels break the format.
    """
    if not folder.is_dir():
        raise ComparisonError(f"there is no folder {folder}; give one with pictures of pages")
    if (folder / LABELS).is_file():
        data = read_dataset(folder)
    else:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in FILE_SUFFIXES)
        data = Dataset(folder.name, pages=tuple(LabelledPage(path, None) for path in paths))
    if not data.pages:
        raise ComparisonError(f"{folder} holds no pages; give a folder with pictures of pages")
    return data


def default_pages() -> Dataset:
    """The rendered pages that the default bundle was not calibrated on."""
    (data,) = (data for data in rendered_datasets() if data.pages)
    return data


def spread(data: Dataset, limit: int) -> Dataset:
    """At most `limit` pages of a data set: every second, every third, ..., from the first on."""
    return replace(data, pages=data.pages[:: math.ceil(len(data.pages) / limit)])
