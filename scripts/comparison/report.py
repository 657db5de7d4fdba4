"""A comparison as a document that a person reads, on a terminal and as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from comparison.figures import Accuracy, Figures, labelled_counts
from comparison.measurement import PagePair
from comparison.sides import THREADS, Reading


@dataclass(frozen=True)
class Comparison:
    """What was compared, and what came out.

    Attributes:
        date: ISO 8601.
        cpu: name, and what it offers for int8.
        bundle: name, precision and digest.
        versions: of edge_ocr's side and of RapidOCR's, name -> version.
        settings: what RapidOCR was told beside its files.
        figures: of each set of pages and, if there are several, of all pages.
        first_text: seconds of edge_ocr and of RapidOCR, start by start.
        peak_memory: bytes of edge_ocr's process and of RapidOCR's after all pages.
        stages: stage of edge_ocr -> percentage of its time.
        pairs: page by page.
    """

    date: str
    cpu: str
    bundle: str
    versions: tuple[Mapping[str, str], Mapping[str, str]]
    settings: Mapping[str, Any]
    figures: Sequence[Figures]
    first_text: Sequence[tuple[float, float]]
    peak_memory: tuple[int, int]
    stages: Mapping[str, float]
    pairs: Sequence[PagePair]


def document(comparison: Comparison) -> str:
    """The figures, how they were taken, and on what: Markdown whose tables line up on a terminal, too."""
    return "\n\n".join(
        [
            "# edge_ocr against RapidOCR",
            table(("pages", "edge_ocr", "RapidOCR", "time ratio", "CPU time ratio"), _time(comparison)),
            *_accuracy_table(comparison.figures),
            table(
                ("pages", "lines of edge_ocr", "lines of RapidOCR", "boxes in common", "of these, read alike"),
                [_agreement(figures) for figures in comparison.figures],
            ),
            table(("process", "edge_ocr", "RapidOCR", "ratio"), _process(comparison)),
            table(
                ("where edge_ocr's time goes", "share"),
                [(stage, f"{share:.1f} %") for stage, share in comparison.stages.items()],
            ),
            "\n".join(f"- {row}" for row in _conditions(comparison)),
        ]
    )


def _time(comparison: Comparison) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for figures in comparison.figures:
        edge_ocr, rapidocr = (f"{milliseconds:.1f} ms" for milliseconds in figures.milliseconds)
        rows.append((f"{figures.name} ({figures.pages})", edge_ocr, rapidocr, str(figures.time), str(figures.cpu_time)))
    return rows


def _accuracy_table(sets: Sequence[Figures]) -> list[str]:
    """One table, or none where nothing is labelled."""
    rows = [
        row
        for figures in sets
        for what, accuracy in (("end-to-end", figures.end_to_end), ("detection", figures.detection))
        for row in _accuracy(f"{figures.name}: {what} hmean", accuracy)
    ]
    return [table(("accuracy", "edge_ocr", "RapidOCR", "difference in points"), rows)] if rows else []


def _accuracy(what: str, accuracy: Accuracy | None) -> list[tuple[str, ...]]:
    if accuracy is None:
        return []
    return [(what, f"{accuracy.edge_ocr:.2f} %", f"{accuracy.rapidocr:.2f} %", str(accuracy.delta))]


def _agreement(figures: Figures) -> tuple[str, ...]:
    edge_ocr, rapidocr = (str(count) for count in figures.lines)
    return figures.name, edge_ocr, rapidocr, f"{figures.same_boxes:.1f} %", f"{figures.same_text:.1f} %"


def _process(comparison: Comparison) -> list[tuple[str, ...]]:
    starts = comparison.first_text
    first, second = (median(column) for column in zip(*starts, strict=True))
    ratio = median(edge_ocr / rapidocr for edge_ocr, rapidocr in starts)
    edge_ocr, rapidocr = comparison.peak_memory
    return [
        (f"start to first text, median of {len(starts)}", f"{first:.2f} s", f"{second:.2f} s", f"{ratio:.3f}"),
        ("peak memory", *(f"{size / 1e6:.0f} MB" for size in comparison.peak_memory), f"{edge_ocr / rapidocr:.3f}"),
    ]


def _conditions(comparison: Comparison) -> list[str]:
    ours, theirs = (", ".join(f"{name} {version}" for name, version in side.items()) for side in comparison.versions)
    settings = ", ".join(f"{name}={value}" for name, value in comparison.settings.items())
    return [
        "Both read the same pages in the same run, one page in turn, never at the same time; whoever comes first "
        "changes from page to page. A page is decoded once and handed to both as the same array, so decoding is in "
        f"neither's time. Threads of each: {THREADS}. Two readings to warm up do not count.",
        "Ratios are edge_ocr / RapidOCR: of summed times over the pages, and the median of pairs of starts, which "
        "find their files in the page cache. Brackets are 95 % bootstrap intervals over pages, paired for accuracy.",
        "Both keep every line. A box is found where intersection over union exceeds one half, and read where the text "
        "is equal, too, but for spaces, case and Unicode's compatible forms.",
        f"edge_ocr reads with the bundle {comparison.bundle}; RapidOCR with the float32 files it was converted from, "
        f"under onnxruntime, with {settings}, and all else as it ships.",
        f"{comparison.cpu}, {comparison.date}",
        f"edge_ocr: {ours}",
        f"RapidOCR: {theirs}",
    ]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table in columns of equal width: words to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    aligned = [
        [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]
        for cells in (head, *rows)
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (aligned[0], ruler, *aligned[1:]))


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Everything that was measured, page by page, so that anybody can work out the figures again."""
    facts = {name: value for name, value in vars(comparison).items() if name not in ("figures", "pairs")}
    return {
        **facts,
        "threads": THREADS,
        "figures": [asdict(figures) for figures in comparison.figures],
        "pages": [_page(pair) for pair in comparison.pairs],
    }


def _page(pair: PagePair) -> dict[str, Any]:
    counts = [None, None] if pair.page.boxes is None else [asdict(count) for count in labelled_counts(pair)]
    return {
        "picture": str(pair.page.picture),
        "edge_ocr": {**_reading(pair.edge_ocr), "counts": counts[0]},
        "rapidocr": {**_reading(pair.rapidocr), "counts": counts[1]},
    }


def _reading(reading: Reading) -> dict[str, Any]:
    boxes = [[[round(float(x), 1), round(float(y), 1)] for x, y in box] for box in reading.boxes]
    return {**vars(reading), "boxes": boxes}
