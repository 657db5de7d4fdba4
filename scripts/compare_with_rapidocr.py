"""Hold edge_ocr against RapidOCR: time, memory and accuracy on the same pages, with the same models.

    compare_with_rapidocr.py [FOLDER...] [--bundle B] [--limit N] [--markdown FILE] [--json FILE]

RapidOCR runs in an environment of its own, made once in the cache from constraints/compare.txt, on the published
float32 files and with the same detector settings and one thread, like edge_ocr. The figures appear on standard
output, progress on standard error.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from comparison.figures import Figures, figures, stage_shares
from comparison.measurement import PagePair, decode, first_with_text, read_pages, seconds_to_first_text
from comparison.pages import default_pages, open_folder, spread
from comparison.report import Comparison, as_json, document
from comparison.sides import edge_ocr_side, rapidocr_settings, rapidocr_side

from converters.commands.fetch import add_local
from converters.conversion import fetch_sources
from converters.evaluation.datasets import Dataset
from converters.progress import Progress
from converters.verification import describe_cpu
from converters.zoo import load_zoo
from edge_ocr.atomic import replacing
from edge_ocr.bundle import Bundle
from edge_ocr.errors import EdgeOCRError

STARTS = 5
FAILED = 2
INTERRUPTED = 130
"""128 and the number of the signal SIGINT, as shells count."""


def compare(
    datasets: Sequence[Dataset], source: str | None, local: Path | None, starts: int, progress: Progress
) -> Comparison:
    """Let both sides read everything.

    Args:
        datasets: of at least one page each.
        source: of edge_ocr's bundle, as for `Bundle.open`.
        local: a file or folder that is looked at for RapidOCR's models before any download.
        starts: how often each is started to take the time to its first text.
        progress: tells how far it is.

    Raises:
        EdgeOCRError: a side cannot be set up, or one of them cannot read a page.
    """
    bundle, zoo = Bundle.open(source), load_zoo()
    published = fetch_sources(zoo, zoo.system(bundle.name), progress, local=local)
    with tempfile.TemporaryDirectory(prefix="edge-ocr-compare-") as temporary:
        folder = Path(temporary)
        ours, theirs = edge_ocr_side(source), rapidocr_side(bundle, published, folder, progress)
        pages = [page for data in datasets for page in data.pages]
        with ours.started() as edge_ocr, theirs.started() as rapidocr:
            pairs = read_pages(edge_ocr, rapidocr, pages, folder, progress)
            peak_memory = edge_ocr.peak_memory(), rapidocr.peak_memory()
            versions = edge_ocr.versions(), rapidocr.versions()
        picture = folder / "first.npy"
        decode(first_with_text(pairs).picture, picture)
        first_text = seconds_to_first_text(ours, theirs, picture, starts, progress)
    return Comparison(
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        cpu=describe_cpu(),
        bundle=f"{bundle.name}, {bundle.manifest.precision}, {bundle.digest[:16]}",
        versions=versions,
        settings=rapidocr_settings(bundle.manifest, published.system),
        figures=_figures(datasets, pairs),
        first_text=first_text,
        peak_memory=peak_memory,
        stages=stage_shares([pair.edge_ocr.stages for pair in pairs]),
        pairs=pairs,
    )


def _figures(datasets: Sequence[Dataset], pairs: Sequence[PagePair]) -> list[Figures]:
    """Of each data set and, if there are several, of all together."""
    by_set, start = [], 0
    for data in datasets:
        by_set.append(figures(data.name, pairs[start : start + len(data.pages)]))
        start += len(data.pages)
    return [*by_set, figures("all", pairs)] if len(by_set) > 1 else by_set


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0, or 2 for bad input or a failure, told in one sentence, or 130 when interrupted."""
    args = _parser().parse_args(arguments)
    try:
        datasets = [open_folder(folder) for folder in args.folders] or [default_pages()]
        if args.limit:
            datasets = [spread(data, args.limit) for data in datasets]
        comparison = compare(datasets, args.bundle, args.local, args.starts, Progress())
        text = document(comparison) + "\n"
        print(text, end="")
        if args.markdown:
            _write(args.markdown, text)
        if args.json:
            _write(args.json, json.dumps(as_json(comparison), ensure_ascii=False, indent=1) + "\n")
    except EdgeOCRError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="hold edge_ocr against RapidOCR on the same pages, with the same models and one thread each",
        epilog="example: compare_with_rapidocr.py my-photos/ --limit 20 --markdown comparison.md",
    )
    parser.add_argument(
        "folders",
        nargs="*",
        type=Path,
        metavar="FOLDER",
        help="data sets with a labels.jsonl, or folders of pictures without labels (default: the rendered pages that "
        "this project does not calibrate on)",
    )
    parser.add_argument("--bundle", metavar="B", help="edge_ocr's bundle (default: the one that ships with it)")
    add_local(parser)
    parser.add_argument(
        "--limit", type=_positive, metavar="N", help="at most N pages of each folder, spread over it (default: all)"
    )
    parser.add_argument(
        "--starts", type=_positive, default=STARTS, metavar="N", help=f"fresh starts of each (default: {STARTS})"
    )
    parser.add_argument("--markdown", type=_destination, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--json", type=_destination, metavar="FILE", help="write everything measured, page by page")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return int(text)


def _destination(text: str) -> Path:
    """Refused before the work rather than after it."""
    path = Path(text)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise argparse.ArgumentTypeError(f"'{text}' is not a file in a folder that exists")
    return path


def _write(path: Path, text: str) -> None:
    with replacing(path) as stream:
        stream.write(text.encode())


if __name__ == "__main__":
    sys.exit(main())
