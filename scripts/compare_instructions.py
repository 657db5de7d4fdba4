"""Hold edge_ocr against its peers by what emulated ARM CPUs execute for the same pages; no board is needed.

    compare_instructions.py [PICTURE...] [--bundle B] [--cpu CPU...] [--without SIDE...] [--jobs N] [--check]
                            [--markdown FILE] [--json FILE]

Beside edge_ocr: its models in float TFLite; the published float32 files under onnxruntime, under ncnn in fp32 and in
fp16, and in RapidOCR; and Tesseract. All are fetched for arm64 and run by the benchmark's own emulation. The figures
appear on standard output, progress on standard error. Emulation takes minutes for a page; what has been read is kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from comparison.arguments import destination, write_text
from comparison.exit_status import FAILED, INTERRUPTED, MISSED
from comparison.pages import default_pages
from comparison.sides import rapidocr_params
from emulated.aims import check_judged, verdicts
from emulated.arguments import add_emulation
from emulated.bundles import folder_of, recipe_bundle
from emulated.ncnn_models import convert_to_ncnn
from emulated.outcome import Outcome
from emulated.readings import Task, read_all
from emulated.report import as_json, document
from emulated.sides import (
    EDGE_OCR,
    ONNXRUNTIME,
    SIDES,
    TESSERACT_PACKAGES,
    Side,
    TesseractSide,
    edge_ocr_sides,
    float_sides,
)

from converters.commands.fetch import add_local
from converters.conversion import fetch_sources
from converters.evaluation.datasets import LabelledPage
from converters.progress import Progress
from converters.zoo import load_zoo
from edge_ocr.benchmark.host.emulation.cpus import CPUS
from edge_ocr.benchmark.host.emulation.emulator import Emulator
from edge_ocr.benchmark.host.planning import DEFAULT_PICTURE
from edge_ocr.bundle import Bundle
from edge_ocr.errors import EdgeOCRError
from edge_ocr.pictures import load_picture

ROOT = Path(__file__).resolve().parents[1]
PEERS_LOCK = ROOT / "constraints" / "arm-peers.txt"

PAGES = (
    DEFAULT_PICTURE,
    *(ROOT / "calibration_data" / "evaluation" / "pages" / f"page_{number:03}.jpg" for number in (12, 30, 33, 48)),
)
"""The picture that `edge-ocr bench` reads; then a form, a screen, a shop's picture and a street."""

CPUS_COMPARED = ("cortex-a76", "cortex-a72")
ALWAYS = (EDGE_OCR, ONNXRUNTIME)
"""Sides that the tables stand on."""


def compare(
    pages: Sequence[LabelledPage],
    source: str | None,
    local: Path | None,
    *,
    cpus: Sequence[str],
    without: Sequence[str],
    jobs: int,
    progress: Progress,
) -> Outcome:
    """Let all sides read.

    Args:
        pages: at least one.
        source: of edge_ocr's bundle, as for `Bundle.open`.
        local: a file or folder that is looked at for the published models before any download.
        cpus: names, see `CPUS`.
        without: names of sides that are left out.
        jobs: programs that run at once.
        progress: tells how far it is.

    Raises:
        EdgeOCRError: a side cannot be set up, or one of them cannot read a page.
    """
    bundle = Bundle.open(source)
    sides = [side for side in _sides(bundle, local, progress) if side.name not in without]
    emulator = Emulator.prepare(progress.note, packages=TESSERACT_PACKAGES, requirements=_requirements())
    tasks = [Task(side, CPUS[cpu], page.picture, emulator) for cpu in cpus for side in sides for page in pages]
    readings = iter(read_all(tasks, jobs, progress))
    return Outcome(
        bundle=f"{bundle.name}, {bundle.manifest.precision}, {bundle.digest[:16]}",
        pages=pages,
        readings={cpu: {side.name: [next(readings) for _ in pages] for side in sides} for cpu in cpus},
    )


def _sides(bundle: Bundle, local: Path | None, progress: Progress) -> list[Side]:
    zoo = load_zoo()
    published = fetch_sources(zoo, zoo.system(bundle.name), progress, local=local)
    reference = published.reference()
    onnx = folder_of(reference)
    rapidocr = rapidocr_params(bundle.manifest, published, onnx / bundle.manifest.charset.file)
    ncnn = convert_to_ncnn(reference, progress.note)
    return [
        *edge_ocr_sides(folder_of(bundle)),
        *float_sides(recipe_bundle(published, "float", progress), onnx, ncnn, rapidocr),
        TesseractSide(),
    ]


def _requirements() -> list[str]:
    lines = PEERS_LOCK.read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0, or 1 where an aim is missed, or 2 for bad input or a failure, told in one sentence, or 130 when interrupted.
    """
    args = _parser().parse_args(arguments)
    try:
        outcome = compare(
            _pages(args.pictures or PAGES),
            args.bundle,
            args.local,
            cpus=args.cpu or CPUS_COMPARED,
            without=args.without,
            jobs=args.jobs,
            progress=Progress(),
        )
        found = verdicts(outcome.measured()) if args.check else []
        if args.check:
            check_judged(found)
        text = document(outcome, found) + "\n"
        print(text, end="")
        if args.markdown:
            write_text(args.markdown, text)
        if args.json:
            write_text(args.json, json.dumps(as_json(outcome), ensure_ascii=False, indent=1) + "\n")
    except EdgeOCRError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0 if all(verdict.met for verdict in found) else MISSED


def _pages(pictures: Sequence[Path]) -> list[LabelledPage]:
    """The pages to be read, with labels where they are of the evaluation set.

    Raises:
        PictureError: one of them is no picture.
    """
    labelled = {page.picture.resolve(): page for page in default_pages().pages}
    for picture in pictures:
        load_picture(picture)  # now rather than in an emulated program, minutes later
    return [labelled.get(picture.resolve(), LabelledPage(picture, None)) for picture in pictures]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="hold edge_ocr against its peers by what emulated ARM CPUs execute for the same pages",
        epilog="example: compare_instructions.py my-photo.jpg --cpu cortex-a76 --without Tesseract --check",
    )
    parser.add_argument(
        "pictures", nargs="*", type=Path, metavar="PICTURE", help="what to read (default: five rendered pages)"
    )
    parser.add_argument("--bundle", metavar="B", help="edge_ocr's bundle (default: the one that ships with it)")
    add_local(parser)
    add_emulation(parser, CPUS_COMPARED)
    leave_out = [name for name in SIDES if name not in ALWAYS]
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=leave_out,
        metavar="SIDE",
        help=f"leave out one of: {'; '.join(leave_out)}; may be repeated",
    )
    parser.add_argument(
        "--check", action="store_true", help="hold the ratios against scripts/emulated/aims.toml; exit 1 if missed"
    )
    parser.add_argument("--json", type=destination, metavar="FILE", help="write everything measured, page by page")
    return parser


if __name__ == "__main__":
    sys.exit(main())
