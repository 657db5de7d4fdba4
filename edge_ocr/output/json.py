"""JSON: everything that was read, in one document.

    {"schema": 1, "pages": [
        {"file", "width", "height", "lines": [{"text", "score", "box", "words"}], "timings_ms"}
    ]}

`box` holds four [x, y] in page pixels, clockwise from the top left corner of the text. `words` holds the same
keys as a line, except `words`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from edge_ocr.output import NamedPage
from edge_ocr.page import Page, TextLine, Word

SCHEMA = 1
_OPENING = f'{{"schema": {SCHEMA}, "pages": ['


def render(pages: Iterable[NamedPage]) -> Iterator[str]:
    """One document, one page a row."""
    separator = _OPENING + "\n"
    for name, page in pages:
        yield separator + page_row(name, page)
        separator = ",\n"
    yield (_OPENING if separator.startswith(_OPENING) else "\n") + "]}\n"


def page_row(name: str, page: Page) -> str:
    """One page as JSON without a line break."""
    return json.dumps(page_to_json(name, page), ensure_ascii=False)


def page_to_json(name: str, page: Page) -> dict[str, Any]:
    """One page as `json.dump` takes it."""
    return {
        "file": name,
        "width": page.width,
        "height": page.height,
        "lines": [
            {**_span_to_json(line), "words": [_span_to_json(word) for word in line.words]} for line in page.lines
        ],
        "timings_ms": {stage: round(milliseconds, 3) for stage, milliseconds in page.timings.items()},
    }


def _span_to_json(span: TextLine | Word) -> dict[str, Any]:
    """A hundredth of a pixel and a ten thousandth of a score are finer than any of them means."""
    box = [[round(float(x), 2), round(float(y), 2)] for x, y in span.box]
    return {"text": span.text, "score": round(float(span.score), 4), "box": box}
