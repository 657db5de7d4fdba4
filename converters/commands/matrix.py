"""`ppocr-convert matrix`: every system of the zoo by every recipe, and which recipe of each ships."""

from __future__ import annotations

import argparse
import datetime
from functools import partial
from pathlib import Path

from converters.calibration import default_pictures
from converters.commands.fetch import add_local
from converters.commands.verify import add_budget, add_limit, add_workers, limits_of
from converters.conversion import Sources, fetch_sources
from converters.destination import check_no_input, write_results
from converters.errors import ConversionError
from converters.evaluation.datasets import Dataset, check_distinct, evaluation_datasets, find_dataset
from converters.matrix.instructions import Counter
from converters.matrix.outcome import DataFacts, Matrix
from converters.matrix.sums import judge, read_limits
from converters.matrix.survey import Survey
from converters.matrix.tables import as_markdown, as_text
from converters.progress import Progress
from converters.quantization.recipes import available_recipes, load_recipe, recipes_from_fastest_to_safest
from converters.verification import describe_cpu
from converters.zoo import System, Zoo, load_zoo
from edge_ocr.benchmark.host.emulation.cpus import CPUS
from edge_ocr.bundle_writing import check_destination
from edge_ocr.cli import put
from edge_ocr.destination import check_file_destination
from edge_ocr.engines import installed

EMULATED = "cortex-a76"
"""The CPU of the Raspberry Pi 5."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "matrix",
        help="convert and verify every system by every recipe",
        description="Convert systems of the zoo by several recipes, verify each against the float32 original, and "
        "write the fastest that stays within the accuracy budget and passes the gate. The table says what each weighs, "
        "how well it reads, how long it takes and what an ARM CPU executes. It takes minutes for each system; a run "
        "that was stopped goes on where it was. A system whose files cannot be had is left out and named; exit status "
        "1 says that a system failed, that no recipe of one passes, or that a bundle weighs or loses more than the "
        "limits at the end allow.",
        epilog="example: ppocr-convert matrix -o bundles --limit 60 --markdown matrix.md --json matrix.json",
    )
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", help="names that `list` shows (default: all)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="where the bundles go")
    parser.add_argument(
        "--data",
        action="append",
        type=Path,
        default=[],
        metavar="DATASET",
        help="a folder with labels, or a label file, to verify on; may be repeated (default: this project's evaluation "
        "set)",
    )
    parser.add_argument(
        "--precision",
        action="append",
        metavar="RECIPE",
        help=f"{', '.join(available_recipes())}, or a recipe of your own as a .json file; may be repeated, the fastest "
        "first (default: those that `convert --precision auto` tries)",
    )
    counted = parser.add_mutually_exclusive_group()
    counted.add_argument(
        "--cpu",
        choices=CPUS,
        default=EMULATED,
        metavar="CPU",
        help=f"to emulate: {', '.join(CPUS)} (default: {EMULATED})",
    )
    counted.add_argument("--no-instructions", action="store_true", help="count no instructions")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables here")
    add_limit(parser)
    add_workers(parser)
    add_local(parser)
    add_budget(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Convert them all; 0 if each that could be had ships and keeps to the limits, else 1."""
    progress = Progress()
    limits = limits_of(args)
    zoo = load_zoo()
    systems = [zoo.system(name) for name in dict.fromkeys(args.systems or zoo.systems)]
    recipes = [load_recipe(name) for name in dict.fromkeys(args.precision or ())] or recipes_from_fastest_to_safest()
    datasets = datasets_of(args)
    for system in systems:
        check_destination(args.output / system.name)
    for path in filter(None, (args.json, args.markdown)):
        check_file_destination(path, "result file")
        check_no_input(path, datasets)
    counter = None if args.no_instructions else Counter(CPUS[args.cpu], progress)
    survey = Survey(
        fetch=partial(_fetch, zoo, progress, args.local),
        recipes=recipes,
        pictures=default_pictures().halves()[0],
        datasets=datasets,
        limit=args.limit,
        max_drop=args.max_drop,
        limits=limits,
        workers=args.workers,
        counter=counter,
        progress=progress,
    )
    outcomes = tuple(survey.walk(systems, args.output))
    matrix = Matrix(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        cpu=describe_cpu(),
        emulated=counter.cpu.name if counter else None,
        executed=counter.count() if counter else {},
        runtimes=dict(installed()),
        max_drop=args.max_drop,
        data=tuple(data_facts(data, args.limit) for data in datasets),
        systems=outcomes,
        judgements=tuple(judge(read_limits(), outcomes)),
    )
    write_results([(args.json, matrix.to_json()), (args.markdown, as_markdown(matrix))], progress)
    put(f"{as_text(matrix)}\n")
    return 0 if matrix.good else 1


def _fetch(zoo: Zoo, progress: Progress, local: Path | None, system: System) -> Sources:
    return fetch_sources(zoo, system, progress, local=local)


def datasets_of(args: argparse.Namespace) -> list[Dataset]:
    """What to verify on.

    Raises:
        ConversionError: there is nothing, or the same picture is in two data sets.
    """
    rendered = evaluation_datasets()
    if not rendered:
        raise ConversionError("the rendered pictures to calibrate on are in a checkout only; run this in one")
    datasets = [find_dataset(path) for path in args.data] or rendered
    check_distinct(datasets)
    return datasets


def data_facts(data: Dataset, limit: int | None) -> DataFacts:
    """How much of a data set is read."""
    most = limit or len(data.pictures)
    return DataFacts(data.name, min(most, len(data.lines)), min(most, len(data.pages)))
