"""`ppocr-convert convert`: a published system, or models of the user's own, to a checked bundle."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from converters.calibration import CalibrationPictures, default_pictures, find_pictures
from converters.commands.fetch import add_local
from converters.commands.lessons import add_unlabelled, lessons_of
from converters.commands.originals import add_choices, add_source, sources_of
from converters.commands.verify import ADVICE, add_budget, add_limit, add_workers, limits_of, unlabelled
from converters.conversion import convert, write
from converters.errors import AccuracyBudgetError, ConversionError
from converters.evaluation.datasets import Dataset, check_distinct, evaluation_datasets
from converters.evaluation.evaluation import judged
from converters.examination import Examiner
from converters.progress import Progress
from converters.quantization.recipes import available_recipes, load_recipe, recipes_from_fastest_to_safest
from converters.report import as_text, recipes_tried
from converters.verification import Verification
from edge_ocr.bundle_writing import check_destination
from edge_ocr.cli import put

AUTO = "auto"
"""In place of a recipe: walk from the fastest to the safest."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "convert",
        help="make a bundle: fetch, rewrite, quantise, verify",
        description="Convert a system that `list` shows, or models of your own, to a bundle, and verify it against the "
        "float32 original. The bundle is written only if it stays within the accuracy budget and passes the gate.",
        epilog="examples: ppocr-convert convert ppocrv6-tiny --precision int8 -o out/ppocrv6-tiny; "
        "ppocr-convert convert path/to/ch_PP-OCRv2_rec_infer --precision int8-weights -o out/mine",
    )
    add_source(parser)
    parser.add_argument("--format", choices=["tflite"], default="tflite", help="of the model files (default: tflite)")
    parser.add_argument(
        "--precision",
        default="int8",
        metavar="RECIPE",
        help=f"{', '.join(available_recipes())}, a recipe of your own as a .json file, or {AUTO}: the fastest that "
        "passes of those that do not learn (default: int8)",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where the bundle goes")
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="FOLDER",
        help="your own pictures, some dozens like those to be read; one half is calibrated on, the other verified on, "
        "too; those in a folder called `lines` show one line each (default: this project's rendered pictures)",
    )
    add_unlabelled(parser)
    add_limit(parser)
    add_workers(parser)
    add_local(parser)
    add_budget(parser)
    add_choices(parser).add_argument("--name", help="what the bundle is called (default: like the first path)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Convert; 0 if a bundle was written, 1 if it was refused, or each of the recipes was."""
    progress = Progress()
    limits = limits_of(args)
    recipes = recipes_from_fastest_to_safest() if args.precision == AUTO else [load_recipe(args.precision)]
    check_destination(args.output)
    calibrates = any(recipe.needs_calibration for recipe in recipes)
    pictures, datasets = _pictures(args.calibration, calibrates, progress)
    lessons = lessons_of(args, recipes, datasets, progress)
    sources = sources_of(args, progress)
    reference = sources.reference()
    datasets = judged(datasets, reference.charset, args.limit, progress)
    examiner = Examiner(reference, datasets, progress, args.workers)
    refused: list[Verification] = []
    for recipe in recipes:
        progress.note(f"recipe {recipe.name}: {recipe.summary}")
        bundle = convert(sources, recipe, pictures, progress, unlabelled=lessons)
        verification = examiner.examine(bundle)
        try:
            verification.judge(args.max_drop, limits)
        except AccuracyBudgetError as error:
            progress.note(f"refused: {recipe.name}: {error}")
            refused.append(verification)
            continue
        verification = replace(verification, refused=tuple(refused))
        write(bundle, recipe, verification, args.output)
        progress.note(f"written: {args.output}")
        put(f"{as_text(verification)}\n")
        return 0
    put(f"{as_text(refused[0]) if args.precision != AUTO else recipes_tried(refused).as_text()}\n")
    progress.note(f"nothing was written to {args.output}; {_what_to_do(refused)}")
    return 1


def _what_to_do(refused: Sequence[Verification]) -> str:
    if len(refused) == 1:
        return ADVICE
    losses = {verification.precision: loss for verification in refused if (loss := verification.loss)}
    best = min(losses, key=lambda precision: losses[precision].points, default=None)
    least = "" if best is None else f", {best} the least ({losses[best]})"
    return (
        f"every recipe loses too much{least}: allow as much with --max-drop or --gate, or calibrate on pictures more "
        "like yours"
    )


def _pictures(folder: Path | None, calibrates: bool, progress: Progress) -> tuple[CalibrationPictures, list[Dataset]]:
    """What to calibrate on, and what to verify on: never the same pictures, where anything is calibrated.

    The evaluation set, which is labelled, is verified on in any case; a folder of the user's comes in addition.

    Raises:
        ConversionError: there are too few pictures, or none, or some are of the evaluation set.
    """
    datasets = evaluation_datasets()
    if folder is not None:
        own = find_pictures(folder, progress)
        check_distinct([*datasets, unlabelled(folder.resolve().name, own)])
        calibrate_on, verify_on = own.halves() if calibrates else (own, own)
        if not (verify_on.pages or verify_on.lines):
            raise ConversionError(f"{folder} holds one picture; give at least two, as one half is calibrated on")
        return calibrate_on, [*datasets, unlabelled(folder.resolve().name, verify_on)]
    if not datasets:
        raise ConversionError("the rendered pictures are in a checkout only; give pictures with --calibration DIR")
    # Every second of them: bundles calibrated on all were tried, and read no better.
    return default_pictures().halves()[0], datasets
