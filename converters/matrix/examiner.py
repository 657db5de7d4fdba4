"""An examiner that keeps in the cache what a bundle reads, and how long it takes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from converters.evaluation.readings import LineReading, Reading
from converters.examination import Examiner
from converters.matrix.kept import kept
from converters.own_code import code_digest
from converters.speed import Speed
from converters.verification import describe_cpu
from edge_ocr.benchmark.records import from_plain, to_plain
from edge_ocr.bundle import Bundle
from edge_ocr.cache import digest_of
from edge_ocr.engines import installed
from edge_ocr.page import Page, TextLine


class KeepingExaminer(Examiner):
    """Reads with a bundle once, and not again as long as models, pictures, code and engines are the same."""

    def read(self, bundle: Bundle) -> Reading:
        """See `Examiner.read`; of a line on a page, the text, score and box alone."""
        find = super().read
        return _reading(kept("readings", [bundle.digest, self._circumstances], lambda: _as_plain(find(bundle))))

    def time(self, bundle: Bundle) -> Speed:
        """See `Examiner.time`; another CPU's times are not used."""
        find = super().time
        inputs = [self.reference.digest, bundle.digest, self._circumstances, describe_cpu()]
        return from_plain(Speed, kept("speed", inputs, lambda: to_plain(find(bundle))))

    @cached_property
    def _circumstances(self) -> str:
        """Digest of all but the bundle that decides what is read."""
        pictures = [
            [[line.picture for line in data.lines], [page.picture for page in data.pages]] for data in self.datasets
        ]
        code = code_digest("edge_ocr", "converters/evaluation/readings.py", "converters/speed.py")
        return digest_of(pictures, dict(installed()), code)


def _as_plain(reading: Reading) -> dict[str, Any]:
    """As JSON values, which `_reading` turns into an equal reading."""
    return {
        "lines": [[line.text, line.score] for line in reading.lines],
        "pages": [
            [page.width, page.height, [[line.text, line.score, line.box.tolist()] for line in page.lines]]
            for page in reading.pages
        ],
    }


def _reading(plain: dict[str, Any]) -> Reading:
    return Reading(
        tuple(LineReading(text, score) for text, score in plain["lines"]),
        tuple(
            Page(width, height, tuple(TextLine(text, score, np.array(box, np.float32)) for text, score, box in lines))
            for width, height, lines in plain["pages"]
        ),
    )
