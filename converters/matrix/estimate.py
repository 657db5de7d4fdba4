"""How long a walk over many systems may still take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from converters.progress import Progress

_REMEMBERED = 8
"""Cells that the estimate goes by: what was found in the cache takes seconds, and soon no longer counts."""


class Estimate:
    """Counts the cells of a matrix, and tells after each how long the rest may take."""

    def __init__(self, cells: int, progress: Progress) -> None:
        """`cells` are to be done; `progress` is told."""
        self._cells, self._done = cells, 0
        self._progress = progress
        self._seconds: deque[float] = deque(maxlen=_REMEMBERED)

    @contextmanager
    def cell(self, name: str) -> Iterator[None]:
        """Count what the block does as one cell."""
        self._done += 1
        self._progress.note(f"[{self._done} of {self._cells}] {name}")
        start = time.monotonic()
        yield
        self._seconds.append(time.monotonic() - start)
        if left := self._cells - self._done:
            rest = left * sum(self._seconds) / len(self._seconds)
            self._progress.note(f"{in_words(self._seconds[-1])}; about {in_words(rest)} to go")

    def leave_out(self, cells: int) -> None:
        """So many cells will not be done."""
        self._cells -= cells


def in_words(seconds: float) -> str:
    """A duration, rounded: `40 s`, `7 min`, `1 h 20 min`."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
