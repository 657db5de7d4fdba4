"""Makes the calibration and the evaluation pictures: `python -m calibration_data.generate`, from the repository's root.

Every picture has a random stream of its own, made from the seed, the split and its number, so the same arguments give
the same bytes (with the same versions of Pillow, OpenCV and the fonts), and a shorter run gives the first pictures of a
longer one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from calibration_data.generator.arrays import Pixels
from calibration_data.generator.demo import demo
from calibration_data.generator.fonts import FontLibrary
from calibration_data.generator.layers import Layer
from calibration_data.generator.lines import cut_out, legible_lines
from calibration_data.generator.printer import Printer
from calibration_data.generator.randomness import Random, pick, whole
from calibration_data.generator.scenes import SCENES
from calibration_data.generator.scenes.screen import screen
from calibration_data.generator.texts import Split, TextSource
from edge_ocr.errors import EdgeOCRError

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_CHARSET = ROOT / "edge_ocr" / "models" / "default" / "charset.txt"

LINES_PER_PAGE = 6
"""Lines are cut from many pages, a few from each, for the sake of variety."""

SPLITS: tuple[Split, ...] = ("calibration", "evaluation")
FOLDERS = {"calibration": ROOT / "calibration_data", "evaluation": ROOT / "calibration_data" / "evaluation"}
SIZES = {"calibration": (64, 420), "evaluation": (72, 800)}
"""Pages and lines. Of the evaluation set as many as 10 MB hold: the more there are, the narrower the intervals."""
PAGE, LINE_PAGE, DEMO, BENCHMARK = 0, 1, 2, 3
BENCHMARK_PICTURE = ROOT / "edge_ocr" / "benchmark" / "page.jpg"
BENCHMARK_SIZE, BENCHMARK_LINES = (720, 960), 17
"""Height, width and number of lines of the page that benchmarks read: PaddleOCR's published figures for phones are for
a long side of 960 and 17 boxes on average (release/2.2, doc/doc_ch/benchmark.md)."""


class Generator:
    """Draws the pictures of one split from one seed."""

    def __init__(self, charset: Sequence[str], split: Split, seed: int) -> None:
        self._fonts = FontLibrary(split)
        self._texts = TextSource(charset, split)
        self._seed = (seed, SPLITS.index(split))

    def pages(self, count: int) -> Iterator[Layer]:
        """The first `count` pages."""
        for number in range(count):
            yield self._page(PAGE, number)[0]

    def lines(self, count: int) -> Iterator[tuple[Pixels, str]]:
        """The first `count` text lines and what they say, cut from pages that `pages` does not give."""
        found = 0
        number = 0
        while found < count:
            page, random = self._page(LINE_PAGE, number)
            number += 1
            lines = legible_lines(page)
            for index in random.permutation(len(lines))[: min(LINES_PER_PAGE, count - found)]:
                yield cut_out(random, page, lines[index]), lines[index].text
                found += 1

    def demo(self) -> Layer:
        """The picture that the documentation shows."""
        return demo(np.random.default_rng((*self._seed, DEMO)))

    def benchmark_page(self) -> Layer:
        """The picture that `edge-ocr bench` reads: a screen with as many lines as published figures are for."""
        number = 0
        while True:
            random = np.random.default_rng((*self._seed, BENCHMARK, number))
            page = screen(Printer(random, self._fonts, self._texts), *BENCHMARK_SIZE)
            if len(legible_lines(page)) == len(page.labels()) == BENCHMARK_LINES:
                return page
            number += 1

    def _page(self, purpose: int, number: int) -> tuple[Layer, Random]:
        random = np.random.default_rng((*self._seed, purpose, number))
        scene = SCENES[number % len(SCENES)]
        height, width = pick(random, scene.sizes)
        return scene.draw(Printer(random, self._fonts, self._texts), height, width), random


def write_pages(folder: Path, pages: Iterator[Layer], seed: int) -> None:
    """Write pages as JPEG, and labels.jsonl beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "labels.jsonl").open("w", encoding="utf-8") as labels:
        for number, page in enumerate(pages):
            name = f"page_{number:03d}.jpg"
            quality = whole(np.random.default_rng((seed, number)), 60, 88)
            _write(folder / name, page.colour, quality)
            items = [item.as_json() for item in page.labels()]
            labels.write(json.dumps({"image": name, "items": items}, ensure_ascii=False) + "\n")


def write_demo(folder: Path, page: Layer) -> None:
    """Write demo.jpg, and what stands in it as demo.json."""
    name = "demo.jpg"
    _write(folder / name, page.colour, quality=92)
    labels = {"image": name, "items": [item.as_json() for item in page.labels()]}
    (folder / "demo.json").write_text(json.dumps(labels, ensure_ascii=False) + "\n", encoding="utf-8")


def write_lines(folder: Path, lines: Iterator[tuple[Pixels, str]]) -> None:
    """Write text lines as JPEG, and labels.jsonl beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "labels.jsonl").open("w", encoding="utf-8") as labels:
        for number, (line, text) in enumerate(lines):
            name = f"line_{number:03d}.jpg"
            _write(folder / name, line, quality=92)
            labels.write(json.dumps({"image": name, "text": text}, ensure_ascii=False) + "\n")


def _write(path: Path, picture: Pixels, quality: int) -> None:
    _, data = cv2.imencode(path.suffix, picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    path.write_bytes(data.tobytes())


def read_charset(path: Path) -> tuple[str, ...]:
    """One character a line, as bundles keep it."""
    try:
        return tuple(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise EdgeOCRError(f"cannot read the charset {path} ({reason}); name one with --charset") from None


def _count(text: str) -> int:
    """A whole number from 0, as argparse's `type`."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0")
    return int(text)


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m calibration_data.generate", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder to write in (default: that of the split)")
    parser.add_argument("--charset", type=Path, default=DEFAULT_CHARSET, help="one character a line")
    parser.add_argument("--split", choices=SPLITS, default="calibration", help="fonts and texts of which set")
    parser.add_argument("--seed", type=_count, default=6, help="another one makes other pictures (default: 6)")
    parser.add_argument("--pages", type=_count, help="how many (default: as many as are committed)")
    parser.add_argument("--lines", type=_count, help="likewise")
    arguments = parser.parse_args()
    out = arguments.out or FOLDERS[arguments.split]
    pages, lines = SIZES[arguments.split]
    pages = pages if arguments.pages is None else arguments.pages
    lines = lines if arguments.lines is None else arguments.lines
    try:
        generator = Generator(read_charset(arguments.charset), arguments.split, arguments.seed)
        write_pages(out / "pages", generator.pages(pages), arguments.seed)
        write_lines(out / "lines", generator.lines(lines))
        if arguments.split == "calibration":
            write_demo(out, generator.demo())
        elif arguments.out is None:  # it takes longer than a few pages, and has its place
            _write(BENCHMARK_PICTURE, generator.benchmark_page().colour, quality=88)
    except EdgeOCRError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: cannot write to {out} ({error.strerror}); make room or choose another --out", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
