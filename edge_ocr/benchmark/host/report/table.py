"""A report on a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from edge_ocr.benchmark.host.report.blocks import Block, Facts, Heading, Table
from edge_ocr.errors import printable

WIDTH = 110
"""Columns at which sentences are broken; tables are as wide as they are."""
_NAMES = 14
"""Columns for the names of facts."""


def as_table(report: Iterable[Block]) -> str:
    """The blocks as lines of plain text, with an empty one after each block."""
    return "".join(f"{line}\n" for block in report for line in (*_lines(block), ""))


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield printable(block.text)
    elif isinstance(block, Facts):
        width = max(_NAMES, *(len(name) for name, _ in block.rows))
        for name, value in block.rows:
            yield from _wrapped(f"{name:<{width}}  {printable(value)}", width + 2)
    elif isinstance(block, Table):
        yield printable(block.title)
        yield from _columns(block)
    else:
        if block.title:
            yield printable(block.title)
        for sentence in block.sentences:
            yield from _wrapped(f"  {printable(sentence)}", 4)


def _wrapped(line: str, indent: int) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)


def _columns(table: Table) -> Iterator[str]:
    rows = [tuple(map(printable, row)) for row in (table.columns, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, table.figures, strict=True)
        yield "  ".join(["", *(f"{cell:{'>' if figures else '<'}{width}}" for cell, width, figures in cells)]).rstrip()
