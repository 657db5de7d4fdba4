"""Hold edge_ocr against its peers on the same pages: time, memory, size and accuracy.

    compare_with_peers.py [FOLDER...] [--bundle B] [--limit N] [--peer-limit N] [--check]
                          [--markdown FILE] [--svg FILE] [--json FILE]

In earnest against RapidOCR with the same models, as the published float32 files, with the same detector settings and
one thread. Beside them, on a part of the pages: RapidOCR as it is installed, and Tesseract where the system has it.
edge_ocr and RapidOCR run in environments of their own, made once in the cache from constraints/. The figures appear
on standard output, progress on standard error.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from comparison.arguments import destination, positive, write_text
from comparison.errors import AbsentError, ComparisonError
from comparison.exit_status import FAILED, INTERRUPTED, MISSED
from comparison.figures import Figures, figures
from comparison.measurement import PageReadings, Plan, decode, first_with_text, read_pages, seconds_to_first_text
from comparison.outcome import Comparison, SideFacts
from comparison.pages import default_pages, open_folder
from comparison.plot import svg
from comparison.report import as_json, document
from comparison.sides import (
    RAPIDOCR,
    TESSERACT,
    Side,
    edge_ocr_side,
    rapidocr_as_installed,
    rapidocr_settings,
    rapidocr_side,
)
from comparison.targets import judge, read_limits
from comparison.tesseract import Tesseract

from converters.commands.fetch import add_local
from converters.conversion import fetch_sources
from converters.destination import check_no_input
from converters.evaluation.datasets import Dataset, check_distinct, spread
from converters.progress import Progress
from converters.verification import describe_cpu
from converters.zoo import load_zoo
from edge_ocr.bundle import Bundle
from edge_ocr.errors import EdgeOCRError
from edge_ocr.threads import usable_cores

REPEATS = 3
STARTS = 5
PEER_LIMIT = 40
"""Tesseract takes seconds for a page."""


def compare(
    datasets: Sequence[Dataset],
    source: str | None,
    local: Path | None,
    *,
    repeats: int,
    peer_limit: int,
    starts: int,
    progress: Progress,
) -> Comparison:
    """Let all sides read.

    Args:
        datasets: of at least one page each.
        source: of edge_ocr's bundle, as for `Bundle.open`.
        local: a file or folder that is looked at for RapidOCR's models before any download.
        repeats: how often edge_ocr and RapidOCR with the same models read each page.
        peer_limit: how many pages the others read, once.
        starts: how often each is started to take the time to its first text.
        progress: tells how far it is.

    Raises:
        EdgeOCRError: a side cannot be set up, or one of them cannot read a page.
    """
    bundle, zoo, load = Bundle.open(source), load_zoo(), os.getloadavg()[0]
    published = fetch_sources(zoo, zoo.system(bundle.name), progress, local=local)
    pages = [page for data in datasets for page in data.pages]
    plan = Plan(pages, repeats, frozenset(spread(range(len(pages)), peer_limit)))
    with tempfile.TemporaryDirectory(prefix="edge-ocr-compare-") as temporary:
        folder = Path(temporary)
        principals = [edge_ocr_side(source, progress), rapidocr_side(bundle, published, folder, progress)]
        others, absent = _others(progress)
        readings, sides = _measure(principals, others, plan, starts, folder, progress)
    return Comparison(
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        cpu=describe_cpu(),
        cores=usable_cores(),
        load=load,
        bundle=f"{bundle.name}, {bundle.manifest.precision}, {bundle.digest[:16]}",
        settings=rapidocr_settings(bundle.manifest, published.system),
        repeats=repeats,
        sides=sides,
        absent=absent,
        figures=_figures(datasets, readings),
        pages=readings,
    )


def _measure(
    principals: Sequence[Side], others: Sequence[Side], plan: Plan, starts: int, folder: Path, progress: Progress
) -> tuple[list[PageReadings], list[SideFacts]]:
    """Let the sides read the pages, then start each afresh for its first text."""
    sides = [*principals, *others]
    with ExitStack() as stack:
        running = {side.name: stack.enter_context(side.started()) for side in sides}
        in_earnest, beside = ({side.name: running[side.name] for side in group} for group in (principals, others))
        readings = read_pages(in_earnest, beside, plan, folder, progress)
        peak_memory = {name: side.peak_memory() for name, side in running.items()}
        versions = {name: side.versions() for name, side in running.items()}
    picture = folder / "first.npy"
    decode(first_with_text(readings).picture, picture)
    first_text = seconds_to_first_text(sides, picture, starts, progress)
    return readings, [
        SideFacts(side.name, side.threads, versions[side.name], peak_memory[side.name], side.installed(), seconds)
        for side, seconds in zip(sides, first_text.values(), strict=True)
    ]


def _others(progress: Progress) -> tuple[list[Side], dict[str, str]]:
    """The sides that are shown beside the two with the same models, and why one of them is not."""
    others: list[Side] = [rapidocr_as_installed(progress)]
    try:
        return [*others, Tesseract.find()], {}
    except AbsentError as absence:
        return others, {TESSERACT: str(absence)}


def _figures(datasets: Sequence[Dataset], readings: Sequence[PageReadings]) -> list[Figures]:
    """Of each data set and, if there are several, of all together."""
    by_set, start = [], 0
    for data in datasets:
        by_set.append(figures(data.name, readings[start : start + len(data.pages)], RAPIDOCR))
        start += len(data.pages)
    return [*by_set, figures("all", readings, RAPIDOCR)] if len(by_set) > 1 else by_set


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0, or 1 where a target is missed, or 2 for bad input or a failure, told in one sentence, or 130 when
        interrupted.
    """
    args = _parser().parse_args(arguments)
    try:
        comparison = compare(
            _datasets(args),
            args.bundle,
            args.local,
            repeats=args.repeats,
            peer_limit=args.peer_limit,
            starts=args.starts,
            progress=Progress(),
        )
        verdicts = judge(read_limits(), comparison.measured(), comparison.cpu) if args.check else []
        text = document(comparison, verdicts) + "\n"
        print(text, end="")
        if args.markdown:
            write_text(args.markdown, text)
        if args.svg:
            write_text(args.svg, svg(comparison))
        if args.json:
            write_text(args.json, json.dumps(as_json(comparison), ensure_ascii=False, indent=1) + "\n")
    except EdgeOCRError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0 if all(verdict.met for verdict in verdicts) else MISSED


def _datasets(args: argparse.Namespace) -> list[Dataset]:
    """The pages to be read.

    Raises:
        EdgeOCRError: they are none, or would count twice, or be written over, or lack the labels that --check needs.
    """
    datasets = [open_folder(folder) for folder in args.folders] or [default_pages()]
    check_distinct(datasets)
    for result in filter(None, (args.markdown, args.svg, args.json)):
        check_no_input(result, datasets)
    if args.limit:
        datasets = [data.part(args.limit) for data in datasets]
    if args.check and all(page.boxes is None for data in datasets for page in data.pages):
        raise ComparisonError("--check needs labelled pages, and none of these is; leave it out, or name a data set")
    return datasets


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="hold edge_ocr against its peers on the same pages; against RapidOCR with the same models, too",
        epilog="example: compare_with_peers.py my-photos/ --limit 20 --markdown comparison.md --svg comparison.svg",
    )
    parser.add_argument(
        "folders",
        nargs="*",
        type=Path,
        metavar="FOLDER",
        help="data sets with labels, or folders of pictures without (default: the rendered pages that this project "
        "does not calibrate on)",
    )
    parser.add_argument("--bundle", metavar="B", help="edge_ocr's bundle (default: the one that ships with it)")
    add_local(parser)
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="at most N pages of each folder, spread over it (default: all)"
    )
    parser.add_argument(
        "--repeats",
        type=positive,
        default=REPEATS,
        metavar="N",
        help=f"readings of a page by edge_ocr and RapidOCR with the same models (default: {REPEATS})",
    )
    parser.add_argument(
        "--peer-limit",
        type=positive,
        default=PEER_LIMIT,
        metavar="N",
        help=f"at most N pages, spread over all, for the others to read once (default: {PEER_LIMIT})",
    )
    parser.add_argument(
        "--starts", type=positive, default=STARTS, metavar="N", help=f"fresh starts of each (default: {STARTS})"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="hold the figures against scripts/comparison/targets.toml; exit 1 if missed",
    )
    parser.add_argument("--markdown", type=destination, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--svg", type=destination, metavar="FILE", help="draw them")
    parser.add_argument("--json", type=destination, metavar="FILE", help="write everything measured, page by page")
    return parser


if __name__ == "__main__":
    sys.exit(main())
