"""`ppocr-convert list`: the systems and models that the zoo knows."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable, Mapping, Sequence

from converters.sources import cached
from converters.zoo import Model, SourceFile, System, load_zoo
from edge_ocr.cli import put

HEADINGS = ("NAME", "TITLE", "FORMS", "SIZE", "FETCHED", "LICENCE")
MODEL_HEADINGS = ("NAME", "KIND", "FAMILY", "FORMS", "SIZE", "FETCHED", "LICENCE")

FORMATS = {"onnx": "ONNX", "program": "Paddle"}
"""First role of a form -> the format that it is."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "list",
        help="show the models that can be converted",
        description="Show the systems that can be converted: the forms in which their detector, direction classifier "
        "and recognizer are published, their size as published in the first of these, and what is fetched. What was "
        "never run here follows, each with the reason.",
    )
    parser.add_argument(
        "--models", action="store_true", help="show the single models, as `fetch` and `convert --like` take them"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print a table of the systems or models, and why some of them are unproven."""
    zoo = load_zoo()
    fetched = {file for file in zoo.files if cached(file)}
    owners: dict[str, Sequence[Model]]
    if args.models:
        models = sorted(zoo.models.values(), key=lambda model: model.name)
        put(_table([MODEL_HEADINGS, *(_model_row(model, fetched) for model in models)]))
        owners = {model.name: (model,) for model in models}
    else:
        put(_table([HEADINGS, *(_row(system, fetched) for system in zoo.systems.values())]))
        owners = {system.name: system.models for system in zoo.systems.values()}
    for reason, names in _untried(owners).items():
        put(f"\nnot run here, since {reason}: {', '.join(names)}\n")
    return 0


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(system: System, fetched: Collection[SourceFile]) -> tuple[str, ...]:
    whole = sum(_is_fetched(model, fetched) for model in system.models)
    forms = [_formats(model) for model in system.models]
    return (
        system.name,
        system.title,
        forms[0] if len(set(forms)) == 1 else ", ".join(forms),
        _size(file for model in system.models for file in _forms(model)[0]),
        f"{whole} of {len(system.models)} models",
        system.licence,
    )


def _model_row(model: Model, fetched: Collection[SourceFile]) -> tuple[str, ...]:
    return (
        model.name,
        model.kind,
        model.family,
        _formats(model),
        _size(model.files[role] for role in model.forms[0]),
        "yes" if _is_fetched(model, fetched) else "no",
        model.licence,
    )


def _formats(model: Model) -> str:
    return "/".join(FORMATS[form[0]] for form in model.forms)


def _is_fetched(model: Model, fetched: Collection[SourceFile]) -> bool:
    return any(all(file in fetched for file in form) for form in _forms(model))


def _forms(model: Model) -> list[list[SourceFile]]:
    """The files that a conversion takes, in each of a model's forms: the model itself, and its charset."""
    charset = [file for role, file in model.files.items() if role == "charset"]
    return [[*(model.files[role] for role in form), *charset] for form in model.forms]


def _size(files: Iterable[SourceFile]) -> str:
    """Of all files together; one whose size is not known makes it a lower limit."""
    sizes = [file.bytes for file in files]
    if not any(sizes):
        return "unknown"
    return f"{'' if all(sizes) else '> '}{sum(size or 0 for size in sizes) / 1e6:.1f} MB"


def _untried(owners: Mapping[str, Sequence[Model]]) -> dict[str, list[str]]:
    """Why models were not run here -> the names, of them or of their systems, that share the reason."""
    reasons: dict[str, list[str]] = {}
    for name, models in owners.items():
        for reason in {model.untried: None for model in models if model.untried}:
            reasons.setdefault(reason, []).append(name)
    return reasons
