"""`edge-ocr read`: from the names on the command line to pages on standard output or in a file."""

from __future__ import annotations

import glob
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from edge_ocr.atomic import replacing
from edge_ocr.cli import FAILED, NOTHING_DONE, complain
from edge_ocr.errors import EdgeOCRError, PictureError
from edge_ocr.ocr import OCR
from edge_ocr.output import NamedPage, render
from edge_ocr.page import Page
from edge_ocr.pictures import FILE_SUFFIXES, load_picture, read_stream

STANDARD_INPUT = "-"


def read_pictures(options: Namespace) -> int:
    """Run `edge-ocr read` and return its exit status.

    A picture that cannot be read costs one sentence on standard error; the others are read all the same.

    Raises:
        EdgeOCRError: nothing can be read at all, or the results cannot be written.
    """
    names = [name for given in options.pictures for name in _expand(given)]
    annotations = _Annotations(options.save_annotated, names) if options.save_annotated else None
    ocr = OCR(
        options.bundle,
        engine=options.engine,
        threads=options.threads,
        det_side=options.det_side,
        direction=not options.no_direction,
        min_score=options.min_score,
    )
    reading = _Reading(ocr, names, annotations, _Progress(len(names), options.output))
    try:
        _deliver(render(options.format, reading.pages()), options.output)
    except _NothingReadError:
        return NOTHING_DONE
    return FAILED if reading.failures else 0


def _expand(given: str) -> list[str]:
    """The pictures that one argument stands for: itself, those in a folder, or those that match a pattern."""
    if given == STANDARD_INPUT:
        return [given]
    if os.path.isdir(given):
        found = sorted(str(path) for path in Path(given).iterdir() if path.suffix.lower() in FILE_SUFFIXES)
        if not found:
            raise PictureError(f"the folder {given} has no pictures ({', '.join(FILE_SUFFIXES)}); name the files")
        return found
    if not os.path.exists(given) and (matches := sorted(glob.glob(given, recursive=True))):
        return matches
    return [given]


def _deliver(pieces: Iterator[str], output: str | None) -> None:
    """Write the pieces as they come to standard output, or to a file that appears when all are there."""
    if output is None or output == "-":
        for piece in pieces:
            sys.stdout.write(piece)
            sys.stdout.flush()
        return
    with replacing(Path(output)) as stream:
        for piece in pieces:
            stream.write(piece.encode("utf-8", errors="replace"))


class _NothingReadError(Exception):
    """Not one of the pictures could be read, and each has been complained of: no output shall appear."""


class _Reading:
    """Reads one picture after another and counts the failures."""

    def __init__(self, ocr: OCR, names: list[str], annotations: _Annotations | None, progress: _Progress) -> None:
        self.failures = 0
        self._ocr = ocr
        self._names = names
        self._annotations = annotations
        self._progress = progress

    def pages(self) -> Iterator[NamedPage]:
        for done, name in enumerate(self._names):
            self._progress.show(done, name)
            try:
                page = self._page(name)
            except EdgeOCRError as problem:
                self._progress.clear()
                complain(problem)
                self.failures += 1
                continue
            self._progress.clear()
            yield os.fsencode(name).decode("utf-8", errors="replace"), page
        if self.failures == len(self._names):
            raise _NothingReadError

    def _page(self, name: str) -> Page:
        source = read_stream(sys.stdin.buffer, "standard input") if name == STANDARD_INPUT else name
        if self._annotations is None:
            return self._ocr.read(source)
        from edge_ocr.output.annotated import save_annotated

        picture = load_picture(source)
        page = self._ocr.read(picture)
        hidden = save_annotated(self._annotations.path(name), picture, page)
        if hidden:
            print(
                f"note: in the annotated picture of {name} some lines ({hidden}) stand as numbers, as no font on "
                "this computer has their characters; install one such as Noto Sans CJK to see them",
                file=sys.stderr,
            )
        return page


class _Annotations:
    """Where the annotated pictures go: one file for one picture, else a folder of PNG files."""

    def __init__(self, place: str, names: list[str]) -> None:
        from edge_ocr.output.annotated import check_suffix

        self._place = Path(place)
        self._folder = len(names) > 1 or self._place.is_dir()
        self._taken: set[str] = set()
        if not self._folder:
            check_suffix(self._place)
        else:
            try:
                self._place.mkdir(parents=True, exist_ok=True)
            except OSError as problem:
                raise EdgeOCRError(
                    f"{place} cannot be made a folder for the annotated pictures: {problem.strerror}; "
                    "choose another place"
                ) from problem

    def path(self, name: str) -> Path:
        """The file for the annotation of a picture: never the picture itself, nor that of another one."""
        path = self._place / self._unused(name) if self._folder else self._place
        if path.exists() and name != STANDARD_INPUT and path.samefile(name):
            raise EdgeOCRError(f"the annotated picture would overwrite {name}; choose another place")
        return path

    def _unused(self, name: str) -> str:
        stem = "stdin" if name == STANDARD_INPUT else Path(name).stem
        candidate, count = f"{stem}.png", 1
        while candidate in self._taken:
            count += 1
            candidate = f"{stem}-{count}.png"
        self._taken.add(candidate)
        return candidate


class _Progress:
    """A bar on standard error: for several pictures, on a terminal, unless the results show there too."""

    _WIDTH = 20

    def __init__(self, total: int, output: str | None) -> None:
        results_on_terminal = output in (None, "-") and sys.stdout.isatty()
        self._total = total
        self._visible = total > 1 and sys.stderr.isatty() and not results_on_terminal

    def show(self, done: int, name: str) -> None:
        if self._visible:
            bar = "#" * (self._WIDTH * done // self._total)
            self.clear()
            print(
                f"[{bar:<{self._WIDTH}}] {done}/{self._total} {name[-40:]}",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def clear(self) -> None:
        if self._visible:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
