"""How much the two agree, as the page says it."""

from __future__ import annotations

from dataclasses import dataclass

from converters.evaluation.agreement import SURE, Agreement
from converters.evaluation.metrics import Interval
from converters.gallery.wording import count


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        name: what it is of.
        value: with its unit; a dash where there is nothing to measure.
        interval: its 95 % interval in brackets.
        basis: on how much it rests.
    """

    name: str
    value: str
    interval: str
    basis: str


def figures_of(agreement: Agreement, pages: int) -> list[Figure]:
    """The four that need no label."""
    lines = f"on {count(agreement.lines, 'line')}"
    sure_lines = f"on {count(agreement.sure_lines, 'line')} with no character below {SURE}"
    return [
        _figure("Texts read alike", agreement.same_text, ".1f", " %", lines),
        _figure("Alike where FP32 is sure", agreement.same_text_where_sure, ".1f", " %", sure_lines),
        _figure("Boxes in common", agreement.same_boxes, ".1f", " %", f"on {count(pages, 'page')}"),
        _figure("Mean change of length", agreement.change_of_length, "+.3f", "", f"characters a line, {sure_lines}"),
    ]


def _figure(name: str, interval: Interval | None, form: str, unit: str, basis: str) -> Figure:
    if interval is None:
        return Figure(name, "–", "", basis)
    low, high = format(interval.low, form), format(interval.high, form)
    return Figure(name, f"{interval.value:{form}}{unit}", f"[{low}, {high}]", basis)
