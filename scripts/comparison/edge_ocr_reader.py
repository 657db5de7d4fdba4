"""edge_ocr, as the worker of its side sees it."""

from __future__ import annotations

from typing import Any

import edge_ocr
from edge_ocr.ocr import OCR
from edge_ocr.page import Page
from edge_ocr.pictures import Source


class Reader:
    """Reads pictures with a bundle and keeps every line."""

    def __init__(self, *, threads: int, bundle: str | None) -> None:
        self._ocr = OCR(bundle, threads=threads, min_score=0)

    def read(self, picture: Source) -> Page:
        """What is timed."""
        return self._ocr.read(picture)

    def describe(self, page: Page) -> dict[str, Any]:
        """The result as the worker sends it."""
        return {
            "texts": [line.text for line in page.lines],
            "boxes": [line.box.tolist() for line in page.lines],
            "stages": dict(page.timings),
        }

    def versions(self) -> dict[str, str]:
        """What decides its speed, name -> version."""
        engine = self._ocr.engine
        return {"edge-ocr": edge_ocr.__version__, engine.package: engine.version}
