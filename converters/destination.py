"""A result never takes the place of what it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from converters.errors import ConversionError
from converters.evaluation.datasets import Dataset


def check_no_input(path: Path, datasets: Sequence[Dataset]) -> None:
    """Refuse to write over a picture or a label file that is read.

    Raises:
        ConversionError: `path` is one.
    """
    inputs = [file for data in datasets for file in (*data.files, *data.pictures)]
    if path.exists() and any(path.samefile(file) for file in inputs):
        raise ConversionError(f"{path} belongs to a data set and would be overwritten; choose another place")
