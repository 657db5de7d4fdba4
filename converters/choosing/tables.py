"""A choice as tables that a person reads, on a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from converters.choosing.halves import CHOOSE, REPORT
from converters.choosing.outcome import Choice, ModelOutcome, Variant, instructions
from converters.evaluation.accuracy import Figure
from converters.evaluation.agreement import FIGURES
from converters.matrix.tables import NOTHING
from converters.report import Table
from converters.verification import ACCURACY_BUDGET, OVERALL, Comparison

_ALIKE = {
    "detector": ("same_boxes",),
    "direction": ("same_direction",),
    "recognizer": ("same_text_where_sure", "change_of_length"),
}
"""Kind of model -> the figures of agreement that bear on it."""


def tables(choice: Choice) -> list[Table]:
    """For each model how right the variants are, what they cost, and how far the draws are apart."""
    found = []
    for model in choice.models:
        found += [_accuracy(model), _cost(model, choice), _spread(model)]
    return [table for table in found if table.rows]


def remarks(choice: Choice) -> list[str]:
    """What the tables do not say, a sentence each: why something is missing, and how the figures came about."""
    return [*_problems(choice), *_conditions(choice)]


def as_text(choice: Choice) -> str:
    """For a terminal."""
    return "\n\n".join([*(table.as_text() for table in tables(choice)), "\n".join(remarks(choice))])


def as_markdown(choice: Choice) -> bytes:
    """For a file that people read."""
    listed = "\n".join(f"- {remark}" for remark in remarks(choice))
    return ("\n\n".join([*(table.as_markdown() for table in tables(choice)), listed]) + "\n").encode()


def _accuracy(model: ModelOutcome) -> Table:
    scored = next((variant.found for variant in model.variants if variant.found), None)
    basis = [NOTHING if scored is None else _basis(scored[half]) for half in (CHOOSE, REPORT)]
    names = [FIGURES[figure].name for figure in _ALIKE[model.kind]]
    head = ("variant", "", "to choose on", "to report on", "both halves", *names)
    rows = tuple((_name(variant, model), variant.verdict, *_scores(variant, model.kind)) for variant in model.variants)
    title = f"{model.system}, {model.kind}: points against FP32, chosen on {basis[0]}, reported on {basis[1]}"
    return Table(title, head, rows, "<<" + ">" * (len(head) - 2))


def _scores(variant: Variant, kind: str) -> Iterator[str]:
    for half in (CHOOSE, REPORT, OVERALL):
        figure = _figure(variant.found[half]) if variant.found else None
        yield NOTHING if figure is None else str(figure.delta)
    for name in _ALIKE[kind]:
        interval = getattr(variant.found[REPORT].agreement, name) if variant.found else None
        words = FIGURES[name]
        yield NOTHING if interval is None else f"{words.value(interval)} {words.range(interval)}"


def _cost(model: ModelOutcome, choice: Choice) -> Table:
    counted = [heading for cpu in choice.executed for heading in (f"{cpu}, M", "/ float", "/ ORT")]
    head = ("variant", "bytes", "time / ORT", *counted, "partitions", "outside XNNPACK")
    rows = [(_name(variant, model), *_costs(variant, model, choice)) for variant in model.variants if variant.xnnpack]
    return Table(
        f"{model.system}, {model.kind}: bytes, time on one thread, instructions, XNNPACK",
        head,
        tuple(rows),
        "<" + ">" * (len(head) - 2) + "<",
    )


def _costs(variant: Variant, model: ModelOutcome, choice: Choice) -> Iterator[str]:
    yield f"{variant.bytes:,}"
    yield NOTHING if variant.time is None else f"{variant.time:.2f}"
    for of_cpu in choice.executed.values():
        count = instructions(of_cpu, variant.sha256)
        yield NOTHING if count is None else f"{count / 1e6:,.1f}"
        for other in (instructions(of_cpu, model.float32), instructions(of_cpu, model.original)):
            yield NOTHING if count is None or not other else f"{count / other:.2f}"
    if variant.xnnpack is not None:
        yield str(variant.xnnpack.partitions)
        yield ", ".join(f"{count} {name}" for name, count in variant.xnnpack.outside.items()) or "none"


def _spread(model: ModelOutcome) -> Table:
    """How far the draws of a recipe's calibration pictures are apart, of those with several."""
    recipes: dict[str, list[Variant]] = {}
    for variant in model.variants:
        recipes.setdefault(variant.recipe, []).append(variant)
    rows = []
    for recipe, variants in recipes.items():
        deltas = {half: _deltas(variants, half) for half in (CHOOSE, REPORT)}
        if len(variants) > 1 and deltas[REPORT]:
            rows.append((recipe, str(len(variants)), *map(_extent, deltas.values())))
    head = ("recipe", "draws", "to choose on", "to report on")
    return Table(f"{model.system}, {model.kind}: points over draws of calibration pictures", head, tuple(rows), "<>>>")


def _deltas(variants: Sequence[Variant], half: str) -> list[float]:
    figures = [_figure(variant.found[half]) for variant in variants if variant.found]
    return [figure.delta.value for figure in figures if figure is not None]


def _extent(points: Sequence[float]) -> str:
    return f"{min(points):+.2f} .. {max(points):+.2f}, mean {sum(points) / len(points):+.2f}"


def _figure(comparison: Comparison) -> Figure | None:
    """What a model is judged by: exact match of lines or directions, hmean of boxes."""
    return comparison.detection_hmean if comparison.pages else comparison.exact_match


def _basis(comparison: Comparison) -> str:
    """How many pictures, and what the original reaches on them."""
    pictures = f"{comparison.pages:,} pages" if comparison.pages else f"{comparison.lines:,} lines"
    figure = _figure(comparison)
    return pictures if figure is None else f"{pictures} (FP32: {figure.reference:.2f} %)"


def _name(variant: Variant, model: ModelOutcome) -> str:
    alone = sum(other.recipe == variant.recipe for other in model.variants) == 1
    return variant.recipe if alone else f"{variant.recipe}, draw {variant.draw + 1}"


def _problems(choice: Choice) -> Iterator[str]:
    for model in choice.models:
        if model.chosen is None:
            yield f"{model.system}, {model.kind}: no variant passes."
        for variant in model.variants:
            if variant.reason:
                yield f"{model.system}, {model.kind}, {_name(variant, model)}, {variant.verdict}: {variant.reason}."
    for cpu, of_cpu in choice.executed.items():
        for problem in dict.fromkeys(problem for each in of_cpu.values() for problem in each.problems):
            yield f"Instructions on {cpu}: {problem}."


def _conditions(choice: Choice) -> Iterator[str]:
    budget = ACCURACY_BUDGET if choice.max_drop is None else choice.max_drop
    yield (
        "Each model by itself, against the publisher's in float32 under onnxruntime (ORT) on the same pictures, with "
        "95 % paired bootstrap intervals: exact match of a recognizer, hmean of a detector's boxes, right directions "
        "of lines shown upright and turned."
    )
    yield (
        "The halves are split by photograph, by a hash of its name. On the half to choose on a variant passes that "
        f"agrees with FP32 as the gate asks and loses at most {budget:g} points, a recipe if all its draws do; chosen "
        f"is the one with the least of {', '.join([*(f'instructions on {cpu}' for cpu in choice.executed), 'time'])}. "
        "What the variants have in common with FP32 is told of the half to report on."
    )
    yield f"Time is that of the network alone, of inputs that instructions are counted for, on {choice.cpu}."
    data = ", ".join(f"{each.name} ({each.lines:,} lines, {each.pages:,} pages)" for each in choice.data)
    versions = ", ".join(f"{name} {version}" for name, version in sorted(choice.runtimes.items()))
    yield f"Data: {data}. {versions}. {choice.date}."
