"""`ppocr-convert verify`: a bundle against the float32 original."""

from __future__ import annotations

import argparse
from pathlib import Path

from converters.calibration import CalibrationPictures, default_pictures, find_pictures, has_default_pictures
from converters.commands.fetch import add_local
from converters.conversion import fetch_sources
from converters.errors import AccuracyBudgetError, ConversionError
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
        type=_points,
        default=MAX_DROP,
        metavar="POINTS",
        help="accuracy that may be lost against FP32, in points: of exact match on lines and of detection hmean on "
        f"pages; where nothing is labelled, FP32's boxes and sure readings count as true (default: {MAX_DROP})",
    )


def _points(text: str) -> float:
    points = float(text)
    if not 0 <= points <= 100:  # also refuses NaN, which no loss exceeds
        raise ValueError(text)
    return points


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
    add_local(parser)
    add_budget(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify; 0 if the bundle is within the accuracy budget, 1 if not."""
    progress = Progress()
    bundle = Bundle.open(args.bundle)
    datasets = [_dataset(folder, progress) for folder in args.data] or rendered_datasets()
    if not datasets:
        raise ConversionError("the rendered pictures are in a checkout only; name a folder of pictures to verify on")
    zoo = load_zoo()
    reference = fetch_sources(zoo, zoo.system(bundle.name), progress, local=args.local).reference()
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
            "try a recipe that quantises less, or calibrate on pictures more like yours"
        )


def rendered_datasets() -> list[Dataset]:
    """The half of the rendered pictures that is not calibrated on, with its labels; none outside a checkout."""
    if not has_default_pictures():
        return []
    _, held_out = default_pictures().halves()
    kept = {*held_out.pages, *held_out.lines}
    datasets = [read_dataset(folder) for folder in sorted({picture.parent for picture in kept})]
    return [
        Dataset(
            f"calibration_data/{data.name}, the half not calibrated on",
            tuple(line for line in data.lines if line.picture in kept),
            tuple(page for page in data.pages if page.picture in kept),
        )
        for data in datasets
    ]


def _dataset(folder: Path, progress: Progress) -> Dataset:
    if (folder / LABELS).is_file():
        return read_dataset(folder)
    return unlabelled(folder.name, find_pictures(folder, progress))


def unlabelled(name: str, pictures: CalibrationPictures) -> Dataset:
    """Pictures of which nobody knows what they say, as a data set."""
    return Dataset(
        name,
        tuple(LabelledLine(path, None) for path in pictures.lines),
        tuple(LabelledPage(path, None) for path in pictures.pages),
    )
