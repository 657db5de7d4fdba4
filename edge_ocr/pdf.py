"""PDF files: their pages, drawn one at a time with PDFium, by way of the optional package pypdfium2.

PDFium (BSD-3-Clause, its own parts under licences as free; pypdfium2 is Apache-2.0 or BSD-3-Clause) runs no scripts
of a document in these builds. It is not safe for threads: one thread of a process may use it at a time.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from edge_ocr.errors import PictureError
from edge_ocr.pictures import Picture

INSTALL = "pip install 'edge-ocr[pdf]'"

SHARPNESS = 2.5
"""A page in the shape of A4 is drawn with so many times the detector's long side: 2400 pixels, or 205 dpi, at 960.

The detector sees a smaller copy of it; the recognizer reads from the page itself, where letters of 10 point are then
28 pixels high.
"""
MAXIMUM_PIXELS = 40_000_000
LONGEST_SIDE = 32_000
"""Pixels; PDFium draws no side of more than 32,767."""

_A4_SHAPE = math.sqrt(2)
_WRONG_PASSWORD = 4
"""PDFium, public/fpdfview.h, FPDF_ERR_PASSWORD."""


class Pdf:
    """The pages of a PDF file. What their size is said to be does not matter: each gets as many pixels as the next."""

    def __init__(self, source: Path | bytes, name: str, long_side: int) -> None:
        """Open a document; no page is looked at.

        Args:
            source: the file, or the bytes of one.
            name: by which errors call it.
            long_side: of the detector's input, in pixels.

        Raises:
            PictureError: the document is encrypted, damaged or has no pages, or pypdfium2 is absent or broken.
        """
        try:
            import pypdfium2
        except (ImportError, OSError) as problem:  # OSError: its library does not load
            raise PictureError(f"{name} is a PDF file, for which pypdfium2 is needed; run: {INSTALL}") from problem
        self._name = name
        self._pixels = min(MAXIMUM_PIXELS, (SHARPNESS * long_side) ** 2 / _A4_SHAPE)
        self._failure: type[Exception] = pypdfium2.PdfiumError
        try:
            # a stream and no name: PDFium takes no name that is not UTF-8
            stream = source if isinstance(source, bytes) else source.open("rb")
            self._document = pypdfium2.PdfDocument(stream, autoclose=True)
            self._document.init_forms()  # what has been filled in is drawn too
            self._count = len(self._document)
        except OSError as problem:
            raise PictureError(f"{name} cannot be read: {problem.strerror}; check its permissions") from problem
        except self._failure as problem:
            if getattr(problem, "err_code", None) == _WRONG_PASSWORD:
                raise PictureError(
                    f"{name} is encrypted; save it without a password, as with: qpdf --decrypt --password=SECRET IN OUT"
                ) from problem
            raise PictureError(
                f"{name} is a PDF file that is truncated or damaged, or has no pages; fetch or save it again"
            ) from problem

    def __len__(self) -> int:
        return self._count

    def picture(self, number: int) -> Picture:
        """Draw a page, counted from 1, on white; PictureError where it is damaged."""
        try:
            page = self._document[number - 1]
            try:
                bitmap = page.render(scale=self._scale(*page.get_size()))
                return np.array(bitmap.to_numpy(), order="C")  # the bitmap's own memory goes with the page
            finally:
                page.close()
        except self._failure as problem:
            raise PictureError(
                f"page {number} of {self._name} cannot be drawn ({problem}); print the file to a new PDF, and read that"
            ) from problem

    def _scale(self, width: float, height: float) -> float:
        """Pixels per point for a page of this size, in points."""
        if not (0 < width < math.inf and 0 < height < math.inf):
            raise self._failure(f"it measures {width} x {height} points")
        return min(math.sqrt(self._pixels / (width * height)), LONGEST_SIDE / max(width, height))
