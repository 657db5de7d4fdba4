"""`ppocr-convert verify`: a bundle against the float32 original."""

from __future__ import annotations

import argparse
from pathlib import Path

from converters.calibration import default_pictures, find_pictures
from converters.conversion import fetch_sources
from converters.errors import AccuracyBudgetError
from converters.evaluation.datasets import LABELS, Dataset, LabelledLine, LabelledPage, read_dataset
from converters.progress import Progress
from converters.report import as_text, figures
from converters.verification import Verification, verify
from converters.zoo import load_zoo
from edge_ocr.bundle import Bundle

MAX_DROP = 1.5
"""Points. What int8 costs the recognizer of PP-OCRv6 tiny, with room for the chance in a few hundred pictures."""


def add_budget(parser: argparse.ArgumentParser) -> None:
    """The accuracy budget, the same for every command that verifies."""
    parser.add_argument(
        "--max-drop",
        type=float,
        default=MAX_DROP,
        metavar="POINTS",
        help="accuracy that may be lost against FP32: of exact match on lines and of detection hmean on pages, in "
        f"points; without labels, FP32's own readings count as true (default: {MAX_DROP})",
    )


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "verify",
        help="hold a bundle against its float32 original",
        description="Read pictures with a bundle and with the original models under onnxruntime, in one run, and "
        "compare: size, accuracy, agreement, speed.",
        epilog="example: ppocr-convert verify out/ppocrv6-tiny my-photos/ --max-drop 1",
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="a folder or an .ocrbundle file")
    parser.add_argument(
        "data",
        nargs="*",
        type=Path,
        metavar="FOLDER",
        help=f"data sets with a {LABELS}, or folders of pictures without labels (default: the rendered pictures that "
        "this project does not calibrate on)",
    )
    add_budget(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify; 0 if the bundle is within the accuracy budget, 1 if not."""
    progress = Progress()
    bundle = Bundle.open(args.bundle)
    datasets = [_dataset(folder) for folder in args.data] or verification_pictures()
    zoo = load_zoo()
    reference = fetch_sources(zoo, zoo.system(bundle.name), progress).reference()
    try:
        report_and_judge(verify(bundle, reference, datasets, progress), args.max_drop)
    except AccuracyBudgetError as error:
        progress.note(f"refused: {error}")
        return 1
    return 0


def report_and_judge(verification: Verification, max_drop: float) -> None:
    """Print the figures.

    Raises:
        AccuracyBudgetError: more than `max_drop` points are lost.
    """
    print(as_text(figures(verification)))
    if verification.drop > max_drop:
        raise AccuracyBudgetError(
            f"{verification.drop:.2f} points are lost against FP32, more than --max-drop {max_drop:g}; "
            "try --precision int8-weights, or calibrate on pictures more like yours"
        )


def verification_pictures() -> list[Dataset]:
    """The rendered pictures that the default calibration leaves out, with their labels."""
    used = default_pictures()
    seen = {*used.pages, *used.lines}
    folders = [(used.lines[0].parent), (used.pages[0].parent)]
    datasets = [read_dataset(folder) for folder in folders]
    return [
        Dataset(
            f"calibration_data/{data.name}, the half not calibrated on",
            tuple(line for line in data.lines if line.picture not in seen),
            tuple(page for page in data.pages if page.picture not in seen),
        )
        for data in datasets
    ]


def _dataset(folder: Path) -> Dataset:
    if (folder / LABELS).is_file():
        return read_dataset(folder)
    pictures = find_pictures(folder)
    return Dataset(
        folder.name,
        tuple(LabelledLine(path, None) for path in pictures.lines),
        tuple(LabelledPage(path, None) for path in pictures.pages),
    )
