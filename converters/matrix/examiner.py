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
from edge_ocr.page import Character, Page, Quad, TextLine, Word


class KeepingExaminer(Examiner):
    """Reads with a bundle once, and not again as long as models, pictures, code and engines are the same."""

    def read(self, bundle: Bundle) -> Reading:
        """See `Examiner.read`; of the characters of a line on a page, only what they are and how sure."""
        find = super().read
        return from_plain_reading(
            kept("readings", [bundle.digest, self._circumstances], lambda: plain_reading(find(bundle)))
        )

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


def plain_reading(reading: Reading) -> dict[str, Any]:
    """As JSON values, which `from_plain_reading` turns into an equal reading."""
    return {
        "lines": [[line.text, line.score, line.lowest] for line in reading.lines],
        "pages": [[page.width, page.height, list(map(_plain_line, page.lines))] for page in reading.pages],
    }


def from_plain_reading(plain: dict[str, Any]) -> Reading:
    """The reading that `plain_reading` gave as JSON values."""
    return Reading(
        tuple(LineReading(*line) for line in plain["lines"]),
        tuple(Page(width, height, tuple(map(_line, lines))) for width, height, lines in plain["pages"]),
    )


def _plain_line(line: TextLine) -> dict[str, Any]:
    words = [[word.text, word.score, [[each.text, each.score] for each in word.characters]] for word in line.words]
    return {"text": line.text, "score": line.score, "box": line.box.tolist(), "words": words}


def _line(plain: dict[str, Any]) -> TextLine:
    box: Quad = np.array(plain["box"], np.float32)
    words = tuple(
        Word(text, score, box, tuple(Character(character, probability, box) for character, probability in characters))
        for text, score, characters in plain["words"]
    )
    return TextLine(plain["text"], plain["score"], box, words)
