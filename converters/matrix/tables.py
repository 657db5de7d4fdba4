"""A matrix as tables that a person reads, on a terminal and as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain

from converters.evaluation.accuracy import Figure
from converters.matrix.instructions import Executed
from converters.matrix.outcome import Cell, Matrix, SystemOutcome
from converters.report import Row, Table
from converters.verification import ACCURACY_BUDGET
from converters.zoo import KINDS

NOTHING = "-"
"""In a cell that was not measured."""


def tables(matrix: Matrix) -> list[Table]:
    """Everything that was measured; a table without rows is left out."""
    found = [
        Table(
            "Size, accuracy against FP32, speed",
            (
                "system", "recipe", "", "+".join((*KINDS, "charset")) + ", kB", "bytes", "exact match",
                "detection hmean", "end-to-end hmean", "time",
            ),
            tuple(_rows(matrix, _figures)),
            "<<<>>>>>>",
        ),
        Table(
            f"Million instructions on an emulated {matrix.emulated}, and XNNPACK" if matrix.emulated else "XNNPACK",
            ("system", "recipe", *KINDS, "partitions", "outside"),
            tuple(_rows(matrix, partial(_running, executed=matrix.executed))),
            "<<>>>><",
        ),
        Table(
            "Largest difference between float TFLite and onnxruntime",
            ("system", *KINDS),
            tuple((system.name, *_differences(system)) for system in matrix.systems if system.differences),
            "<>>>",
        ),
        Table(
            "Limits",
            ("system", "bytes, at most", "points, at most", "bytes", "points", "", "source"),
            tuple(_limits(matrix)),
            "<>>>><<",
        ),
    ]  # fmt: skip
    return [table for table in found if table.rows]


def remarks(matrix: Matrix) -> list[str]:
    """What the tables do not say, a sentence each: why something is missing, and how the figures came about."""
    return [*_missing(matrix), *_conditions(matrix)]


def as_text(matrix: Matrix) -> str:
    """For a terminal."""
    return "\n\n".join([*(table.as_text() for table in tables(matrix)), "\n".join(remarks(matrix))])


def as_markdown(matrix: Matrix) -> bytes:
    """For a file that people read."""
    listed = "\n".join(f"- {remark}" for remark in remarks(matrix))
    return ("\n\n".join([*(table.as_markdown() for table in tables(matrix)), listed]) + "\n").encode()


def _rows(matrix: Matrix, figures_of: Callable[[Cell], Row]) -> Iterator[Row]:
    """A row for each recipe; the system is named in its first."""
    for system in matrix.systems:
        for number, cell in enumerate(system.cells):
            yield "" if number else system.name, cell.recipe, *figures_of(cell)


def _figures(cell: Cell) -> Row:
    found = cell.verification
    if found is None:
        return cell.verdict, *[NOTHING] * 6
    sizes = {name.partition(".")[0]: size for name, size in found.sizes.items()}
    overall = found.overall
    return (
        cell.verdict,
        "+".join(f"{sizes[part] / 1000:,.0f}" for part in (*KINDS, "charset") if part in sizes),
        f"{found.total_bytes:,}",
        *map(_figure, (overall.exact_match, overall.detection_hmean, overall.end_to_end_hmean)),
        NOTHING if found.speed.page is None else f"{found.speed.page:.2f}",
    )


def _figure(figure: Figure | None) -> str:
    return NOTHING if figure is None else f"{figure.bundle:.2f} % {figure.delta}"


def _running(cell: Cell, executed: Mapping[str, Executed]) -> Row:
    counts = [executed.get(cell.models.get(kind, "")) for kind in KINDS]
    models = cell.verification.models if cell.verification else {}
    outside: Counter[str] = Counter()
    for facts in models.values():
        outside.update(facts.outside)
    return (
        *(f"{each.instructions / 1e6:,.1f}" if each and each.instructions else NOTHING for each in counts),
        "+".join(str(models[kind].partitions) for kind in KINDS if kind in models) or NOTHING,
        ", ".join(f"{count} {operator}" for operator, count in outside.items()) or NOTHING,
    )


def _differences(system: SystemOutcome) -> Iterator[str]:
    for kind in KINDS:
        yield f"{system.differences[kind]:.1e}" if kind in system.differences else NOTHING


def _limits(matrix: Matrix) -> Iterator[Row]:
    for each in matrix.judgements:
        yield (
            each.system,
            f"{each.limit:,}",
            f"{each.points:g}",
            NOTHING if each.bytes is None else f"{each.bytes:,}",
            NOTHING if each.lost is None else f"{each.lost:+.2f}",
            "met" if each.met else "BROKEN",
            each.source,
        )


def _missing(matrix: Matrix) -> Iterator[str]:
    absent: dict[str, list[str]] = {}
    for system in matrix.systems:
        if system.absent:
            absent.setdefault(system.absent, []).append(system.name)
        if system.failure:
            yield f"{system.name} failed: {system.failure}."
        for cell in system.cells:
            if cell.reason:
                yield f"{system.name}, {cell.recipe}, {cell.verdict}: {cell.reason}."
    for why, names in absent.items():
        yield f"Not converted: {', '.join(names)}: {why}."
    problems = chain.from_iterable(executed.problems for executed in matrix.executed.values())
    for problem in dict.fromkeys(problems):
        yield f"Instructions: {problem}."


def _unwritable(matrix: Matrix) -> Iterator[str]:
    """The systems that did not read all lines."""
    lines = sum(data.lines for data in matrix.data)
    read = {
        system.name: cell.verification.overall.lines
        for system in matrix.systems
        for cell in system.cells
        if cell.verification
    }
    fewer = ", ".join(f"{name} reads {count:,}" for name, count in read.items() if count < lines)
    if fewer:
        yield f"Lines whose label a charset cannot write are left out: of {lines:,}, {fewer}."


def _conditions(matrix: Matrix) -> Iterable[str]:
    budget = ACCURACY_BUDGET if matrix.max_drop is None else matrix.max_drop
    data = ", ".join(f"{each.name} ({each.lines:,} lines, {each.pages:,} pages)" for each in matrix.data)
    versions = ", ".join(f"{name} {version}" for name, version in sorted(matrix.runtimes.items()))
    return (
        "Points are against the publisher's models in float32 under onnxruntime, on the same pictures, with 95 % "
        "bootstrap intervals.",
        *_unwritable(matrix),
        f"The fastest recipe that loses at most {budget:g} points and passes the gate on agreement ships.",
        f"Time is that of a page on one thread over the original's, on {matrix.cpu}.",
        f"Data: {data}. {versions}. {matrix.date}.",
    )
