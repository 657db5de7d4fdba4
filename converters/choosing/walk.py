"""The walk over the recipes for a model: convert, score, time, count, and take the cheapest that passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from converters.calibration import CalibrationPictures
from converters.choosing.alone import ALONE
from converters.choosing.examiner import ModelExaminer
from converters.choosing.halves import CHOOSE, halves_of
from converters.choosing.outcome import ModelOutcome, Variant
from converters.conversion import Sources, convert
from converters.errors import AccuracyBudgetError, ConversionError
from converters.evaluation.datasets import Dataset
from converters.evaluation.evaluation import judged
from converters.evaluation.gate import Limit
from converters.matrix.estimate import Estimate
from converters.matrix.instructions import Counter
from converters.matrix.outcome import FAILED, PASSES, REFUSED
from converters.matrix.survey import FAILURES
from converters.progress import Progress
from converters.quantization.recipes import Recipe, load_recipe
from converters.verification import model_facts
from edge_ocr.bundle import Bundle


@dataclass(frozen=True)
class Walk:
    """What is done for every model.

    Attributes:
        recipes: to choose from.
        draws: drawings of the calibration pictures that a recipe is tried with, where it calibrates.
        pictures: to calibrate on.
        unlabelled: pictures to learn from, for a recipe that does; None where there are none.
        datasets: labelled or not, to choose and to report on.
        limit: at most so many lines and pages of each data set are looked at; None is all.
        max_drop: the accuracy budget in points; None is the usual one.
        limits: of agreement with the original; None are the usual ones.
        workers: processes that look at pictures side by side; None is one for every core.
        counters: are given every model; in the order in which they decide.
        progress: shows how far it is.
    """

    recipes: Sequence[Recipe]
    draws: int
    pictures: CalibrationPictures
    unlabelled: CalibrationPictures | None
    datasets: Sequence[Dataset]
    limit: int | None
    max_drop: float | None
    limits: Sequence[Limit] | None
    workers: int | None
    counters: Sequence[Counter]
    progress: Progress

    def tasks(self, sources: Sequence[Sources], kinds: Sequence[str]) -> list[tuple[Sources, ModelExaminer]]:
        """The models to choose for: each system's, of the kinds that it has and there are pictures for.

        Args:
            sources: of each system.
            kinds: that are wanted; all that can be tried where there are none.

        Raises:
            ConversionError: a system has no model of a kind that is wanted, or there are too few pictures for one, or
                for any.
        """
        half_of, found = halves_of(self.datasets), []
        for each in sources:
            reference = each.reference()
            datasets = judged(self.datasets, reference.charset, self.limit, self.progress)
            shown = [kind for kind in each.models if any(ALONE[kind].shown(data).pictures for data in datasets)]
            if not kinds and not shown:
                raise ConversionError(f"there is no picture to try a model of {each.system.name} on; name other data")
            for kind in kinds or shown:
                if kind not in each.models:
                    raise ConversionError(f"{each.system.name} has no {kind} model; it has {', '.join(each.models)}")
                found.append((each, ModelExaminer(kind, reference, datasets, half_of, self.progress, self.workers)))
        return found

    def outcomes(self, tasks: Sequence[tuple[Sources, ModelExaminer]]) -> Iterator[ModelOutcome]:
        """Model by model, with nothing chosen yet: instructions are counted when all else is done.

        Raises:
            CacheError: the cache folder cannot be written.
            ConversionError: a float model cannot be made, or the original cannot be run.
        """
        attempts = {examiner.kind: list(self._attempts(examiner.kind)) for _, examiner in tasks}
        estimate = Estimate(sum(len(attempts[examiner.kind]) for _, examiner in tasks), self.progress)
        for sources, examiner in tasks:
            kind = examiner.kind
            float32 = self._convert(sources, load_recipe("float"), kind, 0)
            for counter in self.counters:
                counter.add(examiner.reference, [kind])
                counter.add(float32, [kind])
            variants = []
            for recipe, draw in attempts[kind]:
                which = f", draw {draw + 1}" if self.draws > 1 else ""
                with estimate.cell(f"{sources.system.name}, {kind}, {recipe.name}{which}"):
                    variants.append(self._variant(sources, examiner, recipe, draw))
            yield ModelOutcome(
                sources.system.name, kind, _sha256(examiner.reference, kind), _sha256(float32, kind), tuple(variants)
            )

    def _attempts(self, kind: str) -> Iterator[tuple[Recipe, int]]:
        """Recipes and draws: what a recipe that does not calibrate gives is the same with every draw."""
        for recipe in self.recipes:
            for draw in range(self.draws if recipe.models[kind].needs_calibration else 1):
                yield recipe, draw

    def _convert(self, sources: Sources, recipe: Recipe, kind: str, draw: int) -> Bundle:
        return convert(
            sources, recipe, self.pictures, self.progress, unlabelled=self.unlabelled, kinds=[kind], draw=draw
        )

    def _variant(self, sources: Sources, examiner: ModelExaminer, recipe: Recipe, draw: int) -> Variant:
        kind = examiner.kind
        try:
            bundle = self._convert(sources, recipe, kind, draw)
            found, time = examiner.examine(bundle), examiner.time_ratio(bundle)
        except FAILURES as problem:
            return Variant(recipe.name, draw, FAILED, str(problem))
        for counter in self.counters:
            counter.add(bundle, [kind])
        spec = bundle.manifest.models.by_kind()[kind]
        facts = model_facts(bundle.runnable_model(kind))
        variant = Variant(recipe.name, draw, PASSES, "", spec.sha256, spec.bytes, facts, time, found)
        try:
            found[CHOOSE].judge(self.max_drop, self.limits)
        except AccuracyBudgetError as problem:
            return replace(variant, verdict=REFUSED, reason=str(problem))
        except ConversionError as problem:
            return replace(variant, verdict=FAILED, reason=str(problem))
        return variant


def _sha256(bundle: Bundle, kind: str) -> str:
    return bundle.manifest.models.by_kind()[kind].sha256
