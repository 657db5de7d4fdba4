"""The page, piece by piece: the figures, the lines that are read differently, the pages with different boxes."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from converters.gallery.boxes import page_article
from converters.gallery.cuttings import Cuttings, Piece, WholePage
from converters.gallery.differences import Differences, Right
from converters.gallery.figures import Figure
from converters.gallery.html import Html, fill, filled, isolated, read_template, shown
from converters.gallery.rows import line_crops, lone_crop, text_row
from converters.gallery.wording import count, short_names


def wanted_pieces(differences: Differences) -> Iterator[Piece]:
    """What the page shows of the pictures, the most important first."""
    for difference in differences.texts:
        yield from line_crops(difference).values()
    for page in differences.pages:
        yield WholePage(page.picture)
        yield from (lone_crop(page.picture, lone) for lone in page.lone)


def document(
    title: str, differences: Differences, cuttings: Cuttings, figures: Iterable[Figure], facts: Mapping[str, str]
) -> Iterator[str]:
    """The whole page.

    Args:
        title: its heading.
        differences: what it shows.
        cuttings: of the pictures, already cut.
        figures: how much the two agree.
        facts: what was compared, name -> value.
    """
    style, script = Html(read_template("gallery.css")), Html(read_template("gallery.js"))
    pictures = [each.picture for each in differences.texts] + [page.picture for page in differences.pages]
    named = {picture: isolated(shown(name)) for picture, name in short_names(pictures).items()}
    return fill(
        "gallery.html",
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        title=title,
        heading=isolated(shown(title)),
        summary=" ".join(_summary(differences)),
        figures=(filled("figure.html", **vars(figure)) for figure in figures),
        facts=(
            filled("fact.html", name=isolated(shown(name)), value=isolated(shown(value)))
            for name, value in facts.items()
        ),
        texts_intro=_introduction("texts" if differences.texts else "no_texts"),
        texts=(
            text_row(number, each, cuttings, named[each.picture])
            for number, each in enumerate(differences.texts, start=1)
        ),
        boxes_intro=_introduction("boxes" if differences.pages else "no_boxes"),
        pages=(
            page_article(number, page, cuttings, named[page.picture])
            for number, page in enumerate(differences.pages, start=1)
        ),
        left_out=_left_out(cuttings),
    )


def _introduction(what: str) -> Html:
    return filled(f"{what}.html")


def _summary(differences: Differences) -> Iterator[str]:
    counted = sum(each.counts for each in differences.texts)
    alike = len(differences.texts) - counted
    lone = [line for page in differences.pages for line in page.lone]
    if not differences.texts and not differences.pages:
        yield f"No difference: {count(differences.compared, 'line')} found by both, and read alike to the letter."
        return
    yield f"Of {count(differences.compared, 'line')} that both find, {counted:,} are read differently."
    if alike:
        yield f"In {alike:,} more only case, width or spaces differ, which does not count."
    if lone:
        yield f"{count(len(lone), 'line is', 'lines are')} found by one of the two only."
    right = Counter(each.right for each in differences.texts if each.counts)
    if right.total() > right[Right.UNKNOWN]:
        yield (
            f"Where a label tells who is right, it is FP32 {count(right[Right.REFERENCE], 'time')}, "
            f"the bundle {count(right[Right.BUNDLE], 'time')}, neither {count(right[Right.NEITHER], 'time')}."
        )


def _left_out(cuttings: Cuttings) -> Html:
    if not cuttings.left_out:
        return Html()
    return filled("left_out.html", number=count(cuttings.left_out, "picture"), limit=f"{cuttings.limit / 1e6:,.0f} MB")


def _hash(content: str) -> str:
    """As a content security policy names what may stand inline (W3C, Content Security Policy Level 3, 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
