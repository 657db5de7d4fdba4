"""Where a result goes, looked at before the work that makes it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from converters.errors import ConversionError
from converters.evaluation.datasets import Dataset


def check_file_destination(path: Path, what: str) -> None:
    """Refuse a place where no file can be written.

    Args:
        path: of the file.
        what: what the message calls it, such as "gallery".

    Raises:
        ConversionError: it is a folder, or in none, or nothing may be written there.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        return  # such as /dev/stdout, which is written to as it stands
    folder = Path(os.path.realpath(path)).parent
    if path.is_dir():
        raise ConversionError(f"the {what} {path} is a folder; name a file in it")
    if not folder.is_dir():
        raise ConversionError(f"there is no folder {folder} for the {what}; make it first, or choose another place")
    if not os.access(folder, os.W_OK):
        raise ConversionError(f"nothing may be written in {folder}; choose another place for the {what}")


def check_no_input(path: Path, datasets: Sequence[Dataset]) -> None:
    """Refuse to write over a picture or a label file that is read.

    Raises:
        ConversionError: `path` is one.
    """
    inputs = [file for data in datasets for file in (*data.files, *data.pictures)]
    if path.exists() and any(path.samefile(file) for file in inputs):
        raise ConversionError(f"{path} belongs to a data set and would be overwritten; choose another place")
