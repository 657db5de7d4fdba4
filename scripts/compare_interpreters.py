"""Run a bundle under every interpreter that edge_ocr supports: does it load, are its outputs equal, how fast is it.

    compare_interpreters.py [FOLDER...] [--bundle B] [--limit N] [--markdown FILE] [--json FILE] [--record]

Each interpreter runs in an environment of its own, made once in the cache from constraints/interpreters, with the same
numpy and OpenCV and one thread. The tables appear on standard output, progress on standard error. --record writes down
which interpreters read right, and which operators they have: what `min_runtime` of every later bundle follows from.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from comparison.arguments import destination, positive, write_text
from comparison.errors import ComparisonError
from comparison.exit_status import FAILED, INTERRUPTED
from comparison.pages import default_pages, open_folder
from interpreters.environments import INTERPRETERS
from interpreters.report import Comparison, as_json, document, known
from interpreters.trials import try_all

from converters.destination import check_no_input
from converters.evaluation.datasets import LabelledPage, check_distinct
from converters.progress import Progress
from converters.tflite.interpreters import RECORD, as_record
from converters.verification import describe_cpu
from edge_ocr.atomic import replacing
from edge_ocr.bundle import Bundle
from edge_ocr.cache import cache_directory
from edge_ocr.errors import EdgeOCRError

PAGES = 32


def compare(pages: Sequence[LabelledPage], source: str | None, progress: Progress) -> Comparison:
    """Try all interpreters.

    Args:
        pages: at least one.
        source: of the bundle, as for `Bundle.open`.
        progress: tells how far it is.

    Raises:
        EdgeOCRError: there is no such bundle, a page is no picture, or the newest ai-edge-litert does not run it.
    """
    bundle = Bundle.open(source)
    models = list(bundle.manifest.models.by_kind())
    room = sum(interpreter.megabytes for interpreter in INTERPRETERS) / 1000
    progress.note(f"{len(INTERPRETERS)} environments, {room:.1f} GB in {cache_directory()}, each made once")
    with tempfile.TemporaryDirectory(prefix="edge-ocr-interpreters-") as folder:
        trials = try_all(INTERPRETERS, source, models, pages, Path(folder), progress)
    return Comparison(
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        cpu=describe_cpu(),
        bundle=f"{bundle.name}, {bundle.manifest.precision}, {bundle.digest[:16]}",
        models=models,
        pages=pages,
        trials=trials,
    )


def check_labels(pages: Sequence[LabelledPage]) -> None:
    """Refuse pages of which none has labels: nothing that is worth a record comes of them.

    Raises:
        ComparisonError: none has.
    """
    if all(page.boxes is None for page in pages):
        raise ComparisonError("--record needs labelled pages to tell who reads right; leave it out, or name a data set")


def write_record(comparison: Comparison) -> None:
    """Replace what the converter knows of the interpreters.

    Raises:
        ComparisonError: one of them was not run, so that what is known of it would be lost.
    """
    for trial in comparison.trials:
        if not trial.started:
            raise ComparisonError(f"nothing is recorded, as {trial.interpreter.name} was not run ({trial.problem})")
    with replacing(RECORD) as stream:
        stream.write(as_record(known(comparison)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0, or 2 for bad input or a failure, told in one sentence, or 130 when interrupted."""
    args = _parser().parse_args(arguments)
    try:
        datasets = [open_folder(folder) for folder in args.folders] or [default_pages()]
        check_distinct(datasets)
        for result in filter(None, (args.markdown, args.json)):
            check_no_input(result, datasets)
        pages = [page for data in datasets for page in data.part(args.limit).pages]
        if args.record:
            check_labels(pages)
        comparison = compare(pages, args.bundle, Progress())
        text = document(comparison) + "\n"
        print(text, end="")
        if args.markdown:
            write_text(args.markdown, text)
        if args.json:
            write_text(args.json, json.dumps(as_json(comparison), ensure_ascii=False, indent=1) + "\n")
        if args.record:
            write_record(comparison)
    except EdgeOCRError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="run a bundle under every interpreter that edge_ocr supports",
        epilog="example: compare_interpreters.py my-photos/ --limit 20 --markdown interpreters.md",
    )
    parser.add_argument(
        "folders",
        nargs="*",
        type=Path,
        metavar="FOLDER",
        help="data sets with labels, or folders of pictures without (default: the rendered pages that this project "
        "does not calibrate on)",
    )
    parser.add_argument("--bundle", metavar="B", help="what to run (default: the bundle that ships with edge_ocr)")
    parser.add_argument(
        "--limit", type=positive, default=PAGES, metavar="N", help=f"at most N pages of each folder (default: {PAGES})"
    )
    parser.add_argument("--markdown", type=destination, metavar="FILE", help="write the tables there, too")
    parser.add_argument("--json", type=destination, metavar="FILE", help="write everything measured, page by page")
    parser.add_argument(
        "--record", action="store_true", help=f"note the verdicts in {RECORD.name}, which min_runtime follows from"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
