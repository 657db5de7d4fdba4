"""A comparison as a document that a person reads, on a terminal and as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from comparison.figures import Accuracy, Figures, figures, labelled_counts
from comparison.measurement import PageReadings
from comparison.outcome import Comparison, SideFacts
from comparison.sides import EDGE_OCR, RAPIDOCR, THREADS, Reading
from comparison.targets import Verdict


def document(comparison: Comparison, verdicts: Sequence[Verdict] = ()) -> str:
    """The figures, how they were taken, and on what: Markdown whose tables line up on a terminal, too."""
    return "\n\n".join(
        [
            "# edge_ocr against its peers",
            *_same_models(comparison),
            *_beside_the_others(comparison),
            *_targets(verdicts),
            "\n".join(f"- {row}" for row in _conditions(comparison)),
        ]
    )


def _same_models(comparison: Comparison) -> list[str]:
    return [
        "## RapidOCR with the same models",
        table(("pages", "edge_ocr", "RapidOCR", "time ratio", "CPU time ratio"), _time(comparison.figures)),
        *_accuracy_table(comparison.figures, "RapidOCR"),
        _agreement_table(comparison.figures, "pages", "RapidOCR"),
        table(("process", "edge_ocr", "RapidOCR", "ratio"), _process(comparison)),
        table(
            ("where edge_ocr's time goes", "share"),
            [(stage, f"{share:.1f} %") for stage, share in comparison.stages().items()],
        ),
    ]


def _time(sets: Sequence[Figures]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for of_set in sets:
        edge_ocr, rapidocr = (f"{milliseconds:.1f} ms" for milliseconds in of_set.milliseconds)
        rows.append((f"{of_set.name} ({of_set.pages})", edge_ocr, rapidocr, str(of_set.time), str(of_set.cpu_time)))
    return rows


def _accuracy_table(sets: Sequence[Figures], peer: str) -> list[str]:
    """One table, or none where nothing is labelled."""
    rows = [
        row
        for of_set in sets
        for what, accuracy in (("end-to-end", of_set.end_to_end), ("detection", of_set.detection))
        for row in _accuracy(f"{of_set.name}: {what} hmean", accuracy)
    ]
    return [table(("accuracy", "edge_ocr", peer, "difference in points"), rows)] if rows else []


def _accuracy(what: str, accuracy: Accuracy | None) -> list[tuple[str, ...]]:
    if accuracy is None:
        return []
    return [(what, f"{accuracy.edge_ocr:.2f} %", f"{accuracy.peer:.2f} %", str(accuracy.delta))]


def _agreement_table(sets: Sequence[Figures], title: str, peer: str) -> str:
    head = (title, "lines of edge_ocr", f"lines of {peer}", "boxes in common", "of these, read alike")
    return table(head, [_agreement(of_set) for of_set in sets])


def _agreement(of_set: Figures) -> tuple[str, ...]:
    edge_ocr, peer = (str(count) for count in of_set.lines)
    return of_set.name, edge_ocr, peer, f"{of_set.same_boxes:.1f} %", f"{of_set.same_text:.1f} %"


def _process(comparison: Comparison) -> list[tuple[str, ...]]:
    sides = [comparison.side(name) for name in (EDGE_OCR, RAPIDOCR)]
    starts = len(sides[0].first_text)
    return [
        (
            f"start to first text, median of {starts}",
            *(f"{median(side.first_text):.2f} s" for side in sides),
            f"{comparison.first_text(EDGE_OCR):.3f}",
        ),
        ("peak memory", *(megabytes(side.peak_memory) for side in sides), f"{comparison.peak_memory(EDGE_OCR):.3f}"),
        ("installed size", *(megabytes(side.installed) for side in sides), _decimals(comparison.installed(EDGE_OCR))),
    ]


def _beside_the_others(comparison: Comparison) -> list[str]:
    """All sides on the pages that all have read; nothing where there are no others to be shown or missed."""
    if len(comparison.sides) == 2 and not comparison.absent:
        return []
    pages = comparison.read_by_all()
    peers = [figures(side.name, pages, side.name) for side in comparison.sides if side.name != EDGE_OCR]
    return [
        f"## All, on {len(pages)} of these pages",
        table(
            ("side", "threads", "a page", "start to first text", "peak memory", "installed size"),
            [
                *(_costs(side, pages) for side in comparison.sides),
                *((name, "absent", "", "", "", "") for name in comparison.absent),
            ],
        ),
        *_accuracy_table(peers, "the other"),
        _agreement_table(peers, "edge_ocr and", "the other"),
    ]


def _costs(side: SideFacts, pages: Sequence[PageReadings]) -> tuple[str, ...]:
    milliseconds = 1000 * sum(page.by_side[side.name].seconds for page in pages) / len(pages)
    return (
        side.name,
        "as it ships" if side.threads is None else str(side.threads),
        f"{milliseconds:.1f} ms",
        f"{median(side.first_text):.2f} s",
        megabytes(side.peak_memory),
        megabytes(side.installed),
    )


def _targets(verdicts: Sequence[Verdict]) -> list[str]:
    if not verdicts:
        return []
    rows = [
        (verdict.limit.figure, f"{verdict.measured:.3f}", str(verdict.limit), "met" if verdict.met else "MISSED")
        for verdict in verdicts
    ]
    return ["## Targets", table(("edge_ocr / RapidOCR, same models", "measured", "limit", "verdict"), rows)]


def _conditions(comparison: Comparison) -> list[str]:
    settings = ", ".join(f"{name}={value}" for name, value in comparison.settings.items())
    return [
        "All read the same pages in the same run, in turn, never two at the same time; whether edge_ocr or RapidOCR "
        "with the same models comes first changes from page to page. A page is decoded once and handed to all as the "
        "same array, so decoding is in nobody's time. Readings to warm up do not count.",
        f"Threads of edge_ocr and of RapidOCR with the same models: {THREADS}; their passes over all pages: "
        f"{comparison.repeats}. Of a page the quickest reading counts. The others read their pages once.",
        "Ratios are edge_ocr / RapidOCR: of summed times over the pages, and the median of pairs of starts, which "
        "find their files in the page cache. Brackets are 95 % bootstrap intervals over pages, paired for accuracy; a "
        "difference is edge_ocr's figure minus the other's.",
        "Peak memory is the process's after all its pages, the largest of its processes in Tesseract's case, which is "
        "started anew for each page. Installed size is all that pip puts into an environment of the side's own, with "
        "the models that come along; Tesseract's is dpkg's for its packages, without libraries of general use.",
        "A box is found where intersection over union exceeds one half, and read where the text is equal, too, but for "
        "spaces, case and Unicode's compatible forms. edge_ocr and RapidOCR with the same models keep every line.",
        f"edge_ocr reads with the bundle {comparison.bundle}; RapidOCR with the float32 files it was converted from, "
        f"under onnxruntime, with {settings}, and all else as it ships. RapidOCR as installed reads with the models "
        "inside its wheel and its own settings.",
        f"{comparison.cpu}, {comparison.cores} cores to use, load {comparison.load:.1f} before the start, "
        f"{comparison.date}",
        *(f"{side.name}: {', '.join(map(' '.join, side.versions.items()))}" for side in comparison.sides),
        *(f"{name} is absent: {reason}" for name, reason in comparison.absent.items()),
    ]


def megabytes(size: int | None) -> str:
    """A size as tables show it."""
    return "unknown" if size is None else f"{size / 1e6:.0f} MB"


def _decimals(ratio: float | None) -> str:
    return "unknown" if ratio is None else f"{ratio:.3f}"


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
    facts = {name: value for name, value in vars(comparison).items() if name not in ("sides", "figures", "pages")}
    return {
        **facts,
        "stages": comparison.stages(),
        "sides": [asdict(side) for side in comparison.sides],
        "figures": [asdict(of_set) for of_set in comparison.figures],
        "pages": [_page(page) for page in comparison.pages],
    }


def _page(page: PageReadings) -> dict[str, Any]:
    labelled = page.page.boxes is not None
    return {
        "picture": str(page.page.picture),
        "sides": {
            side: {**_reading(reading), "counts": asdict(labelled_counts(page, side)) if labelled else None}
            for side, reading in page.by_side.items()
        },
    }


def _reading(reading: Reading) -> dict[str, Any]:
    boxes = [[[round(float(x), 1), round(float(y), 1)] for x, y in box] for box in reading.boxes]
    return {**vars(reading), "boxes": boxes}
