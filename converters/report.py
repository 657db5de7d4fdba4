"""The figures of a verification as a table that a person reads, on a terminal and in REPORT.md."""

from __future__ import annotations

from collections.abc import Sequence

from converters.verification import Figure, Verification
from edge_ocr.manifest import Manifest

Row = tuple[str, str, str]


def figures(verification: Verification) -> list[Row]:
    """(what, how much, on what) for everything that was measured."""
    rows: list[Row] = [(name, f"{size:,} bytes", "") for name, size in sorted(verification.sizes.items())]
    rows.append(("total", f"{verification.total_bytes:,} bytes", "models and charset"))
    on_lines, on_pages = f"{verification.lines} lines", f"{verification.pages} pages"
    rows += _accuracy("exact match", verification.exact_match, on_lines)
    rows += _accuracy("detection hmean", verification.hmean, on_pages)
    rows += _accuracy("end-to-end hmean", verification.end_to_end, on_pages)
    for what, percent, data in (
        ("same text as FP32", verification.same_text, "lines and boxes in common"),
        ("same text where FP32 is sure", verification.same_text_where_sure, "lines and boxes in common"),
        ("same boxes as FP32", verification.same_boxes, on_pages),
    ):
        if percent is not None:
            rows.append((what, f"{percent:.1f} %", data))
    for what, ratio, data in (
        ("recognizer, time / FP32", verification.line_time_ratio, on_lines),
        ("whole page, time / FP32", verification.page_time_ratio, on_pages),
    ):
        if ratio is not None:
            rows.append((what, f"{ratio:.2f}", f"{data}, 1 thread, {verification.cpu}"))
    return rows


def _accuracy(what: str, figure: Figure | None, data: str) -> list[Row]:
    if figure is None:
        return []
    return [
        (what, f"{figure.bundle:.2f} %", data),
        ("  against FP32", f"{figure.delta} points", f"FP32: {figure.reference:.2f} %"),
    ]


def as_text(rows: Sequence[Row]) -> str:
    """Columns for a terminal."""
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c}".rstrip() for a, b, c in rows)


def as_markdown(manifest: Manifest, verification: Verification) -> bytes:
    """Content of REPORT.md."""
    rows = "\n".join(f"| {a.strip()} | {b} | {c} |" for a, b, c in figures(verification))
    tools = "\n".join(f"- {name} {version}" for name, version in sorted(verification.runtimes.items()))
    text = f"""# {manifest.title}: {manifest.precision} for {manifest.format}

| figure | value | on |
|---|---|---|
{rows}

FP32 is the publisher's ONNX model under onnxruntime, read with the same pre- and post-processing, picture by picture in
the same run. Brackets are 95 % paired bootstrap intervals. Data: {", ".join(verification.data)}.

Measured on {verification.cpu}, {verification.date}, with

{tools}

Speed on one CPU says nothing about another: x86 gains from int8 only with VNNI, and none of this is an ARM figure.
"""
    return text.encode()
