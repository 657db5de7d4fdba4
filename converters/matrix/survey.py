"""The walk over systems and recipes: convert, verify, count, and write what ships."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from converters.calibration import CalibrationPictures
from converters.conversion import Sources, convert, equivalence, write
from converters.errors import AccuracyBudgetError, ConversionError, SourceError
from converters.evaluation.datasets import Dataset
from converters.evaluation.evaluation import judged
from converters.evaluation.gate import Limit
from converters.examination import Examiner
from converters.matrix.estimate import Estimate
from converters.matrix.examiner import KeepingExaminer
from converters.matrix.instructions import Counter
from converters.matrix.outcome import FAILED, PASSES, REFUSED, SHIPS, Cell, SystemOutcome
from converters.progress import Progress
from converters.quantization.recipes import Recipe
from converters.zoo import System
from edge_ocr.bundle import Bundle
from edge_ocr.errors import BundleError, EngineError

FAILURES = (ConversionError, EngineError, BundleError)
"""Of one system, or of one recipe of it: the walk goes on."""


@dataclass(frozen=True)
class Survey:
    """What is done to every system.

    Attributes:
        fetch: brings a system's files.
        recipes: the fastest first.
        pictures: to calibrate on.
        datasets: labelled, to verify on.
        limit: at most so many lines and pages of each data set are read; None is all.
        max_drop: the accuracy budget in points; None is the usual one.
        limits: of the agreement with the original; None are the usual ones.
        workers: processes that read side by side; None is one for every core.
        counter: is given every bundle; None where no instructions are counted.
        progress: shows how far it is.
    """

    fetch: Callable[[System], Sources]
    recipes: Sequence[Recipe]
    pictures: CalibrationPictures
    datasets: Sequence[Dataset]
    limit: int | None
    max_drop: float | None
    limits: Sequence[Limit] | None
    workers: int | None
    counter: Counter | None
    progress: Progress

    def walk(self, systems: Sequence[System], folder: Path) -> Iterator[SystemOutcome]:
        """System by system; the bundles that ship are written to folders of their systems' names in `folder`.

        A system that is not to be had, and one that fails, are outcomes too.

        Raises:
            BundleError: a bundle cannot be written.
            CacheError: the cache folder cannot be written.
        """
        estimate = Estimate(len(systems) * len(self.recipes), self.progress)
        for system in systems:
            outcome = self._outcome(system, folder / system.name, estimate)
            if why := outcome.absent or outcome.failure:
                self.progress.note(f"{system.name} is left out: {why}")
                estimate.leave_out(len(self.recipes))
            yield outcome

    def _outcome(self, system: System, destination: Path, estimate: Estimate) -> SystemOutcome:
        described = SystemOutcome(system.name, system.title)
        if untried := dict.fromkeys(model.untried for model in system.models if model.untried):
            return replace(described, absent=f"nobody has run it, since {' and '.join(untried)}")
        try:
            sources = self.fetch(system)
        except SourceError as problem:
            return replace(described, absent=str(problem))
        except ConversionError as problem:
            return replace(described, failure=str(problem))
        try:
            differences = equivalence(sources, self.pictures, self.progress)
            examiner = self._examiner(sources.reference())
        except FAILURES as problem:
            return replace(described, failure=str(problem))
        cells: list[Cell] = []
        for recipe in self.recipes:
            with estimate.cell(f"{system.name}, {recipe.name}"):
                cell = self._cell(sources, recipe, examiner, destination, cells)
                self.progress.note(f"{cell.verdict}: {cell.reason}" if cell.reason else cell.verdict)
            cells.append(cell)
        largest = {kind: max(of_sizes.values()) for kind, of_sizes in differences.items()}
        return replace(described, differences=largest, cells=tuple(cells))

    def _examiner(self, reference: Bundle) -> Examiner:
        datasets = judged(self.datasets, reference.charset, self.limit, self.progress)
        return KeepingExaminer(reference, datasets, self.progress, self.workers)

    def _cell(
        self, sources: Sources, recipe: Recipe, examiner: Examiner, destination: Path, before: Sequence[Cell]
    ) -> Cell:
        """One recipe, after the faster ones."""
        try:
            bundle = convert(sources, recipe, self.pictures, self.progress)
            verification = examiner.examine(bundle)
        except FAILURES as problem:
            return Cell(recipe.name, FAILED, str(problem))
        if self.counter:
            self.counter.add(bundle)
        models = {kind: spec.sha256 for kind, spec in bundle.manifest.models.by_kind().items()}
        found = Cell(recipe.name, PASSES, verification=verification, models=models)
        try:
            verification.judge(self.max_drop, self.limits)
        except AccuracyBudgetError as problem:
            return replace(found, verdict=REFUSED, reason=str(problem))
        except ConversionError as problem:
            return replace(found, verdict=FAILED, reason=str(problem))
        if any(cell.verdict == SHIPS for cell in before):
            return found
        refused = tuple(cell.verification for cell in before if cell.verification is not None)
        write(bundle, recipe, replace(verification, refused=refused), destination)
        return replace(found, verdict=SHIPS)
