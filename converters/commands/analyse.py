"""`ppocr-convert analyse`: where the noise of int8 enters a model, layer by layer."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from converters.analysis.figures import ModelFigures, analyse
from converters.analysis.picture import as_svg
from converters.analysis.table import WORST, tables
from converters.calibration import CalibrationPictures, default_pictures, find_pictures, record_inputs
from converters.commands.fetch import add_local
from converters.commands.originals import add_choices, add_source, sources_of
from converters.conversion import float_bundle
from converters.destination import write_results
from converters.errors import ConversionError
from converters.progress import Progress
from converters.quantization.placement import place
from converters.quantization.recipes import available_recipes, load_recipe
from converters.zoo import KINDS
from edge_ocr.cli import put
from edge_ocr.destination import check_file_destination

SCHEMA = 1
"""Version of the JSON. It grows with every change of a key or of a meaning."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "analyse",
        help="show where the noise of int8 enters a model, and what float would cost there",
        description="Round one layer after the other in the float model as a static recipe would, and measure what "
        "arrives at the output. noise: the layer's share of all the noise there, weights and activations together. "
        "alone: the output's signal-to-noise ratio with this layer as the only one in int8. changed: the share of "
        "answers that this changes; an answer is the likeliest character of a frame, the direction of a line, or a "
        "pixel that is taken for text. output: the signal-to-noise ratio of the layer's own output, in the model as "
        "the recipe makes it. It takes minutes for each model.",
        epilog="example: ppocr-convert analyse ppocrv6-tiny --kind recognizer --picture noise.svg",
    )
    add_source(parser)
    parser.add_argument(
        "--precision",
        default="int8",
        metavar="RECIPE",
        help=f"{', '.join(available_recipes())}, or a recipe of your own as a .json file (default: int8)",
    )
    parser.add_argument(
        "--kind",
        action="append",
        choices=KINDS,
        help="of model; may be repeated (default: those that the recipe makes static int8)",
    )
    parser.add_argument(
        "--calibration", type=Path, metavar="DIR", help="pictures to look at (default: this project's rendered ones)"
    )
    parser.add_argument("--all", action="store_true", help=f"show all layers, not the {WORST} that are loudest")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw them here, as an SVG")
    add_local(parser)
    add_choices(parser)
    parser.set_defaults(run=run, name=None)


def run(args: argparse.Namespace) -> int:
    """Analyse; 0 when all was measured."""
    progress = Progress()
    recipe = load_recipe(args.precision)
    kinds = [kind for kind in KINDS if recipe.models[kind].mode == "static" and kind in (args.kind or KINDS)]
    if missing := [kind for kind in args.kind or () if kind not in kinds]:
        raise ConversionError(
            f"the recipe {recipe.name} makes the {missing[0]} {recipe.models[missing[0]].mode}, without int8 "
            "activations; there is nothing to analyse, choose another recipe or kind"
        )
    if not kinds:
        raise ConversionError(f"the recipe {recipe.name} makes no model static int8; choose another one")
    for path in filter(None, (args.json, args.picture)):
        check_file_destination(path, "result file")
    if args.picture and args.picture.suffix.lower() != ".svg":
        raise ConversionError(f"{args.picture} is drawn as an SVG; give a name that ends in .svg")
    pictures = _pictures(args.calibration, progress)
    sources = sources_of(args, progress)
    floats = float_bundle(sources, progress)
    specs = floats.manifest.models.by_kind()
    if missing := [kind for kind in args.kind or () if kind not in specs]:
        raise ConversionError(f"{sources.system.name} has no {missing[0]}; it has {', '.join(specs)}")
    samples = {kind: recipe.models[kind].samples for kind in kinds if kind in specs}
    inputs = record_inputs(floats, pictures, samples, progress)
    found = []
    for kind in samples:
        content, tensors, learned = floats.model_bytes(kind), inputs[kind], sources.learned.get(kind)
        ranges = None if learned is None else place(content, sources.models[kind], learned, tensors[0]).ranges
        with progress.bar(f"analyse: {kind}", None, "run") as done:
            meaning = specs[kind].output.meaning
            found.append(analyse(kind, content, recipe.models[kind], tensors, meaning, lambda: done(1), learned=ranges))
    title = f"{sources.system.name}, {recipe.name}"
    figures = _as_json(sources.system.name, recipe.name, found)
    write_results([(args.json, figures), (args.picture, as_svg(f"Where noise enters: {title}", found))], progress)
    shown = [table.as_text() for model in found for table in tables(model, None if args.all else WORST)]
    put("\n\n".join(shown) + "\n")
    return 0


def _pictures(folder: Path | None, progress: Progress) -> CalibrationPictures:
    """What to look at: what a conversion would calibrate on.

    Raises:
        ConversionError: there are no pictures, or too few.
    """
    if folder is not None:
        return find_pictures(folder, progress)
    pictures = default_pictures().halves()[0]
    if not pictures.pages:
        raise ConversionError("the rendered pictures are in a checkout only; give pictures with --calibration DIR")
    return pictures


def _as_json(system: str, recipe: str, models: list[ModelFigures]) -> bytes:
    plain = {"schema": SCHEMA, "system": system, "recipe": recipe, "models": [model.to_json() for model in models]}
    return (json.dumps(plain, indent=1) + "\n").encode()
