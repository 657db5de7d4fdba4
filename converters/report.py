"""The figures of a verification as tables that a person reads, on a terminal and in REPORT.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from converters.evaluation.accuracy import OF_LINES
from converters.evaluation.agreement import FIGURES, SURE
from converters.evaluation.metrics import Interval
from converters.verification import Comparison, Verification
from edge_ocr.manifest import Manifest

REPORT_FILE = "REPORT.md"
_LONGEST_NAME = 24
"""Characters of a data set's name that the tables show."""

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Figures in columns.

    Attributes:
        title: what they say.
        head: a name for each column.
        rows: as many cells each.
        align: for each column "<" where it is set flush left, ">" where flush right.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    align: str

    def as_text(self) -> str:
        """For a terminal, or a file with letters of one width."""
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]

        def line(cells: Sequence[str]) -> str:
            padded = [f"{cell:{side}{width}}" for cell, side, width in zip(cells, self.align, widths, strict=True)]
            return f"  {'  '.join(padded)}".rstrip()

        return "\n".join([self.title, *map(line, [self.head, *self.rows])])

    def as_markdown(self) -> str:
        """For REPORT.md."""
        rule = ["---" if side == "<" else "---:" for side in self.align]
        rows = [f"| {' | '.join(cells)} |" for cells in (self.head, rule, *self.rows)]
        return "\n".join([f"## {self.title}", "", *rows])


def tables(verification: Verification) -> list[Table]:
    """Everything that was measured; what was not is left out."""
    found = [
        Table(
            "Accuracy against FP32",
            ("figure", "data", "on", "FP32", "bundle", "points", "95 %"),
            tuple(_by_dataset(verification, _accuracy)),
            "<<>>>><",
        ),
        Table(
            "Agreement with FP32",
            ("figure", "data", "on", "value", "95 %"),
            tuple(_by_dataset(verification, _agreement)),
            "<<>><",
        ),
        Table(
            "Models",
            ("file", "XNNPACK", "left outside", "int8 operators", "float operators", "bytes"),
            tuple(_files(verification)),
            "<<<>>>",
        ),
        Table("Speed, one thread", ("stage", "time / FP32"), tuple(_speed(verification)), "<>"),
    ]
    if verification.refused:
        found.append(recipes_tried(verification.refused, verification))
    return [table for table in found if table.rows]


def _by_dataset(verification: Verification, rows_of: Callable[[Comparison], Iterator[Row]]) -> Iterator[Row]:
    """Figure by figure: the row of all data, and below it those of the sets, where more than one bears on it."""
    parts = [row for data in verification.data for row in rows_of(data)]
    if len(verification.data) == 1:
        yield from parts
        return
    for row in rows_of(verification.overall):
        yield row
        of_sets = [part for part in parts if part[0] == row[0]]
        yield from of_sets if len(of_sets) > 1 else ()


def _accuracy(scope: Comparison) -> Iterator[Row]:
    for name, figure in scope.figures().items():
        pictures = f"{scope.labelled_lines:,} lines" if name in OF_LINES else f"{scope.labelled_pages:,} pages"
        yield (
            name,
            _shown(scope.name),
            pictures,
            f"{figure.reference:.2f} %",
            f"{figure.bundle:.2f} %",
            f"{figure.delta.value:+.2f}",
            _range(figure.delta, "+.2f"),
        )


def _agreement(scope: Comparison) -> Iterator[Row]:
    for attribute, figure in FIGURES.items():
        interval = getattr(scope.agreement, attribute)
        if interval is not None:
            basis = figure.basis(scope.agreement)
            yield figure.name, _shown(scope.name), basis, figure.value(interval), figure.range(interval)


def _shown(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"...{name[3 - _LONGEST_NAME :]}"


def _range(interval: Interval, form: str) -> str:
    return f"[{interval.low:{form}}, {interval.high:{form}}]"


def _files(verification: Verification) -> Iterator[Row]:
    for file, size in verification.sizes.items():
        facts = verification.models.get(file.partition(".")[0])
        if facts is None:
            yield file, "", "", "", "", f"{size:,}"
            continue
        whole = facts.partitions == 1 and not facts.outside
        outside = ", ".join(f"{count} {operator}" for operator, count in facts.outside.items()) or "none"
        yield (
            file,
            "whole" if whole else f"{facts.partitions} pieces",
            outside,
            str(facts.operators["int8"]),
            str(facts.operators["float32"]),
            f"{size:,}",
        )
    yield "total", "", "", "", "", f"{verification.total_bytes:,}"


def _speed(verification: Verification) -> Iterator[Row]:
    speed = verification.speed
    for stage, ratio in (
        ("detector", speed.detector),
        ("direction classifier", speed.direction),
        ("recognizer", speed.recognizer),
        ("whole page", speed.page),
    ):
        if ratio is not None:
            yield stage, f"{ratio:.2f}"


def recipes_tried(refused: Sequence[Verification], taken: Verification | None = None) -> Table:
    """What `--precision auto` found with each recipe, the fastest first."""
    rows = [_attempt(each, "refused") for each in refused] + ([_attempt(taken, "taken")] if taken else [])
    head = ("recipe", "verdict", "bytes", "exact match", "detection hmean", "end to end", "alike", "time")
    return Table("Recipes tried, points against FP32", head, tuple(rows), "<<>>>>>>")


def _attempt(verification: Verification, verdict: str) -> Row:
    overall, alike = verification.overall, verification.overall.agreement.same_text_where_sure
    deltas = [
        "" if figure is None else f"{figure.delta.value:+.1f} {_range(figure.delta, '+.1f')}"
        for figure in (overall.exact_match, overall.detection_hmean, overall.end_to_end_hmean)
    ]
    ratio = verification.speed.page or verification.speed.recognizer
    return (
        verification.precision,
        verdict,
        f"{verification.total_bytes:,}",
        *deltas,
        "" if alike is None else f"{alike.value:.1f} %",
        "" if ratio is None else f"{ratio:.2f}",
    )


def as_text(verification: Verification) -> str:
    """For a terminal."""
    measured = [table.as_text() for table in tables(verification)]
    return "\n\n".join([*measured, f"{verification.speed.pictures} pictures were timed on {verification.cpu}."])


def _learned(manifest: Manifest) -> str:
    """A row for each model that was trained for int8, where there is one: how much of that is in the bundle."""
    learned = manifest.provenance.get("learned")
    summaries = [
        f"- {kind}: {use['summary']}"
        for kind, use in (learned.items() if isinstance(learned, dict) else ())
        if isinstance(use, dict) and "summary" in use
    ]
    return "\n".join(["", "## Trained for int8", "", *summaries, ""]) if summaries else ""


def _float32(manifest: Manifest) -> str:
    """A row for each model that half precision has no room for, where there is one."""
    reached = manifest.provenance.get("half_precision")
    kept = [
        f"- {kind}: its numbers reach {found['largest']:,.0f}" + _division(found.get("smallest_divisor"))
        for kind, found in (reached.items() if isinstance(reached, dict) else ())
        if isinstance(found, dict) and not found.get("allowed", True)
    ]
    return "\n".join(["", "## Float32 on CPUs with half precision, too", "", *kept, ""]) if kept else ""


def _division(smallest: float | None) -> str:
    return "" if smallest is None else f", and it divides by {smallest:.1g}"


def as_markdown(manifest: Manifest, verification: Verification) -> bytes:
    """Content of REPORT.md."""
    measured = "\n\n".join(table.as_markdown() for table in tables(verification))
    tools = "\n".join(f"- {name} {version}" for name, version in sorted(verification.runtimes.items()))
    text = f"""# {manifest.title}: {manifest.precision} for {manifest.format}

{measured}
{_learned(manifest)}{_float32(manifest)}
FP32 is the publisher's model under onnxruntime, with the same pre- and post-processing on the same pictures.
Brackets are 95 % bootstrap intervals over the pictures. Lines are compared without case, width and spaces; FP32 is sure
of a line in which it gives every character a probability of {SURE} or more. Time is the best of several rounds in turn,
in one process, on {verification.speed.pictures} of the pictures.
Data: {", ".join(data.name for data in verification.data)}.

Measured on {verification.cpu}, {verification.date}, with

{tools}

Speed on one CPU says nothing about another: x86 gains from int8 only with VNNI, and none of this is an ARM figure.
"""
    return text.encode()
