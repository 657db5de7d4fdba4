"""`ppocr-convert convert`: a published system to a checked bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from converters.calibration import CalibrationPictures, default_pictures, find_pictures
from converters.commands.fetch import add_local
from converters.commands.verify import add_budget, rendered_datasets, report_and_judge, unlabelled
from converters.conversion import convert, fetch_sources, write
from converters.errors import AccuracyBudgetError, ConversionError
from converters.evaluation.datasets import Dataset
from converters.progress import Progress
from converters.quantization.recipes import Recipe, available_recipes, load_recipe
from converters.verification import verify
from converters.zoo import load_zoo
from edge_ocr.bundle import check_destination


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
        help=f"{', '.join(available_recipes())}, or a recipe of your own as a .json file (default: int8)",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where the bundle goes")
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="FOLDER",
        help="your own pictures, some dozens like those to be read; one half is calibrated on, the other verified on, "
        "too; those in a folder called `lines` show one line each (default: this project's rendered pictures)",
    )
    add_local(parser)
    add_budget(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Convert; 0 if the bundle was written, 1 if it broke the accuracy budget."""
    progress = Progress()
    recipe = load_recipe(args.precision)
    check_destination(args.output)
    pictures, datasets = _pictures(args.calibration, recipe, progress)
    zoo = load_zoo()
    sources = fetch_sources(zoo, zoo.system(args.system), progress, local=args.local)
    bundle = convert(sources, recipe, pictures, progress)
    verification = verify(bundle, sources.reference(), datasets, progress)
    try:
        report_and_judge(verification, args.max_drop)
    except AccuracyBudgetError as error:
        progress.note(f"refused: {error}; nothing was written to {args.output}")
        return 1
    write(bundle, recipe, verification, args.output)
    progress.note(f"written: {args.output}")
    return 0


def _pictures(
    folder: Path | None, recipe: Recipe, progress: Progress
) -> tuple[CalibrationPictures | None, list[Dataset]]:
    """What to calibrate on, and what to verify on: never the same pictures.

    The rendered pictures, which are labelled, are verified on in any case; a folder of the user's comes in addition.

    Raises:
        ConversionError: there are too few pictures, or none.
    """
    datasets = rendered_datasets()
    if folder is not None:
        own = find_pictures(folder, progress)
        calibrate_on, verify_on = own.halves() if recipe.needs_calibration else (None, own)
        if not (verify_on.pages or verify_on.lines):
            raise ConversionError(f"{folder} holds one picture; give at least two, as one half is calibrated on")
        return calibrate_on, [*datasets, unlabelled(folder.name, verify_on)]
    if not datasets:
        raise ConversionError("the rendered pictures are in a checkout only; give pictures with --calibration DIR")
    return default_pictures().halves()[0] if recipe.needs_calibration else None, datasets
