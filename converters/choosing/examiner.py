"""Scores one model after the other against the same original, on two halves of the same pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

from converters.choosing.alone import ALONE
from converters.choosing.halves import HALVES
from converters.choosing.timing import time_ratio
from converters.errors import ConversionError
from converters.evaluation.datasets import Dataset
from converters.evaluation.readings import Reading, Readings, in_pairs, read_alone
from converters.matrix.examiner import from_plain_reading, plain_reading
from converters.matrix.kept import kept
from converters.own_code import code_digest
from converters.progress import Progress
from converters.verification import OVERALL, Comparison, compare, describe_cpu
from edge_ocr.benchmark import counting
from edge_ocr.bundle import Bundle
from edge_ocr.cache import digest_of
from edge_ocr.engines import installed

_CODE = (
    "converters/choosing/alone.py",
    "converters/choosing/timing.py",
    "converters/evaluation/readings.py",
    "converters/matrix/examiner.py",
)


class ModelExaminer:
    """Holds one model of a kind after the other against the original, which looks at the pictures once.

    What a model finds is kept in the cache, and looked up as long as the model, the pictures, the code and the engines
    are the same.
    """

    def __init__(
        self,
        kind: str,
        reference: Bundle,
        datasets: Sequence[Dataset],
        half_of: Mapping[Path, str],
        progress: Progress,
        workers: int | None = None,
    ) -> None:
        """Nothing is looked at yet.

        Args:
            kind: "detector", "direction" or "recognizer".
            reference: the original system, from `converters.reference`.
            datasets: labelled or not; the kind decides what of them is looked at.
            half_of: each of their pictures -> the half that it belongs to, see `halves_of`.
            progress: shows how far it is.
            workers: see `read_alone`.

        Raises:
            ConversionError: one of the halves has no picture for such a model.
        """
        self.kind, self.reference = kind, reference
        self._datasets = [ALONE[kind].shown(data) for data in datasets]
        self._half_of = half_of
        self._progress, self._workers = progress, workers
        looked_at = {picture for data in self._datasets for picture in data.pictures}
        for half in HALVES:
            if all(half_of[picture] != half for picture in looked_at):
                raise ConversionError(
                    f"of {len(looked_at)} pictures for the {kind}, none is in the half to {half} on; give more"
                )

    def examine(self, bundle: Bundle) -> dict[str, Comparison]:
        """Half, or `OVERALL` -> what a bundle's model finds there, beside the original.

        Raises:
            ConversionError: a worker died.
            EngineError: an engine is missing, or fails on a picture.
            PictureError: a picture cannot be read.
        """
        readings = in_pairs(self._datasets, self._original, self._find(bundle))
        parts = {half: self._part(readings, half) for half in HALVES}
        both = {**parts, OVERALL: readings}
        return {name: ALONE[self.kind].bearing(compare(name, part)) for name, part in both.items()}

    def time_ratio(self, bundle: Bundle) -> float:
        """Time of a bundle's model over the original's, see `time_ratio`; another CPU's is not used."""
        inputs = [self._facts(self.reference), self._facts(bundle), describe_cpu(), self._circumstances]
        ratio: float = kept("time-ratios", inputs, lambda: time_ratio(self.reference, bundle, self.kind))
        return ratio

    def _part(self, readings: Readings, half: str) -> Readings:
        return Readings(
            tuple(pair for pair in readings.lines if self._half_of[pair.line.picture] == half),
            tuple(pair for pair in readings.pages if self._half_of[pair.page.picture] == half),
        )

    @cached_property
    def _original(self) -> Reading:
        return self._find(self.reference)

    def _find(self, bundle: Bundle) -> Reading:
        reader, shown = ALONE[self.kind].reader, self._datasets

        def find() -> object:
            return plain_reading(read_alone(bundle, shown, self._progress, workers=self._workers, reader=reader))

        lines = [[[line.picture, line.text] for line in data.lines] for data in shown]
        pages = [[page.picture for page in data.pages] for data in shown]
        inputs = [self._facts(bundle), lines, pages, self._circumstances]
        return from_plain_reading(kept("model-readings", inputs, find))

    def _facts(self, bundle: Bundle) -> list[object]:
        """All of a bundle that its model of this kind depends on."""
        spec, charset = bundle.manifest.models.by_kind()[self.kind], bundle.manifest.charset
        return [self.kind, bundle.manifest.format, asdict(spec), asdict(charset)]

    @cached_property
    def _circumstances(self) -> str:
        """Digest of what else decides what is found, and how fast."""
        return digest_of(
            dict(installed()),
            code_digest("edge_ocr", *_CODE),
            Path(counting.__file__),
        )
