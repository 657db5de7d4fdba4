"""Results as a picture: where the time of a page goes, or what an emulated CPU executes. PNG or SVG, with matplotlib.

The same results give the same bytes with the same matplotlib: the picture holds no date, and its font is matplotlib's.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_ocr.benchmark.host.judgement import Judgement
from edge_ocr.benchmark.host.report.amounts import amount, faster, threads
from edge_ocr.benchmark.host.report.content import Report, board_name, counts_of, cpu_of, title_of
from edge_ocr.benchmark.host.targets import Unit
from edge_ocr.benchmark.result import PAGE, STAGES, Count, Instructions, Result
from edge_ocr.errors import BenchmarkError, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")
INSTALL = "pip install 'edge-ocr[bench]'"

_WIDTH, _DPI = 9.0, 150
_MARGIN, _LEFT, _RIGHT = 0.3, 2.3, 1.15
"""Inches: left of the text; left of the bars, for what they are called; right of them, for their figures."""
_LINE, _LEGEND, _ROW, _AXIS = 0.23, 0.4, 0.4, 0.65
"""Inches: a line of the heading, the legend, a bar, the scale below the bars."""
_BAR = 0.62
"""Thickness of a bar as a share of its row."""
_ROOM = 0.045
"""The least share of the scale that a segment takes to hold its figure."""

_INK, _QUIET, _RULE, _WARNING = "#1f2328", "#59636e", "#d1d9e0", "#bc4c00"
_COLOURS = {
    "decode": "#8c959f",
    "preprocess": "#b6bfc9",
    "detect": "#0969da",
    "postprocess": "#54aeff",
    "crop": "#b6e3ff",
    "direction": "#bf8700",
    "recognise": "#1a7f37",
    "ctc": "#6fdd8b",
    "other": "#8c959f",
}
_STAGE_OF = {"detector": "detect", "direction": "direction", "recognizer": "recognise"}
"""Kind of a model -> the stage of a page that it is."""
_LIGHT = ("preprocess", "postprocess", "crop", "ctc")
"""Stages on whose colours dark figures are read better."""
_LONGEST_NAME = 34


@dataclass(frozen=True)
class _Bar:
    """One bar.

    Attributes:
        name: to its left.
        parts: name -> length of each of its segments, in their order.
        label: to its right.
        p90: a mark at this place; None for none.
        limit: a mark at this place; None for none.
    """

    name: str
    parts: dict[str, float]
    label: str
    p90: float | None
    limit: float | None

    @property
    def length(self) -> float:
        return sum(self.parts.values())


@dataclass(frozen=True)
class _Panel:
    """What is drawn of one report.

    Attributes:
        heading: title and remarks, each with its colour.
        bars: from the top down, at least one.
        counted: whether their lengths are instructions and not milliseconds.
        targets: name of those that the limits of the bars are from; None where there are none.
    """

    heading: Sequence[tuple[str, str]]
    bars: Sequence[_Bar]
    counted: bool
    targets: str | None

    @property
    def height(self) -> float:
        """In inches."""
        return _MARGIN + _LINE * len(self.heading) + _LEGEND + _ROW * len(self.bars) + _AXIS

    @property
    def parts(self) -> list[str]:
        """The names of all segments, in the order of the stages."""
        drawn = {part for bar in self.bars for part in bar.parts}
        return [part for part in _COLOURS if part in drawn]


def check_matplotlib() -> None:
    """Refuse to draw without matplotlib, before the work whose result is to be drawn.

    Raises:
        BenchmarkError: it is missing, or broken.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except (ImportError, OSError) as problem:
        raise BenchmarkError(f"for a plot matplotlib is needed ({problem}); run: {INSTALL}") from problem


def as_plot(reports: Sequence[Report], suffix: str) -> bytes:
    """The picture of at least one report.

    Args:
        reports: one below the other.
        suffix: one of `SUFFIXES`.
    """
    import matplotlib.style
    from matplotlib.figure import Figure

    panels = [_panel(report) for report in reports]
    height = sum(panel.height for panel in panels)
    with matplotlib.style.context(["default", {"svg.hashsalt": "edge-ocr", "font.size": 9}]), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of characters that the font does not have
        figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor="white")
        top = height
        for panel in panels:
            _draw(figure, panel, top)
            top -= panel.height
        stream = io.BytesIO()
        unset = {"Software": None} if suffix == ".png" else {"Date": None, "Creator": None}
        figure.savefig(stream, format=suffix.removeprefix("."), metadata=unset)
    return stream.getvalue()


def _panel(report: Report) -> _Panel:
    counted = report.result.bundles[0].instructions is not None
    bars = list(_counts(report) if counted else _times(report))
    limited = report.judgement is not None and any(bar.limit is not None for bar in bars)
    targets = report.judgement.targets.name if report.judgement and limited else None
    return _Panel(list(_heading(report.result)), bars, counted, targets)


def _times(report: Report) -> Iterator[_Bar]:
    """A bar for each number of threads and each bundle."""
    result, judgement = report.result, report.judgement
    for place, run in enumerate(result.bundles[0].runs):
        limit = _limit(judgement, f"p90_ms.{PAGE}") if judgement and run.threads == judgement.targets.threads else None
        for label, bundle in zip(_labels(result), result.bundles, strict=True):
            times = bundle.runs[place].stages_ms
            yield _Bar(
                name=f"{label}, {threads(run.threads)}",
                parts={stage: times[stage].mean for stage in STAGES},
                label=amount(times[PAGE].mean, Unit.MILLISECONDS),
                p90=times[PAGE].p90,
                limit=limit if bundle is result.bundles[0] else None,
            )


def _counts(report: Report) -> Iterator[_Bar]:
    """A bar for each model, the page in its stages, and each bundle."""
    result = report.result
    labels = [f", {label}" for label in _labels(result)] if len(result.bundles) > 1 else [""]
    counted = [bundle.instructions for bundle in result.bundles if bundle.instructions]
    for model in counts_of(counted[0]):
        for place, (label, instructions) in enumerate(zip(labels, counted, strict=True)):
            if count := counts_of(instructions).get(model):
                yield _Bar(
                    name=f"{_cut(model, _LONGEST_NAME)}{label}",
                    parts=_parts(model, count, instructions),
                    label=amount(count.instructions, Unit.INSTRUCTIONS),
                    p90=None,
                    limit=_limit(report.judgement, f"instructions.{model}") if place == 0 else None,
                )


def _parts(model: str, count: Count, counted: Instructions) -> dict[str, float]:
    """What takes the instructions of a model, which is one stage of a page, or of the page."""
    stages = {stage: float(counted.stages[stage]) for stage in STAGES if stage in counted.stages}
    if model == PAGE and stages:
        return stages
    return {_STAGE_OF.get(model.partition(" ")[0], "other"): float(count.instructions)}


def _limit(judgement: Judgement | None, key: str) -> float | None:
    rows = judgement.rows if judgement else ()
    return next((row.limit.limit for row in rows if row.limit.figure.key == key), None)


def _draw(figure: Figure, panel: _Panel, top: float) -> None:
    """Draw a panel, whose upper edge is `top` inches from the bottom of the figure."""
    _write(figure, panel.heading, top)
    height = _ROW * len(panel.bars)
    bottom = top - panel.height + _AXIS
    axes = figure.add_axes(
        (
            _LEFT / _WIDTH,
            bottom / figure.get_figheight(),
            1 - (_LEFT + _RIGHT) / _WIDTH,
            height / figure.get_figheight(),
        )
    )
    end = 1.02 * max(max(bar.length, bar.p90 or 0.0, bar.limit or 0.0) for bar in panel.bars) or 1.0
    axes.set_xlim(0, end)
    axes.set_ylim(len(panel.bars) - 0.5, -0.5)
    for row, bar in enumerate(panel.bars):
        _bar(axes, bar, row, end, 1e6 if panel.counted else 1.0)
    axes.set_xlabel("million instructions, one thread" if panel.counted else "milliseconds a page", color=_QUIET)
    _bare(axes, 1e6 if panel.counted else 1.0)
    _legend(axes, panel)


def _heading(result: Result) -> Iterator[tuple[str, str]]:
    bundle = result.bundles[0]
    read = (
        f"a page of {result.pictures[0].lines} lines" if len(result.pictures) == 1 else f"{len(result.pictures)} pages"
    )
    readings = "" if bundle.instructions else f", {result.settings.repeats} readings"
    yield f"{title_of(bundle)} on {board_name(result)}", _INK
    yield f"{cpu_of(result.facts)}. {bundle.engine.package} {bundle.engine.version}, {read}{readings}.", _QUIET
    if result.problems:
        yield f"Does not count: {result.problems[0]}", _WARNING
    if bundle.instructions:
        yield "Counted, not timed: an emulated CPU has no time of its own.", _QUIET
    elif result.speed_ups:
        found = "; ".join(f"{threads(each.threads)} {faster(each)}" for each in result.speed_ups)
        yield f"Speed-up against {title_of(result.bundles[1])}: {found}", _QUIET


def _labels(result: Result) -> list[str]:
    """Something short that tells the bundles from each other."""
    for labels in ([each.precision for each in result.bundles], [title_of(each) for each in result.bundles]):
        if len(set(labels)) == len(labels):
            return [_cut(label, _LONGEST_NAME) for label in labels]
    return ["first", "second"]


def _write(figure: Figure, lines: Sequence[tuple[str, str]], top: float) -> None:
    """Write title and remarks below `top`, in inches."""
    height = figure.get_figheight()
    for number, (text, colour) in enumerate(lines):
        size, weight, characters = (9, "normal", 122) if number else (13, "bold", 74)
        figure.text(
            _MARGIN / _WIDTH,
            (top - 0.34 - _LINE * number) / height,
            _cut(text, characters),
            color=colour,
            fontsize=size,
            fontweight=weight,
            parse_math=False,
        )


def _bar(axes: Axes, bar: _Bar, row: int, end: float, divisor: float) -> None:
    """Draw a bar in its row of the axes, whose scale ends at `end` and is in units of `divisor`."""
    start = 0.0
    for part, length in bar.parts.items():
        axes.barh(row, length, left=start, height=_BAR, color=_COLOURS[part], edgecolor="white", linewidth=0.6)
        if len(bar.parts) > 1 and length > _ROOM * end:
            ink = _INK if part in _LIGHT else "white"
            axes.text(
                start + length / 2, row, f"{length / divisor:,.0f}", color=ink, fontsize=8, ha="center", va="center"
            )
        start += length
    half = _BAR / 2
    if bar.p90 is not None:
        axes.vlines(bar.p90, row - half * 0.7, row + half * 0.7, color=_INK, linewidth=1.4)
    if bar.limit is not None:
        axes.vlines(bar.limit, row - half * 1.3, row + half * 1.3, color=_WARNING, linewidth=1.6)
    beside = axes.get_yaxis_transform()
    axes.text(-0.015, row, bar.name, transform=beside, color=_INK, ha="right", va="center", parse_math=False)
    axes.text(1.015, row, bar.label, transform=beside, color=_INK, ha="left", va="center", fontweight="bold")


def _bare(axes: Axes, divisor: float) -> None:
    """Leave nothing of the frame but a light grid, and a scale below it in units of `divisor`."""
    axes.set_yticks([])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / divisor:,g}")
    axes.tick_params(axis="x", color=_RULE, labelcolor=_QUIET, length=0)
    axes.grid(axis="x", color=_RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _legend(axes: Axes, panel: _Panel) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Patch | Line2D] = [Patch(color=_COLOURS[part], label=part) for part in panel.parts]
    marks = {}
    if any(bar.p90 is not None for bar in panel.bars):
        marks["p90"] = _INK
    if panel.targets:
        marks[f"limit of {_cut(panel.targets, _LONGEST_NAME)}"] = _WARNING
    for label, colour in marks.items():
        mark = Line2D(
            [], [], color=colour, linestyle="none", marker="|", markersize=10, markeredgewidth=1.6, label=label
        )
        handles.append(mark)
    legend = axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(-_LEFT / (_WIDTH - _LEFT - _RIGHT) + 0.035, 1.0),
        ncols=len(handles),
        frameon=False,
        borderpad=0.2,
        handlelength=1.0,
        handleheight=1.0,
        handletextpad=0.4,
        columnspacing=1.0,
        labelcolor=_INK,
        fontsize=8.5,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _cut(text: str, length: int) -> str:
    shown = printable(text)
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"
