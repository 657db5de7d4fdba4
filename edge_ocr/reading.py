"""`edge-ocr read`: from the names on the command line to pages on standard output or in a file."""

from __future__ import annotations

import glob
import itertools
import os
import sys
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from edge_ocr.atomic import replacing
from edge_ocr.cli import FAILED, NOTHING_DONE, complain, note, put
from edge_ocr.errors import EdgeOCRError, PictureError
from edge_ocr.ocr import OCR
from edge_ocr.output import NamedPage, render
from edge_ocr.page import Page
from edge_ocr.pictures import FILE_SUFFIXES, Picture, load_picture, read_stream

STANDARD_INPUT = "-"

_FAR_TOO_SMALL = 8
"""Text of 24 pixels, that of a good scan, has 3 when a picture is shrunk by so much: nothing finds it."""


def read_pictures(options: Namespace) -> int:
    """Run `edge-ocr read` and return its exit status.

    A picture that cannot be read costs one sentence on standard error; the others are read all the same.

    Raises:
        EdgeOCRError: nothing can be read at all, or the results cannot be written.
    """
    names = [name for given in options.pictures for name in _expand(given)]
    if options.output is not None:
        _refuse_picture(options.output, names)
    annotations = _Annotations(options.save_annotated, names) if options.save_annotated else None
    reading = _Reading(options, names, annotations)
    try:
        _deliver(render(options.format, reading.pages()), options.output)
    except _NothingReadError:
        return NOTHING_DONE
    return FAILED if reading.failures else 0


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


def _expand(given: str) -> list[str]:
    """The pictures that one argument stands for: itself, those in a folder, or those that match a pattern."""
    if not given:
        raise PictureError("the name of a picture is empty; give a file, a folder or a pattern")
    if os.path.isdir(given):
        try:
            entries = sorted(os.listdir(given))
        except OSError as problem:
            raise PictureError(
                f"the folder {given} cannot be read: {problem.strerror}; check its permissions"
            ) from problem
        found = [os.path.join(given, entry) for entry in entries if entry.lower().endswith(FILE_SUFFIXES)]
        if not found:
            raise PictureError(f"the folder {given} has no pictures ({', '.join(FILE_SUFFIXES)}); name the files")
        return found
    if given != STANDARD_INPUT and not os.path.exists(given):
        return sorted(glob.glob(given, recursive=True)) or [given]
    return [given]


def _refuse_picture(target: str, names: list[str]) -> None:
    """Refuse to write where one of the pictures is."""
    if os.path.realpath(target) in {os.path.realpath(name) for name in names if name != STANDARD_INPUT}:
        raise EdgeOCRError(f"{target} is one of the pictures and would be overwritten; choose another place")


def _deliver(pieces: Iterator[str], output: str | None) -> None:
    """Write the pieces as they come to standard output, or to a file that appears when all are there."""
    if output is None or output == "-":
        for piece in pieces:
            put(piece)
        return
    with replacing(Path(output)) as stream:
        for piece in pieces:
            stream.write(piece.encode("utf-8", errors="replace"))


class _NothingReadError(Exception):
    """Not one of the pictures could be read, and each has been complained of: no output shall appear."""


class _Reading:
    """Reads one picture after another and counts the failures."""

    def __init__(self, options: Namespace, names: list[str], annotations: _Annotations | None) -> None:
        self.failures = 0
        self._ocr = _open(options)
        self._det_side = options.det_side or self._ocr.bundle.manifest.models.detector.input.size.long_side
        self._names = names
        self._annotations = annotations
        self._progress = _Progress(len(names), options.output)

    def pages(self) -> Iterator[NamedPage]:
        nothing_read = True
        for done, name in enumerate(self._names):
            try:
                with self._progress.shown(done, name):
                    source = _standard_input() if name == STANDARD_INPUT else name
                    picture = load_picture(source) if self._annotations else source  # to be decoded only once
                    page = self._ocr.read(picture)
            except PictureError as problem:  # a fault of the bundle or the engine would come again with each picture
                self._fail(problem)
                continue
            nothing_read = False
            yield os.fsencode(name).decode("utf-8", errors="replace"), page
            self._note_what_is_left_out(name, source, page)
            if self._annotations:
                try:
                    self._annotations.save(name, load_picture(picture), page)
                except EdgeOCRError as problem:
                    self._fail(problem)
        if nothing_read:
            raise _NothingReadError

    def _fail(self, problem: EdgeOCRError) -> None:
        complain(problem)
        self.failures += 1

    def _note_what_is_left_out(self, name: str, source: str | bytes, page: Page) -> None:
        looked_at = self._det_side
        if max(page.width, page.height) > _FAR_TOO_SMALL * looked_at:
            note(
                f"{name} has {page.width} x {page.height} pixels but was looked at with {looked_at} on its long "
                "side, so that text may be missed; use a larger --det-side, or cut the picture"
            )
        pages = _pages_in_file(source)
        if pages > 1:
            note(f"{name} has {pages} pages, of which only the first was read; save the others as files of their own")


def _standard_input() -> bytes:
    try:
        return read_stream(sys.stdin.buffer, "standard input")
    except OSError as problem:
        raise PictureError(f"standard input cannot be read: {problem.strerror}; name a file") from problem


def _pages_in_file(source: str | bytes) -> int:
    """The number of pages of a TIFF file; 1 for all else: no other format has pages, and no pipe is read twice."""
    if isinstance(source, bytes):
        may_have_pages = source.startswith((b"II", b"MM"))
    else:
        may_have_pages = source.lower().endswith((".tif", ".tiff")) and os.path.isfile(source)
    if not may_have_pages:
        return 1
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large sizes and odd tags
            with Image.open(BytesIO(source) if isinstance(source, bytes) else source, formats=("TIFF",)) as image:
                return int(getattr(image, "n_frames", 1))
    except Exception:  # Pillow's readers let errors of every kind out of a damaged file; the first page was read
        return 1


class _Annotations:
    """Where the annotated pictures go: the file of that name, or a folder of PNG files."""

    def __init__(self, place: str, names: list[str]) -> None:
        from edge_ocr.output.annotated import check_suffix

        self._place = Path(place)
        self._folder = place.endswith(os.sep) or os.path.isdir(place) or not self._place.suffix
        if self._folder:
            return
        check_suffix(self._place)
        if len(names) > 1:
            raise EdgeOCRError(f"{place} is one file, for {len(names)} annotated pictures; name a folder, as {place}/")
        _refuse_picture(place, names)

    def save(self, name: str, picture: Picture, page: Page) -> None:
        """Write the annotated picture; EdgeOCRError where that fails."""
        from edge_ocr.output.annotated import save_annotated

        hidden = save_annotated(self._unused(name) if self._folder else self._place, picture, page)
        if hidden:
            note(
                f"in the annotated picture of {name} some lines ({hidden}) stand as numbers, as no font on "
                "this computer has their characters; install one such as Noto Sans CJK to see them"
            )

    def _unused(self, name: str) -> Path:
        """A file in the folder that is not there yet, and the folder itself."""
        try:
            self._place.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise EdgeOCRError(
                f"{self._place} cannot be made a folder for the annotated pictures: {problem.strerror}; "
                "choose another place"
            ) from problem
        stem = "stdin" if name == STANDARD_INPUT else Path(name).stem
        numbered = (self._place / f"{stem}-{count}.png" for count in itertools.count(2))
        candidates = itertools.chain([self._place / f"{stem}.png"], numbered)
        return next(path for path in candidates if not os.path.lexists(path))


class _Progress:
    """A bar on standard error: for several pictures, on a terminal, unless the results show there too."""

    _WIDTH = 20

    def __init__(self, total: int, output: str | None) -> None:
        results_on_terminal = output in (None, "-") and sys.stdout.isatty()
        self._total = total
        self._visible = total > 1 and sys.stderr.isatty() and not results_on_terminal

    @contextmanager
    def shown(self, done: int, name: str) -> Iterator[None]:
        """Show the bar while the body runs."""
        if not self._visible:
            yield
            return
        bar = "#" * (self._WIDTH * done // self._total)
        self._write(f"[{bar:<{self._WIDTH}}] {done}/{self._total} {name[-40:]}")
        try:
            yield
        finally:
            self._write("")

    def _write(self, row: str) -> None:
        print(f"\r\x1b[K{row}", end="", file=sys.stderr, flush=True)
