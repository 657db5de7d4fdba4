"""What became of the cases of a fault run, and the table of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Outcome(Enum):
    """How one case ended."""

    WORKED = "worked"
    REFUSED = "refused"
    """In one sentence."""
    CRASHED = "crashed"
    """Ended by a signal that nobody sent."""
    TRACEBACK = "traceback"
    HUNG = "hung"
    UNTIDY = "untidy"
    """More or less than one sentence, another exit status than it should be, or something left behind."""
    TORN = "torn"
    """A file that is neither the old one nor the new one."""


GOOD = (Outcome.WORKED, Outcome.REFUSED)


class Result(NamedTuple):
    """The end of one case.

    Attributes:
        kind: of fault.
        outcome: how it ended.
        detail: what was said, and how to repeat the case where the outcome is bad.
    """

    kind: str
    outcome: Outcome
    detail: str = ""


@dataclass
class Table:
    """Counts by kind of fault, and the bad ones in full."""

    counts: dict[str, Counter[Outcome]]
    bad: list[Result]

    @classmethod
    def of(cls, results: Iterable[Result]) -> Table:
        """Count."""
        table = cls({}, [])
        for result in results:
            table.add(result)
        return table

    def add(self, result: Result) -> None:
        """Count one more."""
        self.counts.setdefault(result.kind, Counter())[result.outcome] += 1
        if result.outcome not in GOOD:
            self.bad.append(result)

    def __str__(self) -> str:
        """A Markdown table; a kind of fault a row."""
        heads = ["faults", "cases", *(outcome.value for outcome in Outcome)]
        rows = [
            [kind, str(counts.total()), *(str(counts[outcome]) for outcome in Outcome)]
            for kind, counts in self.counts.items()
        ]
        total = sum(self.counts.values(), Counter[Outcome]())
        rows.append(["all", str(total.total()), *(str(total[outcome]) for outcome in Outcome)])
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]

        def line(cells: list[str]) -> str:
            first, *others = [
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ]
            return f"| {' | '.join([first, *others])} |"

        rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
        return "\n".join([line(heads), line(rule), *map(line, rows)])
