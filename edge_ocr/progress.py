"""A bar on standard error, for reading that takes a while."""

from __future__ import annotations

import shutil
import sys
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from edge_ocr.errors import printable

_WIDTH = 20


class Progress:
    """Shows how far a run over several pictures is, how fast, and how long it will take; on a terminal only."""

    def __init__(self, files: int, output: str | None) -> None:
        """`files` are to be read, and the results go to `output`: not to the terminal on which the bar would be."""
        results_on_terminal = output in (None, "-") and sys.stdout.isatty()
        self._files = files
        self._visible = sys.stderr.isatty() and not results_on_terminal
        self._start: tuple[float, float] | None = None
        self._pages = 0

    @contextmanager
    def shown(self, file: int, page: int, pages: int, name: str) -> Iterator[None]:
        """Show the bar while the body reads a page.

        Args:
            file: how many files are done.
            page: how many pages of this file are done.
            pages: of this file.
            name: of this file.
        """
        if not self._visible or self._files * pages == 1:
            yield
            return
        part = f" page {page + 1}/{pages}" if pages > 1 else ""
        bar, pace = self._bar((file + page / pages) / self._files), self._pace(file + page / pages)
        self._write(f"[{bar}] {file}/{self._files}{pace} {printable(name)[-40:]}{part}")
        try:
            yield
        finally:
            self._write("")
            self._pages += 1

    def _bar(self, share: float) -> str:
        return f"{'#' * int(_WIDTH * share):<{_WIDTH}}"

    def _pace(self, done: float) -> str:
        """Pages a second and the time left, once some pages have been read; `done` counts files."""
        now = time.monotonic()
        if self._start is None:  # what another run has read is not counted
            self._start = now, done
        since, done_before = self._start
        if done <= done_before or now <= since:
            return ""
        left = (now - since) * (self._files - done) / (done - done_before)
        return f" {self._pages / (now - since):.1f}/s {_clock(left)} left"

    def _write(self, row: str) -> None:
        columns = shutil.get_terminal_size().columns
        print(f"\r\x1b[K{_cut(row, columns - 1)}", end="", file=sys.stderr, flush=True)


def _cut(row: str, columns: int) -> str:
    """As much of a row as so many columns of a terminal hold, of which a Chinese character takes two."""
    for place, character in enumerate(row):
        columns -= 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns < 0:
            return row[:place]
    return row


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
