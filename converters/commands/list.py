"""`ppocr-convert list`: the systems that the zoo knows."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable

from converters.sources import cached
from converters.zoo import Model, SourceFile, System, load_zoo

HEADINGS = ("NAME", "TITLE", "FORMS", "SIZE", "FETCHED", "LICENCE")

FORMATS = {"onnx": "ONNX", "program": "Paddle"}
"""First role of a form -> the format that it is."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "list",
        help="show the models that can be converted",
        description="Show the systems that can be converted: the forms in which their detector, direction classifier "
        "and recognizer are published, their size as published in the first of these, and what is fetched. Systems "
        "that were never run here follow, each with the reason.",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print a table of the systems, and why some of them are unproven."""
    zoo = load_zoo()
    fetched = {file for file in zoo.files if cached(file)}
    rows = [HEADINGS, *(_row(system, fetched) for system in zoo.systems.values())]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for reason, names in _untried(zoo.systems.values()).items():
        print(f"\nnot run here, since {reason}: {', '.join(names)}")
    return 0


def _row(system: System, fetched: Collection[SourceFile]) -> tuple[str, ...]:
    whole = sum(any(set(form) <= set(fetched) for form in _forms(model)) for model in system.models)
    forms = ["/".join(FORMATS[form[0]] for form in model.forms) for model in system.models]
    return (
        system.name,
        system.title,
        forms[0] if len(set(forms)) == 1 else ", ".join(forms),
        _size(file for model in system.models for file in _forms(model)[0]),
        f"{whole} of {len(system.models)} models",
        system.licence,
    )


def _forms(model: Model) -> list[list[SourceFile]]:
    """The files that a conversion takes, in each of a model's forms: the model itself, and its charset."""
    charset = [file for role, file in model.files.items() if role == "charset"]
    return [[*(model.files[role] for role in form), *charset] for form in model.forms]


def _size(files: Iterable[SourceFile]) -> str:
    """Of all files together; one whose size is not known makes it a lower limit."""
    sizes = [file.bytes for file in files]
    return f"{'' if all(sizes) else '> '}{sum(size or 0 for size in sizes) / 1e6:.1f} MB"


def _untried(systems: Iterable[System]) -> dict[str, list[str]]:
    """Why a system was not run here -> the names of those that share the reason."""
    reasons: dict[str, list[str]] = {}
    for system in systems:
        for reason in {model.untried: None for model in system.models if model.untried}:
            reasons.setdefault(reason, []).append(system.name)
    return reasons
