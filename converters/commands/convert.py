"""`ppocr-convert convert`: a published system to a checked bundle."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from converters.calibration import CalibrationPictures, default_pictures, find_pictures
from converters.commands.fetch import add_local
from converters.commands.verify import ADVICE, add_budget, add_workers, unlabelled
from converters.conversion import convert, fetch_sources, write
from converters.errors import AccuracyBudgetError, ConversionError
from converters.evaluation.datasets import Dataset, check_distinct, evaluation_datasets
from converters.evaluation.readings import Reading, in_pairs, read_alone
from converters.progress import Progress
from converters.quantization.recipes import available_recipes, load_recipe, recipes_from_fastest_to_safest
from converters.report import as_text, recipes_tried
from converters.speed import measure_speed
from converters.verification import Verification, verify
from converters.zoo import load_zoo
from edge_ocr.bundle import Bundle
from edge_ocr.bundle_writing import check_destination

AUTO = "auto"
"""In place of a recipe: walk from the fastest to the safest."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "convert",
        help="make a bundle: fetch, rewrite, quantise, verify",
        description="Convert a system of the zoo to a bundle, and verify it against the float32 original. The bundle "
        "is written only if it stays within the accuracy budget.",
        epilog="example: ppocr-convert convert ppocrv6-tiny --format tflite --precision int8 -o out/ppocrv6-tiny",
    )
    parser.add_argument("system", help="a name that `list` shows")
    parser.add_argument("--format", choices=["tflite"], default="tflite", help="of the model files (default: tflite)")
    parser.add_argument(
        "--precision",
        default="int8",
        metavar="RECIPE",
        help=f"{', '.join(available_recipes())}, a recipe of your own as a .json file, or {AUTO}: the fastest of these "
        "recipes that stays within the budget (default: int8)",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where the bundle goes")
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="FOLDER",
        help="your own pictures, some dozens like those to be read; one half is calibrated on, the other verified on, "
        "too; those in a folder called `lines` show one line each (default: this project's rendered pictures)",
    )
    add_workers(parser)
    add_local(parser)
    add_budget(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Convert; 0 if a bundle was written, 1 if it broke the accuracy budget, or each of the recipes did."""
    progress = Progress()
    recipes = recipes_from_fastest_to_safest() if args.precision == AUTO else [load_recipe(args.precision)]
    check_destination(args.output)
    calibrates = any(recipe.needs_calibration for recipe in recipes)
    pictures, datasets = _pictures(args.calibration, calibrates, progress)
    zoo = load_zoo()
    sources = fetch_sources(zoo, zoo.system(args.system), progress, local=args.local)
    examiner = _Examiner(sources.reference(), datasets, progress, args.workers)
    refused: list[Verification] = []
    for recipe in recipes:
        progress.note(f"recipe {recipe.name}: {recipe.summary}")
        bundle = convert(sources, recipe, pictures if recipe.needs_calibration else None, progress)
        verification = examiner.examine(bundle)
        try:
            verification.judge(args.max_drop)
        except AccuracyBudgetError as error:
            progress.note(f"refused: {recipe.name}: {error}")
            refused.append(verification)
            continue
        verification = replace(verification, refused=tuple(refused))
        print(as_text(verification))
        write(bundle, recipe, verification, args.output)
        progress.note(f"written: {args.output}")
        return 0
    print(as_text(refused[0]) if args.precision != AUTO else recipes_tried(refused).as_text())
    progress.note(f"nothing was written to {args.output}; {_what_to_do(refused)}")
    return 1


def _what_to_do(refused: Sequence[Verification]) -> str:
    if len(refused) == 1:
        return ADVICE
    best = min(refused, key=lambda verification: verification.loss.points)
    return (
        f"every recipe loses too much, {best.precision} the least ({best.loss}): allow as much with --max-drop, or "
        "calibrate on pictures more like yours"
    )


class _Examiner:
    """Verifies one bundle after the other on the same pictures, which the original reads once."""

    def __init__(self, reference: Bundle, datasets: Sequence[Dataset], progress: Progress, workers: int | None) -> None:
        self._reference, self._datasets = reference, datasets
        self._progress, self._workers = progress, workers

    def examine(self, bundle: Bundle) -> Verification:
        readings = in_pairs(self._datasets, self._original, self._read(bundle))
        speed = measure_speed(self._reference, bundle, self._datasets, self._progress)
        return verify(bundle, self._datasets, readings, speed)

    @cached_property
    def _original(self) -> Reading:
        return self._read(self._reference)

    def _read(self, bundle: Bundle) -> Reading:
        return read_alone(bundle, self._datasets, self._progress, workers=self._workers)


def _pictures(
    folder: Path | None, calibrates: bool, progress: Progress
) -> tuple[CalibrationPictures | None, list[Dataset]]:
    """What to calibrate on, and what to verify on: never the same pictures.

    The evaluation set, which is labelled, is verified on in any case; a folder of the user's comes in addition.

    Raises:
        ConversionError: there are too few pictures, or none, or some are of the evaluation set.
    """
    datasets = evaluation_datasets()
    if folder is not None:
        own = find_pictures(folder, progress)
        check_distinct([*datasets, unlabelled(folder.resolve().name, own)])
        calibrate_on, verify_on = own.halves() if calibrates else (None, own)
        if not (verify_on.pages or verify_on.lines):
            raise ConversionError(f"{folder} holds one picture; give at least two, as one half is calibrated on")
        return calibrate_on, [*datasets, unlabelled(folder.resolve().name, verify_on)]
    if not datasets:
        raise ConversionError("the rendered pictures are in a checkout only; give pictures with --calibration DIR")
    # Every second of them: bundles calibrated on all were tried, and read no better.
    return default_pictures().halves()[0] if calibrates else None, datasets
