"""`ppocr-convert choose`: which recipe for which model of a system."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from converters.calibration import default_pictures
from converters.choosing.outcome import Choice
from converters.choosing.tables import as_markdown, as_text
from converters.choosing.walk import Walk
from converters.commands.fetch import add_local
from converters.commands.lessons import add_unlabelled, lessons_of
from converters.commands.matrix import EMULATED, data_facts, datasets_of
from converters.commands.verify import add_budget, add_limit, add_workers, limits_of
from converters.conversion import fetch_sources
from converters.destination import check_no_input, write_results
from converters.errors import ConversionError
from converters.matrix.instructions import Counter
from converters.progress import Progress
from converters.quantization.recipes import Recipe, available_recipes, load_recipe, recipes_from_fastest_to_safest
from converters.verification import describe_cpu
from converters.zoo import KINDS, load_zoo
from edge_ocr.arguments import whole
from edge_ocr.benchmark.host.emulation.cpus import CPUS
from edge_ocr.cli import put
from edge_ocr.destination import check_file_destination
from edge_ocr.engines import installed

USUAL_CPUS = (EMULATED, "cortex-a72")
"""Those of the Raspberry Pi 5 and 4: with and without dot products of int8."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "choose",
        help="score every recipe for each model by itself, choose on one half of the pictures, report on the other",
        description="Convert each model of a system by several recipes and score it by itself: the recognizer on "
        "pictures of lines, the detector on pages, the direction classifier on lines upright and turned. The pictures "
        "are split in two by photograph. On one half the cheapest variant is chosen that passes: the one of which ARM "
        "CPUs execute the fewest instructions. The other half, which has had no say, tells what it loses. All variants "
        "are listed. A run that was stopped goes on where it was; exit status 1 says that no variant of a model "
        "passes.",
        epilog="example: ppocr-convert choose ppocrv6-tiny --kind recognizer --data my-lines --draws 3 --max-drop 0.5",
    )
    parser.add_argument("systems", nargs="+", metavar="SYSTEM", help="names that `list` shows")
    parser.add_argument(
        "--kind",
        action="append",
        choices=KINDS,
        default=[],
        help="of model; may be repeated (default: all that a system has and the pictures can be shown to)",
    )
    parser.add_argument(
        "--recipe",
        action="append",
        metavar="RECIPE",
        help=f"{', '.join(available_recipes())}, or a recipe of your own as a .json file; may be repeated (default: "
        "those that `convert --precision auto` tries)",
    )
    parser.add_argument(
        "--data",
        action="append",
        type=Path,
        default=[],
        metavar="DATASET",
        help="a folder with labels, or a label file; may be repeated (default: this project's evaluation set)",
    )
    parser.add_argument(
        "--draws",
        type=whole(1, 100),
        default=1,
        metavar="N",
        help="calibrate each recipe that does on N different drawings of the calibration pictures; it passes if all "
        "do (default: 1)",
    )
    add_unlabelled(parser)
    counted = parser.add_mutually_exclusive_group()
    counted.add_argument(
        "--cpu",
        action="append",
        choices=CPUS,
        metavar="CPU",
        help=f"to emulate: {', '.join(CPUS)}; may be repeated, the one that decides first (default: "
        f"{', '.join(USUAL_CPUS)})",
    )
    counted.add_argument("--no-instructions", action="store_true", help="count no instructions: choose by time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables here")
    add_limit(parser)
    add_workers(parser)
    add_local(parser)
    add_budget(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Choose; 0 if a variant of every model passes, else 1."""
    progress = Progress()
    limits = limits_of(args)
    zoo = load_zoo()
    systems = [zoo.system(name) for name in dict.fromkeys(args.systems)]
    recipes = _recipes(args)
    datasets = datasets_of(args)
    for path in filter(None, (args.json, args.markdown)):
        check_file_destination(path, "result file")
        check_no_input(path, datasets)
    lessons = lessons_of(args, recipes, datasets, progress, args.kind or KINDS)
    cpus = [] if args.no_instructions else dict.fromkeys(args.cpu or USUAL_CPUS)
    counters = [Counter(CPUS[name], progress) for name in cpus]
    walk = Walk(
        recipes=recipes,
        draws=args.draws,
        pictures=default_pictures().halves()[0],
        unlabelled=lessons,
        datasets=datasets,
        limit=args.limit,
        max_drop=args.max_drop,
        limits=limits,
        workers=args.workers,
        counters=counters,
        progress=progress,
    )
    sources = [fetch_sources(zoo, system, progress, local=args.local) for system in systems]
    outcomes = list(walk.outcomes(walk.tasks(sources, list(dict.fromkeys(args.kind)))))
    executed = {counter.cpu.name: counter.count() for counter in counters}
    choice = Choice(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        cpu=describe_cpu(),
        executed=executed,
        runtimes=dict(installed()),
        max_drop=args.max_drop,
        data=tuple(data_facts(data, args.limit) for data in datasets),
        models=tuple(outcome.choose(executed) for outcome in outcomes),
    )
    write_results([(args.json, choice.to_json()), (args.markdown, as_markdown(choice))], progress)
    put(f"{as_text(choice)}\n")
    return 0 if choice.good else 1


def _recipes(args: argparse.Namespace) -> list[Recipe]:
    """What to choose from.

    Raises:
        ConversionError: one cannot be read, or two have the same name, which is all that the tables tell them apart by.
    """
    recipes = [load_recipe(name) for name in dict.fromkeys(args.recipe or ())] or recipes_from_fastest_to_safest()
    names = [recipe.name for recipe in recipes]
    if double := [name for name in names if names.count(name) > 1]:
        raise ConversionError(f"{len(double)} recipes are called {double[0]}; give each a name of its own")
    return recipes
