"""A page on which the two find different boxes: its picture with those boxes, below it the lines that one lacks."""

from __future__ import annotations

from collections.abc import Iterator

from converters.gallery.cuttings import Cuttings, WholePage
from converters.gallery.differences import PageDifference
from converters.gallery.html import Html, filled
from converters.gallery.rows import lone_row
from converters.gallery.wording import count
from edge_ocr.page import Quad


def page_article(number: int, page: PageDifference, cuttings: Cuttings, name: Html) -> Html:
    """One page.

    Args:
        number: its place in the list.
        page: what differs.
        cuttings: where its picture is, and those of its lines.
        name: of the picture.
    """
    counts = ", ".join(_counts(page))
    return filled(
        "page.html",
        id=f"p{number}",
        source=name,
        counts=counts,
        width=str(page.width),
        height=str(page.height),
        image=_image(page, cuttings),
        boxes=_boxes(number, page),
        lines=(
            lone_row(f"p{number}-{index}", index, page.picture, lone, cuttings, name)
            for index, lone in enumerate(page.lone, start=1)
        ),
    )


def _counts(page: PageDifference) -> Iterator[str]:
    if lines := page.lone_of(reference=True):
        yield f"{count(lines, 'line')} found by FP32 only"
    if lines := page.lone_of(reference=False):
        yield f"{count(lines, 'line')} found by the bundle only"
    if page.moved:
        yield f"{count(len(page.moved), 'box', 'boxes')} moved"


def _image(page: PageDifference, cuttings: Cuttings) -> Html:
    cutting = cuttings.get(WholePage(page.picture))
    if cutting is None:
        return Html()
    return filled("image.html", source=cutting.data_uri, width=str(page.width), height=str(page.height))


def _boxes(page_number: int, page: PageDifference) -> Iterator[Html]:
    """Moved ones first, so that they hide none of the others."""
    for first, second in page.moved:
        yield filled("moved.html", points=_points(first), moved_points=_points(second))
    for number, lone in enumerate(page.lone, start=1):
        left, top = lone.line.box.min(axis=0).tolist()
        yield filled(
            "box.html",
            id=f"p{page_number}-{number}",
            kind="reference" if lone.by_reference else "bundle",
            size=f"{max(page.width, page.height) / 60:.1f}",
            title=lone.line.text,
            points=_points(lone.line.box),
            x=f"{left:.1f}",
            y=f"{top:.1f}",
            number=str(number),
        )


def _points(box: Quad) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in box.tolist())
