"""`edge-ocr read`: from the names on the command line to pages on standard output or in a file."""

from __future__ import annotations

import os
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from edge_ocr.annotations import Annotations, refuse_picture
from edge_ocr.atomic import replacing
from edge_ocr.cli import FAILED, NOTHING_DONE, complain, note, put
from edge_ocr.errors import EdgeOCRError, PictureError
from edge_ocr.ocr import OCR
from edge_ocr.output import CHARACTER_FORMATS, NamedPage, render
from edge_ocr.page import Page
from edge_ocr.pictures import Picture
from edge_ocr.progress import Progress
from edge_ocr.resuming import Appender, PageKey, repair
from edge_ocr.sources import STANDARD_INPUT, SourcePage, expand, pages_of

_FAR_TOO_SMALL = 8
"""Text of 24 pixels, that of a good scan, has 3 when a picture is shrunk by so much: nothing finds it."""


def read_pictures(options: Namespace) -> int:
    """Run `edge-ocr read` and return its exit status.

    A picture or page that cannot be read costs one sentence on standard error; the others are read all the same.

    Raises:
        EdgeOCRError: nothing can be read at all, or the results cannot be written.
    """
    _refuse_contradictions(options)
    names = [name for given in options.pictures for name in expand(given, recursive=options.recursive)]
    if options.output is not None:
        refuse_picture(options.output, names)
    done = repair(Path(options.output)) if options.resume else set()
    annotations = Annotations(options.save_annotated, names, options.output) if options.save_annotated else None
    reading = _Reading(options, names, done, annotations)
    pieces = render(options.format, reading.pages(), characters=options.characters)
    try:
        if options.resume:
            _append(pieces, Path(options.output))
        else:
            _deliver(pieces, options.output)
    except _NothingReadError:
        return NOTHING_DONE
    if reading.skipped:
        note(f"{options.output} had {reading.skipped} of these pages already")
    return FAILED if reading.failures else 0


def _refuse_contradictions(options: Namespace) -> None:
    """Refuse options that cannot go together; what one alone may be, the parser has checked."""
    if options.characters and options.format not in CHARACTER_FORMATS:
        others = " or ".join(CHARACTER_FORMATS)
        raise EdgeOCRError(f"--format {options.format} has no place for --characters; use --format {others}")
    if not options.resume:
        return
    if options.format != "jsonl" or options.output in (None, "-"):
        raise EdgeOCRError(
            "only a file with a line for each page can be carried on; use --resume with --format jsonl -o FILE"
        )
    if STANDARD_INPUT in options.pictures:
        raise EdgeOCRError("standard input has no name by which --resume could know it again; name files")


def _append(rows: Iterator[str], output: Path) -> None:
    """Add the rows to a file as they come."""
    with closing(Appender(output)) as appender:
        for row in rows:
            appender.append(row)


def _deliver(pieces: Iterator[str], output: str | None) -> None:
    """Write the pieces as they come to standard output, or to a file that appears when all are there."""
    if output is None or output == "-":
        for piece in pieces:
            put(piece)
        return
    with replacing(Path(output)) as stream:
        for piece in pieces:
            stream.write(piece.encode("utf-8", errors="replace"))


def _open(options: Namespace) -> OCR:
    try:
        return OCR(
            options.bundle,
            engine=options.engine,
            threads=options.threads,
            det_side=options.det_side,
            direction=not options.no_direction,
            min_score=options.min_score,
        )
    except ValueError as problem:  # what only the bundle knows to be out of range
        raise EdgeOCRError(f"this bundle cannot be used with these options: {problem}") from problem


class _NothingReadError(Exception):
    """Not one of the pictures could be read, and each has been complained of: no output shall appear."""


class _Reading:
    """Reads one picture after another.

    Attributes:
        failures: pictures and pages that could not be read, or not be saved with what was seen in them.
        skipped: pages that another run has read.
    """

    def __init__(
        self, options: Namespace, names: list[str], done: set[PageKey], annotations: Annotations | None
    ) -> None:
        self.failures = 0
        self.skipped = 0
        self._ocr = _open(options)
        self._det_side = options.det_side or self._ocr.bundle.manifest.models.detector.input.size.long_side
        self._wanted = options.pages
        self._names = names
        self._done = done
        self._annotations = annotations
        self._progress = Progress(len(names), options.output)

    def pages(self) -> Iterator[NamedPage]:
        nothing_read = True
        for place, name in enumerate(self._names):
            shown = os.fsencode(name).decode("utf-8", errors="replace")
            for source in self._pages_of(name):
                if (shown, source.number) in self._done:
                    self.skipped += 1
                    continue
                if self._annotations:
                    self._annotations.check(source)
                try:
                    with self._progress.shown(place, source.index, source.wanted, name):
                        picture, page = self._read(source)
                except PictureError as problem:
                    # A fault of the bundle or the engine ends the run: it would come again with each picture.
                    self._fail(problem)
                    continue
                self._annotate(name, source, picture, page)
                nothing_read = False
                yield NamedPage(shown, page, source.number)
                self._note_what_is_left_out(name, page)
        if nothing_read and not self.skipped:
            raise _NothingReadError

    def _pages_of(self, name: str) -> Iterator[SourcePage]:
        try:
            yield from pages_of(name, self._wanted, long_side=self._det_side)
        except PictureError as problem:
            self._fail(problem)

    def _read(self, source: SourcePage) -> tuple[Picture, Page]:
        start = time.perf_counter()
        picture = source.load()
        decoding = (time.perf_counter() - start) * 1000
        page = self._ocr.read(picture)
        timings = {**page.timings, "decode": decoding, "total": decoding + page.timings["total"]}
        return picture, replace(page, timings=timings)

    def _annotate(self, name: str, source: SourcePage, picture: Picture, page: Page) -> None:
        if self._annotations is None:
            return
        try:
            self._annotations.save(name, source, picture, page)
        except EdgeOCRError as problem:
            self._fail(problem)

    def _fail(self, problem: EdgeOCRError) -> None:
        complain(problem)
        self.failures += 1

    def _note_what_is_left_out(self, name: str, page: Page) -> None:
        shrinking = self._ocr.detector.shrinking(page.height, page.width)
        if shrinking > _FAR_TOO_SMALL:
            note(
                f"{name} has {page.width} x {page.height} pixels but was looked at {shrinking:.0f} times smaller, so "
                "that text may be missed; use a larger --det-side, or cut the picture"
            )
