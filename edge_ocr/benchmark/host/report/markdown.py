"""A report as Markdown, for an issue or a README."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from edge_ocr.benchmark.host.report.blocks import Block, Facts, Heading, Table
from edge_ocr.errors import printable

_MARKUP = re.compile(r"[\\`*_\[\]<>#!|~&$]")


def as_markdown(report: Iterable[Block]) -> str:
    """The blocks as GitHub Flavored Markdown (github.github.com/gfm); what a device says stays plain text in it."""
    return "".join(f"{line}\n" for block in report for line in (*_lines(block), ""))


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Heading):
        yield f"## {_plain(block.text)}"
    elif isinstance(block, Facts):
        yield from _table(("", ""), block.rows, (False, False))
    elif isinstance(block, Table):
        yield f"**{_plain(block.title)}**"
        yield ""
        yield from _table(block.columns, block.rows, block.figures)
    else:
        if block.title:
            yield f"**{_plain(block.title)}**"
            yield ""
        for sentence in block.sentences:
            yield f"- {_plain(sentence)}"


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], figures: tuple[bool, ...]) -> Iterator[str]:
    yield _row(columns)
    yield f"|{'|'.join('---:' if right else '---' for right in figures)}|"
    yield from map(_row, rows)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(_plain, cells))} |"


def _plain(text: str) -> str:
    """Text on one line in which nothing is markup."""
    return _MARKUP.sub(r"\\\g<0>", printable(text))
