"""Progress: a bar for a person at a terminal, one plain line for everything else."""

from __future__ import annotations

import io

from converters.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_a_bar_is_its_title() -> None:
    stream = io.StringIO()
    assert list(Progress(stream).track(range(3), "reading", total=3)) == [0, 1, 2]
    assert stream.getvalue() == "reading\n"


def test_on_a_terminal_a_bar_counts() -> None:
    stream = Terminal()
    with Progress(stream).bar("reading", total=2000, unit="B") as done:
        done(1000)
        done(1000)
    assert "reading" in stream.getvalue() and "2.00k" in stream.getvalue()
