"""JSON: everything that was read, in one document.

    {"schema": 1, "pages": [
        {"file", "page", "width", "height", "lines": [{"text", "score", "box", "words"}], "timings_ms"}
    ]}

`page` is there for a page of a file that has several, and counts from 1. `box` holds four [x, y] in page pixels,
clockwise from the top left corner of the text. `words` holds the same keys as a line, except `words`; where they are
asked for, each word has `characters` with those keys again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from edge_ocr.output import NamedPage
from edge_ocr.page import Character, TextLine, Word

SCHEMA = 1
_OPENING = f'{{"schema": {SCHEMA}, "pages": ['


def render(pages: Iterable[NamedPage], *, characters: bool = False) -> Iterator[str]:
    """One document, one page a row."""
    separator = _OPENING + "\n"
    for page in pages:
        yield separator + page_row(page, characters=characters)
        separator = ",\n"
    yield (_OPENING if separator.startswith(_OPENING) else "\n") + "]}\n"


def page_row(page: NamedPage, *, characters: bool) -> str:
    """One page as JSON without a line break."""
    return json.dumps(page_to_json(page, characters=characters), ensure_ascii=False)


def page_to_json(named: NamedPage, *, characters: bool) -> dict[str, Any]:
    """One page as `json.dump` takes it."""
    page = named.page
    return {
        "file": named.name,
        **({} if named.number is None else {"page": named.number}),
        "width": page.width,
        "height": page.height,
        "lines": [
            {**_span_to_json(line), "words": [_word_to_json(word, characters) for word in line.words]}
            for line in page.lines
        ],
        "timings_ms": {stage: round(milliseconds, 3) for stage, milliseconds in page.timings.items()},
    }


def _word_to_json(word: Word, characters: bool) -> dict[str, Any]:
    if not characters:
        return _span_to_json(word)
    return {**_span_to_json(word), "characters": [_span_to_json(character) for character in word.characters]}


def _span_to_json(span: TextLine | Word | Character) -> dict[str, Any]:
    """A hundredth of a pixel and a ten thousandth of a score are finer than any of them means."""
    box = [[round(float(x), 2), round(float(y), 2)] for x, y in span.box]
    return {"text": span.text, "score": round(float(span.score), 4), "box": box}
