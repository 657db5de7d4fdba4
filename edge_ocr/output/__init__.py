"""Ways to write pages: one module a format, each with `render(pages)`, found by its name.

`render` takes pages as they are read and gives the text piece by piece, so that the first page can be shown
before the second is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_ocr.page import Page

FORMATS = ("text", "json", "jsonl", "tsv", "hocr")

NamedPage = tuple[str, "Page"]
"""The name of a picture, as the reader of the output shall see it, and what was read from it."""


def render(name: str, pages: Iterable[NamedPage]) -> Iterator[str]:
    """The pages in the format of that name, one of `FORMATS`, piece by piece."""
    pieces: Iterator[str] = import_module(f"edge_ocr.output.{name}").render(pages)
    return pieces
