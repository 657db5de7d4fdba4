"""The option that names pictures to learn from, and what it gives."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path

from converters.calibration import CalibrationPictures, find_pictures
from converters.commands.verify import unlabelled
from converters.evaluation.datasets import Dataset, check_distinct
from converters.lessons import check_lessons
from converters.progress import Progress
from converters.quantization.recipes import KINDS, Recipe


def add_unlabelled(parser: argparse.ArgumentParser) -> None:
    """Add `--unlabelled`."""
    parser.add_argument(
        "--unlabelled",
        type=Path,
        metavar="FOLDER",
        help="pictures without labels for a recipe that learns, some thousands of lines: your own or rendered ones; "
        "those in a folder called `lines` show one line each",
    )


def lessons_of(
    args: argparse.Namespace,
    recipes: Sequence[Recipe],
    datasets: Sequence[Dataset],
    progress: Progress,
    kinds: Collection[str] = KINDS,
) -> CalibrationPictures | None:
    """The pictures in the folder, which are none of those that are judged on; None where none is named.

    Raises:
        ConversionError: there are no such pictures, or a recipe that learns models of these kinds lacks what it needs.
    """
    lessons = None if args.unlabelled is None else find_pictures(args.unlabelled, progress)
    if lessons is not None:
        check_distinct([*datasets, unlabelled(args.unlabelled.resolve().name, lessons)])
    for recipe in recipes:
        check_lessons(recipe, lessons, kinds)
    return lessons
