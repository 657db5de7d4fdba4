"""Tab-separated values, with the columns of Tesseract's TSV, and after them `file` and `page`.

What reads Tesseract's table reads this one. There is a row for each page (level 1), line (level 4) and word
(level 5); only words have a text and a confidence, 0 to 100, the others have -1. Blocks and paragraphs are
not told apart: both are 1. `page_num` counts the pages of the table, `page` those of a file that has several.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edge_ocr.output import NamedPage
from edge_ocr.output.rectangle import around
from edge_ocr.page import Page, Quad

_COLUMNS = (
    "level", "page_num", "block_num", "par_num", "line_num", "word_num",
    "left", "top", "width", "height", "conf", "text", "file", "page",
)  # fmt: skip
_PAGE, _LINE, _WORD = 1, 4, 5


def render(pages: Iterable[NamedPage]) -> Iterator[str]:
    """The header, then one page a piece."""
    for number, page in enumerate(pages, start=1):
        header = _row(*_COLUMNS) if number == 1 else ""
        yield header + "".join(_page_rows(number, page))


def _page_rows(number: int, named: NamedPage) -> Iterator[str]:
    page = named.page
    origin = named.name, "" if named.number is None else named.number
    yield _row(_PAGE, number, 0, 0, 0, 0, 0, 0, page.width, page.height, -1, "", *origin)
    for line_number, line in enumerate(page.lines, start=1):
        yield _row(_LINE, number, 1, 1, line_number, 0, *_place(line.box, page), -1, "", *origin)
        for word_number, word in enumerate(line.words, start=1):
            confidence = f"{100 * word.score:.2f}"
            place = _place(word.box, page)
            yield _row(_WORD, number, 1, 1, line_number, word_number, *place, confidence, word.text, *origin)


def _place(box: Quad, page: Page) -> tuple[int, int, int, int]:
    """Left, top, width, height."""
    left, top, right, bottom = around(box, page)
    return left, top, right - left, bottom - top


def _row(*values: object) -> str:
    """One row. The format knows no quoting, so a tab or line break in a file's name becomes a space."""
    return "\t".join(" ".join(str(value).splitlines()).replace("\t", " ") for value in values) + "\n"
