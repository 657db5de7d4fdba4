"""From names to pictures: files, folders and patterns, and the pages of a file that has several."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, Union

from edge_ocr.errors import PictureError
from edge_ocr.pictures import (
    FILE_SUFFIXES,
    PDF_SIGNATURE,
    TIFF_SIGNATURES,
    Picture,
    TiffPages,
    decode,
    load_picture,
    read_file,
    read_stream,
)

AnySource = Union[str, "os.PathLike[str]", bytes]

STANDARD_INPUT = "-"
SUFFIXES = (*FILE_SUFFIXES, ".pdf")
"""File names by which pictures and documents are found in a folder."""

_DETECTOR_SIDE = 960
_PDF_BEGINS_WITHIN = 1024
"""Bytes in which readers look for the signature (Adobe, PDF Reference 1.7, appendix H.3, note 13)."""


@dataclass(frozen=True)
class SourcePage:
    """One picture, or one page of a file, that has not been decoded yet.

    Attributes:
        number: of the page in its file, from 1; None for a file of one page.
        index: of the page among the wanted ones of that file, from 0.
        wanted: how many of that file are.
        load: decodes or draws the page: (height, width, 3) uint8, BGR; raises PictureError where it cannot be read.
    """

    number: int | None
    index: int
    wanted: int
    load: Callable[[], Picture]


def pages_of(
    source: AnySource,
    pages: Sequence[range] | None = None,
    *,
    long_side: int = _DETECTOR_SIDE,
) -> Iterator[SourcePage]:
    """The pages of a PDF or TIFF file one after another, or the one picture of any other file.

    No page is decoded before its `load` is called, and a PDF file stays on disk.

    Args:
        source: a path, `STANDARD_INPUT`, or the bytes of a file.
        pages: numbers of the wanted pages, from 1, of which the file need not have all; None: every page.
        long_side: of the detector's input, in pixels, which decides how large the pages of a PDF are drawn.

    Raises:
        PictureError: the file cannot be read, or has none of the wanted pages.
    """
    name = _name(source)
    document = _open(source, name, long_side)
    count = len(document)
    wanted = [number for number in range(1, count + 1) if pages is None or any(number in part for part in pages)]
    if not wanted:
        raise PictureError(
            f"{name} has {count} page{'s' * (count > 1)}, none of which is wanted; give other page numbers"
        )
    for index, number in enumerate(wanted):
        yield SourcePage(number if count > 1 else None, index, len(wanted), partial(document.picture, number))


def expand(given: str, *, recursive: bool = False) -> list[str]:
    """The files that one argument stands for: itself, those in a folder, or those that match a pattern.

    Args:
        given: a name, a folder, a pattern or `STANDARD_INPUT`.
        recursive: whether to look into the folders of a folder too.

    Raises:
        PictureError: the name is empty, or the folder cannot be read or has no pictures.
    """
    if not given:
        raise PictureError("the name of a picture is empty; give a file, a folder or a pattern")
    if given == STANDARD_INPUT:
        return [given]
    if os.path.isdir(given):
        found = [name for name in _files_in(given, recursive) if name.lower().endswith(SUFFIXES)]
        if not found:
            within = "" if recursive else " or --recursive"
            raise PictureError(f"the folder {given} has no pictures ({', '.join(SUFFIXES)}); name the files{within}")
        return found
    if not os.path.exists(given):
        return sorted(glob.glob(given, recursive=True)) or [given]
    return [given]


def _files_in(folder: str, recursive: bool) -> Iterator[str]:
    """The names in a folder in order, those of each folder in it where its own name stands; links are not followed."""
    pending = _entries(folder)[::-1]
    while pending:
        path = pending.pop()
        if recursive and os.path.isdir(path) and not os.path.islink(path):
            pending += _entries(path)[::-1]
        else:
            yield path


def _entries(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, entry) for entry in sorted(os.listdir(folder))]
    except OSError as problem:
        raise PictureError(
            f"the folder {folder} cannot be read: {problem.strerror}; check its permissions"
        ) from problem


class _Document(Protocol):
    """The pages of an open file."""

    def __len__(self) -> int: ...

    def picture(self, number: int) -> Picture:
        """Decode a page, counted from 1."""
        ...


class _SinglePicture:
    """A file that is one picture."""

    def __init__(self, load: Callable[[], Picture]) -> None:
        self._load = load

    def __len__(self) -> int:
        return 1

    def picture(self, _: int) -> Picture:
        return self._load()


def _open(source: AnySource, name: str, long_side: int) -> _Document:
    if not isinstance(source, bytes):
        if source == STANDARD_INPUT:  # whatever files are called so
            source = _standard_input()
        elif not os.path.isfile(source):  # a pipe, which can be read once, or no file
            source = read_file(Path(source))
    beginning = source[:_PDF_BEGINS_WITHIN] if isinstance(source, bytes) else _beginning(Path(source))
    if PDF_SIGNATURE in beginning:
        from edge_ocr.pdf import Pdf

        return Pdf(source if isinstance(source, bytes) else Path(source), name, long_side)
    if beginning.startswith(TIFF_SIGNATURES):
        return TiffPages(source if isinstance(source, bytes) else read_file(Path(source)), name)
    return _SinglePicture(partial(decode, source, name) if isinstance(source, bytes) else partial(load_picture, source))


def _name(source: AnySource) -> str:
    """What errors call a source."""
    if isinstance(source, bytes):
        return "the picture"
    return "standard input" if source == STANDARD_INPUT else os.fspath(source)


def _standard_input() -> bytes:
    try:
        return read_stream(sys.stdin.buffer, "standard input")
    except OSError as problem:
        raise PictureError(f"standard input cannot be read: {problem.strerror}; name a file") from problem


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_PDF_BEGINS_WITHIN)
    except OSError:
        return b""  # whoever reads the whole file says what is wrong
