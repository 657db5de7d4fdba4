"""Plain text: the lines in reading order. A form feed stands between pages, as in Tesseract and pdftotext."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edge_ocr.output import NamedPage


def render(pages: Iterable[NamedPage]) -> Iterator[str]:
    """One line of text a row, one page a piece."""
    for index, named in enumerate(pages):
        break_before = "\f" if index else ""
        yield break_before + "".join(f"{line.text}\n" for line in named.page.lines)
