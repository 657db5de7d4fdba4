"""One line as a row of the page: its picture, what was read, and who is right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from converters.gallery.cuttings import Cuttings, Line
from converters.gallery.differences import LoneLine, Right, TextDifference
from converters.gallery.html import Html, filled, isolated, shown
from converters.gallery.marking import marked

_NAMES = {"reference": "FP32", "bundle": "bundle"}
"""The class that colours what is one's -> its name in a column."""
_SPOKEN = {"reference": "FP32", "bundle": "the bundle"}
"""Likewise, in a sentence."""

_VERDICTS = {
    Right.REFERENCE: "FP32 is right",
    Right.BUNDLE: "the bundle is right",
    Right.BOTH: "both are right",
    Right.NEITHER: "neither is right",
}


def line_crops(difference: TextDifference) -> dict[str, Line]:
    """What to show of a line, by whose it is: the original's crop, and the bundle's where that is another one."""
    if difference.boxes is None:
        return {"reference": Line(difference.picture, None)}
    crops = {whose: Line.at(difference.picture, box) for whose, box in zip(_NAMES, difference.boxes, strict=True)}
    return crops if difference.moved else {"reference": crops["reference"]}


def text_row(number: int, difference: TextDifference, cuttings: Cuttings, name: Html) -> Html:
    """A line that the two read differently.

    Args:
        number: its place in the list.
        difference: the line.
        cuttings: where its crops are.
        name: of its picture.
    """
    reference, bundle = marked(difference.reference.text, difference.bundle.text)
    remarks = [_verdict(difference.right)]
    if not difference.counts:
        remarks.append(_remark("counts as alike: only case, width or spaces differ"))
    if difference.moved:
        remarks.append(_remark("not the same box: FP32’s above, the bundle’s below"))
    return filled(
        "row.html",
        id=f"t{number}",
        target=f"t{number}",
        number=str(number),
        where="line" if difference.boxes is None else "page",
        right=difference.right.value,
        flags=_flags(sure=difference.sure, counts=difference.counts),
        crops=_crops(line_crops(difference), cuttings),
        source=name,
        readings=[
            _reading("reference", reference, difference.reference.score),
            _reading("bundle", bundle, difference.bundle.score),
            _label(difference.label),
        ],
        remarks=remarks,
    )


def lone_crop(picture: Path, lone: LoneLine) -> Line:
    """What to show of a line that only one of them finds."""
    return Line.at(picture, lone.line.box)


def lone_row(box_id: str, number: int, picture: Path, lone: LoneLine, cuttings: Cuttings, name: Html) -> Html:
    """A line that only one of them finds.

    Args:
        box_id: of its box in the picture of the page.
        number: by which the box is drawn.
        picture: of the page.
        lone: the line.
        cuttings: where its crop is.
        name: of the picture.
    """
    whose = "reference" if lone.by_reference else "bundle"
    return filled(
        "row.html",
        id=f"{box_id}-row",
        target=box_id,
        number=str(number),
        where="page",
        right=lone.right.value,
        flags=_flags(sure=lone.sure, counts=True),
        crops=_crops({whose: lone_crop(picture, lone)}, cuttings),
        source=name,
        readings=[_reading(whose, isolated(shown(lone.line.text)), lone.line.score), _label(lone.label)],
        remarks=[_remark(f"only {_SPOKEN[whose]} finds it", whose), _verdict(lone.right)],
    )


def _flags(*, sure: bool, counts: bool) -> Html:
    return Html(" data-sure" * sure + " data-counts" * counts)


def _crops(crops: Mapping[str, Line], cuttings: Cuttings) -> list[Html]:
    return [_crop(whose, crop, cuttings) for whose, crop in crops.items()]


def _crop(whose: str, crop: Line, cuttings: Cuttings) -> Html:
    cutting = cuttings.get(crop)
    if cutting is None:
        return filled("crop_left_out.html")
    return filled(
        "crop.html",
        whose=whose,
        source=cutting.data_uri,
        description="the line" if crop.corners is None else f"the line, where {_SPOKEN[whose]} finds it",
        width=str(cutting.width),
        height=str(cutting.height),
    )


def _reading(whose: str, text: Html, score: float) -> Html:
    return filled("reading.html", kind=whose, name=_NAMES[whose], text=text, score=f"{score:.3f}")


def _label(text: str | None) -> Html:
    if text is None:
        return Html()
    return filled("reading.html", kind="label", name="label", text=isolated(shown(text)), score="")


def _verdict(right: Right) -> Html:
    return _remark(_VERDICTS[right], right.value) if right in _VERDICTS else Html()


def _remark(text: str, kind: str = "") -> Html:
    return filled("remark.html", kind=kind, text=text)
