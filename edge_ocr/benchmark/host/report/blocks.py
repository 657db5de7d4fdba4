"""What a report is made of, so that a terminal and Markdown can each show it in their way.

The texts come from a device that nobody vouches for: whoever shows a block makes them harmless.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """What the report is about."""

    text: str


@dataclass(frozen=True)
class Facts:
    """Names and what they stand for."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """Rows of equal length under `columns`."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def figures(self) -> tuple[bool, ...]:
        """Of each column whether it holds figures, which stand on its right."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.columns)
        return tuple(all(not cell or cell[0] in "-0123456789" for cell in column) for column in columns)


@dataclass(frozen=True)
class Notes:
    """Sentences that belong together."""

    title: str
    sentences: tuple[str, ...]


Block = Heading | Facts | Table | Notes
