"""The pages to be read: labelled data sets and plain folders."""

from __future__ import annotations

from pathlib import Path

from comparison.errors import ComparisonError
from converters.evaluation.datasets import Dataset, LabelledPage, evaluation_datasets, find_dataset
from converters.evaluation.layouts import find_layout
from edge_ocr.pictures import FILE_SUFFIXES


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
        data = Dataset(folder.resolve().name, pages=tuple(LabelledPage(path, None) for path in paths))
    if not data.pages:
        raise ComparisonError(f"{folder} holds no pages; give a folder with pictures of pages")
    return data


def default_pages() -> Dataset:
    """The rendered pages of the evaluation set, of which calibration has seen neither texts nor fonts."""
    (data,) = (data for data in evaluation_datasets() if data.pages)
    return data
