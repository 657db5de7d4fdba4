"""JSON lines: one page a row, each as in the `pages` of the JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edge_ocr.output import NamedPage
from edge_ocr.output.json import page_row


def render(pages: Iterable[NamedPage], *, characters: bool = False) -> Iterator[str]:
    """One page a row and a piece."""
    for page in pages:
        yield page_row(page, characters=characters) + "\n"
