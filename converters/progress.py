"""Progress on standard error: bars where a person watches a terminal, one plain line a stage elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


class Progress:
    """Tells one stream (standard error unless given) what is going on."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    @property
    def stream(self) -> TextIO:
        """Where the words go. Standard error is looked up late: it may be replaced while a program runs."""
        return self._stream or sys.stderr

    def note(self, sentence: str) -> None:
        """Write one line, above any bar that is being drawn."""
        tqdm.write(sentence, file=self.stream)

    @contextmanager
    def bar(self, title: str, total: int | None, unit: str) -> Iterator[Callable[[int], object]]:
        """A bar of `total` units (None: unknown); yields a function to call with how many more are done.

        A unit of "B" is shown in kB and MB. Without a terminal, `title` is written once and nothing more.
        """
        if not self.stream.isatty():
            self.note(title)
            yield lambda _done: None
            return
        with tqdm(desc=title, total=total, unit=unit, unit_scale=unit == "B", file=self.stream, leave=False) as bar:
            yield bar.update

    def track(self, items: Iterable[Item], title: str, total: int, unit: str = "item") -> Iterator[Item]:
        """`items`, each counted on a bar of `total` once the caller asks for the next."""
        with self.bar(title, total, unit) as done:
            for item in items:
                yield item
                done(1)
