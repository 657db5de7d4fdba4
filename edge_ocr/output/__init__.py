"""Ways to write pages: one module a format, each with `render(pages)`, found by its name.

`render` takes pages as they are read and gives the text piece by piece, so that the first page can be shown
before the second is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_ocr.page import Page

FORMATS = ("text", "json", "jsonl", "tsv", "hocr")
CHARACTER_FORMATS = ("json", "jsonl", "hocr")
"""Those that can hold characters below the words."""


@dataclass(frozen=True)
class NamedPage:
    """A page, and where it is from.

    Attributes:
        name: of the file, as the reader of the output shall see it.
        page: what was read.
        number: of the page in a file that has several, from 1; None for a picture.
    """

    name: str
    page: Page
    number: int | None = None


def render(name: str, pages: Iterable[NamedPage], *, characters: bool = False) -> Iterator[str]:
    """The pages in the format of that name, one of `FORMATS`, piece by piece.

    Args:
        name: of the format.
        pages: to be written.
        characters: whether to write the characters of each word too, in one of `CHARACTER_FORMATS`.
    """
    module = import_module(f"edge_ocr.output.{name}")
    pieces: Iterator[str] = module.render(pages, characters=True) if characters else module.render(pages)
    return pieces
