"""Where results go: never in the place of what they were made from, and whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from converters.errors import ConversionError
from converters.evaluation.datasets import Dataset
from converters.progress import Progress
from edge_ocr.atomic import replacing


def check_no_input(path: Path, datasets: Sequence[Dataset]) -> None:
    """Refuse to write over a picture or a label file that is read.

    Raises:
        ConversionError: `path` is one.
    """
    inputs = [file for data in datasets for file in (*data.files, *data.pictures)]
    if path.exists() and any(path.samefile(file) for file in inputs):
        raise ConversionError(f"{path} belongs to a data set and would be overwritten; choose another place")


def write_results(results: Iterable[tuple[Path | None, bytes]], progress: Progress) -> None:
    """Write each content to its file, and tell of it; what has no file was not asked for.

    Raises:
        EdgeOCRError: a file cannot be written.
    """
    for path, content in results:
        if path is not None:
            with replacing(path) as stream:
                stream.write(content)
            progress.note(f"written: {path}")
