"""`ppocr-convert evaluate`: how well a bundle reads labelled pictures."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from converters.commands.fetch import add_local
from converters.commands.originals import add_original, original_of
from converters.commands.verify import add_limit, add_workers
from converters.destination import check_no_input, write_results
from converters.errors import ConversionError
from converters.evaluation.accuracy import OF_LINES
from converters.evaluation.datasets import Dataset, check_distinct, evaluation_datasets, find_dataset
from converters.evaluation.evaluation import Evaluation, Scores, evaluate, unsayable
from converters.evaluation.layouts import understood
from converters.evaluation.readings import read_both
from converters.progress import Progress
from converters.report import Row, Table
from edge_ocr.bundle import Bundle
from edge_ocr.cli import put
from edge_ocr.destination import check_file_destination

_SHOWN_CHARACTERS = 20
"""Characters beyond the charset that a note lists; the JSON has them all."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure how well a bundle reads labelled pictures",
        description="Read labelled pictures with a bundle and with the original models under onnxruntime. Of pictures "
        "of lines: exact match and character error rate; of pages: precision, recall and hmean of the boxes, and of "
        "the boxes with equal text. Each with its difference from FP32 and the 95 % interval of that.",
        epilog=f"labels: {understood()}. example: ppocr-convert evaluate out/ppocrv6-tiny "
        "icdar2015/test_gt lines/rec_gt.txt --json figures.json",
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="a folder or an .ocrbundle file")
    parser.add_argument(
        "data",
        nargs="*",
        type=Path,
        metavar="DATASET",
        help="a folder with labels, or a label file (default: this project's evaluation set)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    add_limit(parser)
    add_workers(parser)
    add_local(parser)
    add_original(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate; 0 when every picture was read."""
    progress = Progress()
    bundle = Bundle.open(args.bundle)
    datasets = [find_dataset(path) for path in args.data] or evaluation_datasets()
    if not datasets:
        raise ConversionError("the evaluation set is in a checkout only; name a data set")
    check_distinct(datasets)
    if args.json:
        check_file_destination(args.json, "result file")
        check_no_input(args.json, datasets)
    if args.limit:
        datasets = [data.part(args.limit) for data in datasets]
    for data in datasets:
        _tell_unsayable(data, bundle, progress)
    reference = original_of(bundle, args, progress).reference()
    evaluation = evaluate(bundle, datasets, read_both(reference, bundle, datasets, progress, workers=args.workers))
    write_results([(args.json, evaluation.to_json())], progress)
    put(f"{table(evaluation).as_text()}\n")
    return 0


def table(evaluation: Evaluation) -> Table:
    """The figures for a terminal: of each data set, then over all of them those that more than one has."""
    names = [name for scores in evaluation.data for name in scores.figures]
    shared = {name: figure for name, figure in evaluation.overall.figures.items() if names.count(name) > 1}
    return Table(
        f"{evaluation.bundle}, {evaluation.precision}, {evaluation.digest[:12]}",
        ("data", "figure", "on", "FP32", "bundle", "points", "95 %"),
        tuple(
            row for scores in (*evaluation.data, replace(evaluation.overall, figures=shared)) for row in _rows(scores)
        ),
        "<<>>>><",
    )


def _rows(scores: Scores) -> Iterator[Row]:
    on_lines, on_pages = f"{scores.lines:,} lines", f"{scores.pages:,} pages"
    for number, (name, figure) in enumerate(scores.figures.items()):
        yield (
            "" if number else scores.name,
            name,
            on_lines if name in OF_LINES else on_pages,
            f"{figure.reference:.2f} %",
            f"{figure.bundle:.2f} %",
            f"{figure.delta.value:+.2f}",
            f"[{figure.delta.low:+.2f}, {figure.delta.high:+.2f}]",
        )


def _tell_unsayable(data: Dataset, bundle: Bundle, progress: Progress) -> None:
    beyond = unsayable(data, bundle.charset)
    if beyond.labels:
        # by number what cannot be seen, and what could move a terminal's cursor
        shown = [each if each.isprintable() else f"U+{ord(each):04X}" for each in beyond.characters[:_SHOWN_CHARACTERS]]
        more = ", ..." if len(beyond.characters) > _SHOWN_CHARACTERS else ""
        progress.note(
            f"{data.name}: characters that the charset lacks: {len(beyond.characters)} ({' '.join(shown)}{more}); "
            f"labels with one of them: {beyond.labels}, which cannot be read right and count all the same"
        )
