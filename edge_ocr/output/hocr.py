"""hOCR 1.2: XHTML in which pages, lines, words and characters carry their place (http://kba.github.io/hocr-spec/1.2/)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape

from edge_ocr.output import NamedPage
from edge_ocr.output.rectangle import around
from edge_ocr.page import Character, Page, Quad, TextLine, Word

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" \
"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
<head>
<title>Text read by edge-ocr</title>
<meta http-equiv="Content-Type" content="text/html;charset=utf-8" />
<meta name="ocr-system" content="edge-ocr" />
<meta name="ocr-capabilities" content="{capabilities}" />
</head>
<body>
"""
_CAPABILITIES = "ocr_page ocr_line ocrx_word"
_TAIL = "</body>\n</html>\n"

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(pages: Iterable[NamedPage], *, characters: bool = False) -> Iterator[str]:
    """One document, one page a piece; characters are of class ocrx_cinfo, as Tesseract writes them."""
    head = _HEAD.format(capabilities=_CAPABILITIES + (" ocrx_cinfo" if characters else ""))
    for number, page in enumerate(pages, start=1):
        yield head + _page(number, page, characters)
        head = ""
    yield head + _TAIL


def _page(number: int, named: NamedPage, characters: bool) -> str:
    """ppageno is the place in a file of several pages, else in this document; both count from 0."""
    page = named.page
    image = named.name.replace("\\", "\\\\").replace('"', '\\"')
    place = (named.number or number) - 1
    title = f'image "{image}"; bbox 0 0 {page.width} {page.height}; ppageno {place}'
    lines = "".join(
        _line(f"{number}_{index}", line, page, characters) for index, line in enumerate(page.lines, start=1)
    )
    return f'<div class="ocr_page" id="page_{number}" title="{_xml(title)}">\n{lines}</div>\n'


def _line(identifier: str, line: TextLine, page: Page, characters: bool) -> str:
    """The words stand as far apart as in the line's text: with a space between them, or, in Chinese, with none."""
    content, rest = "", line.text
    for index, word in enumerate(line.words, start=1):
        gap, _, rest = rest.partition(word.text)
        content += _xml(gap) + _word(f"{identifier}_{index}", word, page, characters)
    title = _bbox(line.box, page)
    return f'<span class="ocr_line" id="line_{identifier}" title="{title}">{content}{_xml(rest)}</span>\n'


def _word(identifier: str, word: Word, page: Page, characters: bool) -> str:
    title = f"{_bbox(word.box, page)}; x_wconf {round(100 * word.score)}"
    content = "".join(_character(each, page) for each in word.characters) if characters else _xml(word.text)
    return f'<span class="ocrx_word" id="word_{identifier}" title="{title}">{content}</span>'


def _character(character: Character, page: Page) -> str:
    places = " ".join(map(str, around(character.box, page)))
    title = f"x_bboxes {places}; x_conf {100 * character.score:.2f}"
    return f'<span class="ocrx_cinfo" title="{title}">{_xml(character.text)}</span>'


def _bbox(box: Quad, page: Page) -> str:
    left, top, right, bottom = around(box, page)
    return f"bbox {left} {top} {right} {bottom}"


def _xml(text: str) -> str:
    """Text as it may stand in XML and in an attribute; what XML cannot hold at all becomes U+FFFD."""
    return escape(_NOT_IN_XML.sub("\ufffd", text), quote=True)
