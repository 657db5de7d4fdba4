"""What the comparing commands check of their arguments, and how they write what they were asked for."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_ocr.atomic import replacing
from edge_ocr.destination import check_file_destination
from edge_ocr.errors import EdgeOCRError


def positive(text: str) -> int:
    """A whole number of at least 1, as argparse's `type`."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return int(text)


def destination(text: str) -> Path:
    """A file that can be written, as argparse's `type`: refused before the work rather than after it."""
    path = Path(text)
    try:
        check_file_destination(path, "file")
    except EdgeOCRError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem
    return path


def write_text(path: Path, text: str) -> None:
    """Write a file as a whole or not at all.

    Raises:
        EdgeOCRError: the place cannot be written to.
    """
    with replacing(path) as stream:
        stream.write(text.encode())
