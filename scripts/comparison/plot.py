"""A comparison as a picture: bars of what each side takes, RapidOCR with the same models being 1. SVG, by hand.

The picture brings its own ground and colours for light and for dark pages; its text is text in whatever sans-serif
font there is, and it refers to nothing outside itself, so that it can be shown anywhere, in a README too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from comparison.outcome import Comparison
from comparison.report import megabytes
from comparison.sides import EDGE_OCR, RAPIDOCR, TESSERACT
from converters.evaluation.metrics import Interval

WIDTH = 800
_LEFT, _RIGHT = 200.0, 550.0
"""Where the scale begins and ends."""
_TICKS = (0.0, 0.5, 1.0, 1.5, 2.0)
"""What the scale names; a bar that is longer is drawn broken off."""
_MARGIN, _ROW, _BAR, _HEADING = 24, 24, 14, 34
_TOP = 107

_STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; font-size: 13px; }
.title { font-size: 18px; font-weight: 600; }
.heading { font-weight: 600; }
.ground { fill: #ffffff; }
text { fill: #1f2328; }
.quiet { fill: #59636e; }
.edge_ocr { fill: #0969da; }
.peer { fill: #b6bfc9; }
.scale { stroke: #d1d9e0; }
.one { stroke: #59636e; stroke-dasharray: 4 3; }
.interval { stroke: #1f2328; stroke-width: 1.5; }
.break { stroke: #ffffff; stroke-width: 3; fill: none; }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117; }
text { fill: #f0f6fc; }
.quiet { fill: #9198a1; }
.edge_ocr { fill: #4493f8; }
.peer { fill: #656c76; }
.scale { stroke: #3d444d; }
.one { stroke: #9198a1; }
.interval { stroke: #f0f6fc; }
.break { stroke: #0d1117; }
}
"""


@dataclass(frozen=True)
class Bar:
    """What one side takes.

    Attributes:
        side: its name.
        length: beside RapidOCR with the same models; None where the side is absent or the figure unknown.
        amount: the same with its unit; empty where the length says all.
        interval: of the length, where there is one.
    """

    side: str
    length: float | None
    amount: str = ""
    interval: Interval | None = None

    @property
    def share(self) -> str:
        """The length in figures."""
        if self.length is None:
            return "not known here"
        return f"{self.length:.2f}" + (f" [{self.interval.low:.2f}, {self.interval.high:.2f}]" if self.interval else "")

    def __str__(self) -> str:
        return f"{self.side} {self.share}" + (f" ({self.amount})" if self.amount else "")


@dataclass(frozen=True)
class Panel:
    """One figure of all sides."""

    heading: str
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        """In pixels, with its heading."""
        return _HEADING + _ROW * len(self.bars)

    def __str__(self) -> str:
        return f"{self.heading}: " + "; ".join(map(str, self.bars)) + "."


def panels(comparison: Comparison) -> list[Panel]:
    """What is drawn, from the top down."""
    sides = [side.name for side in comparison.sides]
    absent = [Bar(name, None) for name in comparison.absent]
    return [
        Panel("Time for a page", [*(_page_time(comparison, side) for side in sides), *absent]),
        Panel("From process start to the first text", [*(_first_text(comparison, side) for side in sides), *absent]),
        Panel("Peak memory", [*(_peak_memory(comparison, side) for side in sides), *absent]),
        Panel("Installed size", [*(_installed(comparison, side) for side in sides), *absent]),
    ]


def _page_time(comparison: Comparison, side: str) -> Bar:
    ratio = comparison.page_time(side)
    milliseconds = dict(zip((EDGE_OCR, RAPIDOCR), comparison.figures[-1].milliseconds, strict=True))
    # The others have not read all pages: their milliseconds do not belong beside these.
    amount = f"{milliseconds[side]:.0f} ms" if side in milliseconds else ""
    return Bar(side, ratio.value, amount, None if side == RAPIDOCR else ratio)


def _first_text(comparison: Comparison, side: str) -> Bar:
    return Bar(side, comparison.first_text(side), f"{median(comparison.side(side).first_text):.2f} s")


def _peak_memory(comparison: Comparison, side: str) -> Bar:
    return Bar(side, comparison.peak_memory(side), megabytes(comparison.side(side).peak_memory))


def _installed(comparison: Comparison, side: str) -> Bar:
    return Bar(side, comparison.installed(side), megabytes(comparison.side(side).installed))


def svg(comparison: Comparison) -> str:
    """The picture as an SVG file's text."""
    drawn = panels(comparison)
    height = _TOP + sum(panel.height for panel in drawn) + _MARGIN + 12
    root = Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        width=str(WIDTH),
        height=str(height),
        role="img",
    )
    root.set("aria-labelledby", "title description")
    title, notes = "edge_ocr beside its peers", _notes(comparison)
    SubElement(root, "title", id="title").text = title
    SubElement(root, "desc", id="description").text = " ".join([*notes, *map(str, drawn)])
    SubElement(root, "style").text = _STYLE
    SubElement(root, "rect", {"class": "ground", "width": str(WIDTH), "height": str(height), "rx": "8"})
    _text(root, _MARGIN, 34, title, "title")
    for number, note in enumerate(notes):
        _text(root, _MARGIN, 56 + 19 * number, note, "quiet")
    top = _TOP
    for panel in drawn:
        _panel(root, panel, top)
        top += panel.height
    for value in _TICKS:
        _text(root, _x(value), top + 18, f"{value:g}", "quiet", "middle")
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _notes(comparison: Comparison) -> tuple[str, ...]:
    cpu = comparison.cpu.partition(" (")[0]
    readers = "It reads" if TESSERACT in comparison.absent else "It and Tesseract read"
    return (
        "RapidOCR with the same models = 1; shorter is better.",
        f"{len(comparison.pages)} pages, one thread each, on {cpu}.",
        f"RapidOCR as installed: larger models, up to {comparison.cores} threads. {readers} "
        f"{len(comparison.read_by_all())} of the pages.",
    )


def _panel(root: Element, panel: Panel, top: float) -> None:
    _text(root, _MARGIN, top + _HEADING - 12, panel.heading, "heading")
    for value in _TICKS:
        start, end = top + _HEADING - 5, top + panel.height - 5
        _line(root, (_x(value), start), (_x(value), end), "one" if value == 1 else "scale")
    for number, bar in enumerate(panel.bars):
        _bar(root, bar, top + _HEADING + number * _ROW)


def _bar(root: Element, bar: Bar, top: float) -> None:
    baseline = top + _BAR - 2
    _text(root, _LEFT - 10, baseline, bar.side, "", "end")
    _text(root, _RIGHT + 16, baseline, bar.share, "quiet" if bar.length is None else "")
    _text(root, WIDTH - _MARGIN, baseline, bar.amount, "quiet", "end")
    if bar.length is None:
        return
    end = _x(bar.length)
    shape = {"x": f"{_LEFT:g}", "y": f"{top:g}", "width": f"{end - _LEFT:.1f}", "height": str(_BAR)}
    SubElement(root, "rect", {"class": "edge_ocr" if bar.side == EDGE_OCR else "peer", **shape})
    if bar.length > _TICKS[-1]:
        SubElement(root, "path", {"class": "break", "d": f"M{end - 22:g} {top - 2:g} l6 6 l-6 6 l6 6"})
    elif bar.interval is not None:
        _interval(root, bar.interval, top + _BAR / 2)


def _interval(root: Element, interval: Interval, y: float) -> None:
    """Draw it as a line with two ends."""
    low, high = _x(interval.low), _x(interval.high)
    _line(root, (low, y), (high, y), "interval")
    for x in (low, high):
        _line(root, (x, y - 3), (x, y + 3), "interval")


def _x(value: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * min(value / _TICKS[-1], 1.0)


def _text(root: Element, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
    attributes = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    SubElement(root, "text", {**({"class": kind} if kind else {}), **attributes}).text = text


def _line(root: Element, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
    ends = zip(("x1", "y1", "x2", "y2"), (*start, *end), strict=True)
    SubElement(root, "line", {"class": kind, **{name: f"{value:.1f}" for name, value in ends}})
