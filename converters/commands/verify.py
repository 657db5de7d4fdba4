"""`ppocr-convert verify`: a bundle against the float32 original."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from pathlib import Path

from converters.calibration import CalibrationPictures, find_pictures
from converters.commands.fetch import add_local
from converters.commands.originals import add_original, original_of
from converters.destination import check_no_input, write_results
from converters.errors import AccuracyBudgetError, ConversionError
from converters.evaluation.datasets import (
    Dataset,
    LabelledLine,
    LabelledPage,
    check_distinct,
    evaluation_datasets,
    find_dataset,
)
from converters.evaluation.evaluation import judged
from converters.evaluation.gate import ENOUGH_LINES, Limit, read_limits
from converters.evaluation.layouts import find_layout
from converters.evaluation.readings import read_both
from converters.gallery import write_gallery
from converters.progress import Progress
from converters.report import REPORT_FILE, as_markdown, as_text
from converters.speed import measure_speed
from converters.verification import ACCURACY_BUDGET, Verification, verify
from edge_ocr.arguments import whole
from edge_ocr.bundle import Bundle
from edge_ocr.cli import put
from edge_ocr.destination import check_file_destination
from edge_ocr.manifest import VERIFICATION_FILE

NO_LIMITS = "none"
"""In place of a file of limits."""
ADVICE = "try a recipe that quantises less, or calibrate on pictures more like yours"


def add_budget(parser: argparse.ArgumentParser) -> None:
    """What may be lost and what may change, the same for every command that verifies."""
    parser.add_argument(
        "--max-drop",
        type=_points,
        metavar="POINTS",
        help="accuracy that may be lost against FP32 where there are labels, in points: of exact match on lines, of "
        f"detection and of end-to-end hmean on pages (default: {ACCURACY_BUDGET})",
    )
    parser.add_argument(
        "--gate",
        metavar=f"FILE|{NO_LIMITS}",
        help="what a bundle must have in common with FP32, labels or not: lines that FP32 is sure of, their length, "
        "boxes and directions, as a TOML file like converters/evaluation/gate.toml, which is the default; "
        f"{NO_LIMITS}: nothing",
    )


def limits_of(args: argparse.Namespace) -> list[Limit] | None:
    """What `--gate` says; None are the usual limits.

    Raises:
        ConversionError: they cannot be read.
    """
    if args.gate is None:
        return None
    return [] if args.gate == NO_LIMITS else read_limits(Path(args.gate))


def _points(text: str) -> float:
    try:
        points = float(text)
    except ValueError:
        points = -1.0
    if not 0 <= points <= 100:  # also refuses NaN, which no loss exceeds
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 100, got '{text}'")
    return points


def add_workers(parser: argparse.ArgumentParser) -> None:
    """How many processes read, the same for every command that reads many pictures."""
    parser.add_argument(
        "--workers",
        type=whole(1, 1024),
        metavar="N",
        help="processes that read pictures side by side (default: one for every core)",
    )


def add_limit(parser: argparse.ArgumentParser) -> None:
    """How many pictures are read at most, the same for every command that reads labelled ones."""
    parser.add_argument(
        "--limit",
        type=whole(1, 1_000_000),
        metavar="N",
        help="read at most N lines and N pages of each data set, spread over it (default: all)",
    )


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "verify",
        help="hold a bundle against its float32 original",
        description="Read pictures with a bundle and with the original models under onnxruntime, and compare: accuracy "
        "where labels are known, agreement, size, how the models are run, speed.",
        epilog="example: ppocr-convert verify out/ppocrv6-tiny --pictures my-photos/ --gallery differences.html",
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="a folder or an .ocrbundle file")
    parser.add_argument(
        "data",
        nargs="*",
        type=Path,
        metavar="DATA",
        help="data sets: folders with labels, label files, or folders of pictures without labels (default: this "
        "project's evaluation set)",
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="pictures, whose labels are not looked at; those in a folder called `lines` show one line each",
    )
    parser.add_argument("--gallery", type=Path, metavar="HTML", help="show every line that the two read differently")
    parser.add_argument("--json", type=Path, metavar="FILE", help=f"write the figures here, as {VERIFICATION_FILE}")
    parser.add_argument("--report", type=Path, metavar="FILE", help=f"write the tables here, as {REPORT_FILE}")
    parser.add_argument(
        "--update", action="store_true", help=f"renew {VERIFICATION_FILE} and {REPORT_FILE} in the bundle's folder"
    )
    add_limit(parser)
    add_workers(parser)
    add_local(parser)
    add_budget(parser)
    add_original(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify; 0 if the bundle is within the accuracy budget and passes the gate, 1 if not."""
    progress = Progress()
    limits = limits_of(args)
    bundle = Bundle.open(args.bundle)
    results = _results(args, bundle)
    if args.gallery:
        check_file_destination(args.gallery, "gallery")
    datasets = [_dataset(path, progress) for path in args.data]
    datasets += [unlabelled(folder.resolve().name, find_pictures(folder, progress)) for folder in args.pictures]
    datasets = datasets or evaluation_datasets()
    if not datasets:
        raise ConversionError("the evaluation set is in a checkout only; name a folder of pictures to verify on")
    check_distinct(datasets)
    for path in [path for path, _ in results] + ([args.gallery] if args.gallery else []):
        check_no_input(path, datasets)
    reference = original_of(bundle, args, progress).reference()
    datasets = judged(datasets, reference.charset, args.limit, progress)
    readings = read_both(reference, bundle, datasets, progress, workers=args.workers)
    verification = verify(bundle, datasets, readings, measure_speed(reference, bundle, datasets, progress))
    refusal = _refusal(verification, args.max_drop, limits)
    contents = {VERIFICATION_FILE: verification.to_json(), REPORT_FILE: as_markdown(bundle.manifest, verification)}
    write_results([(path, contents[name]) for path, name in results], progress)
    if args.gallery:
        title = f"{bundle.manifest.title}: {bundle.manifest.precision} against FP32"
        write_gallery(args.gallery, readings, title=title, facts=_facts(verification))
        progress.note(f"written: {args.gallery}")
    put(f"{as_text(verification)}\n")
    if refusal is not None:
        progress.note(f"refused: {refusal}; {ADVICE}")
        return 1
    progress.note(f"passed: {_evidence(verification)}")
    return 0


def _refusal(
    verification: Verification, max_drop: float | None, limits: Collection[Limit] | None
) -> AccuracyBudgetError | None:
    """Why a bundle is refused; None where it passes.

    Raises:
        ConversionError: nothing can be judged.
    """
    try:
        verification.judge(max_drop, limits)
    except AccuracyBudgetError as error:
        return error
    return None


def _evidence(verification: Verification) -> str:
    """What a verdict rests on."""
    lost, sure = verification.loss or "nothing is labelled", verification.overall.agreement.sure_lines
    few = f"; {ENOUGH_LINES:,} would tell half a point from chance" if sure < ENOUGH_LINES else ""
    return f"{lost}, and FP32 is sure of {sure:,} lines{few}"


def _results(args: argparse.Namespace, bundle: Bundle) -> list[tuple[Path, str]]:
    """Where which of the two result files goes.

    Raises:
        ConversionError: one of them could not be written.
    """
    results = [(args.json, VERIFICATION_FILE), (args.report, REPORT_FILE)]
    if args.update:
        if not bundle.path.is_dir():
            raise ConversionError(
                f"--update renews files in a bundle's folder, and {bundle.path} is packed; use --json and --report"
            )
        results += [(bundle.path / name, name) for name in (VERIFICATION_FILE, REPORT_FILE)]
    wanted = [(path, name) for path, name in results if path is not None]
    for path, _ in wanted:
        check_file_destination(path, "result file")
    return wanted


def _dataset(path: Path, progress: Progress) -> Dataset:
    if find_layout(path) is None:
        return unlabelled(path.resolve().name, find_pictures(path, progress))
    return find_dataset(path)


def unlabelled(name: str, pictures: CalibrationPictures) -> Dataset:
    """Pictures of which nobody knows what they say, as a data set."""
    return Dataset(
        name,
        tuple(LabelledLine(path, None) for path in pictures.lines),
        tuple(LabelledPage(path, None) for path in pictures.pages),
    )


def _facts(verification: Verification) -> dict[str, str]:
    overall, names = verification.overall, ", ".join(data.name for data in verification.data)
    return {
        "Bundle": f"{verification.bundle}, {verification.precision}, {verification.total_bytes:,} bytes",
        "Digest": verification.digest,
        "Against": "the publisher’s models in float32, under onnxruntime",
        "Pictures": f"{overall.lines:,} of lines and {overall.pages:,} of pages, from {names}",
        "Tools": ", ".join(f"{name} {version}" for name, version in sorted(verification.runtimes.items())),
        "CPU": verification.cpu,
        "Date": verification.date,
    }
