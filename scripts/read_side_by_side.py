"""Read one picture with several bundles, and draw what each of them read beside the others:

    python scripts/read_side_by_side.py docs/street.jpg --bundles out/matrix/ppocrv1 out/matrix/ppocrv2 default \
        --output docs/generations.jpg

The texts are printed, too, as a table with a column for each bundle.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge_ocr.atomic import replacing
from edge_ocr.bundle import Bundle
from edge_ocr.destination import check_file_destination
from edge_ocr.errors import EdgeOCRError
from edge_ocr.ocr import OCR
from edge_ocr.output.annotated import annotate, check_suffix
from edge_ocr.page import Page
from edge_ocr.pictures import Picture, load_picture

_TITLE_HEIGHT = 36
_GAP = 12
_TITLE_SIZE = 18
_MOST_WIDTH = 1600
"""Pixels of what is drawn, as much as a page shows."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 where something given is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--bundles", nargs="+", required=True, metavar="BUNDLE", help="`default` is the installed one")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="a .jpg or .png")
    args = parser.parse_args(arguments)
    try:
        check_suffix(args.output)
        check_file_destination(args.output, "picture")
        picture = load_picture(args.picture)
        bundles = [Bundle.open(None if source == "default" else source) for source in args.bundles]
        pages = [OCR(bundle).read(picture) for bundle in bundles]
        panels = [_panel(picture, bundle, page) for bundle, page in zip(bundles, pages, strict=True)]
        content = cv2.imencode(args.output.suffix.lower(), _beside(panels))[1].tobytes()
        with replacing(args.output) as stream:
            stream.write(content)
    except EdgeOCRError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    print(_table(bundles, pages))
    return 0


def _panel(picture: Picture, bundle: Bundle, page: Page) -> Picture:
    """What one bundle read, under its name and size."""
    annotated, _ = annotate(picture, page)
    title = Image.new("RGB", (annotated.shape[1], _TITLE_HEIGHT), "white")
    ImageDraw.Draw(title).text(
        (0, _TITLE_HEIGHT / 2), _title(bundle), fill="black", font=ImageFont.load_default(_TITLE_SIZE), anchor="lm"
    )
    return np.concatenate([np.asarray(title), annotated])


def _title(bundle: Bundle) -> str:
    size = sum(spec.bytes for spec in bundle.manifest.files().values())
    return f"{bundle.name}, {bundle.manifest.precision}, {size / 1e6:.2f} MB"


def _beside(panels: Sequence[Picture]) -> Picture:
    """Panels of equal height in one row, with white between them; shrunk where that is wider than a page."""
    gap = np.full((panels[0].shape[0], _GAP, 3), 255, np.uint8)
    row = np.concatenate([part for panel in panels for part in (gap, panel)][1:], axis=1)
    scale = min(1.0, _MOST_WIDTH / row.shape[1])
    size = round(scale * row.shape[1]), round(scale * row.shape[0])
    return cv2.resize(row, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _table(bundles: Sequence[Bundle], pages: Sequence[Page]) -> str:
    """The texts in reading order as a Markdown table."""
    columns = [[line.text.replace("|", r"\|") for line in page.lines] for page in pages]
    rows = [[bundle.name for bundle in bundles], ["---"] * len(bundles), *zip_longest(*columns, fillvalue="")]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    sys.exit(main())
