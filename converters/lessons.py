"""Learning as a stage of a conversion: what from, whether it can be had, and what is kept of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from converters.calibration import CalibrationPictures, record_inputs
from converters.errors import ConversionError
from converters.own_code import code_digest
from converters.progress import Progress
from converters.quantization.learning import Lesson
from converters.quantization.operators import Prepared
from converters.quantization.ranges import Range
from converters.quantization.recipes import KINDS, ModelRecipe, Recipe
from edge_ocr.bundle import Bundle
from edge_ocr.cache import digest_of, run_stage, stage_directory

_CONTENT, _RANGES = "learned.tflite", "ranges.json"


def check_lessons(recipe: Recipe, unlabelled: CalibrationPictures | None, kinds: Collection[str] = KINDS) -> None:
    """Whether everything is at hand that a recipe learns with, for models of these kinds.

    Raises:
        ConversionError: PyTorch or the pictures are missing.
    """
    if all(recipe.models[kind].learning is None for kind in kinds):
        return
    if unlabelled is None:
        raise ConversionError(
            f"the recipe {recipe.name} learns from pictures without labels; name a folder of them with --unlabelled, "
            "your own or rendered ones (python -m calibration_data.generate --pages 0 --lines 4500 --out FOLDER)"
        )
    try:
        version("torch")
    except PackageNotFoundError:
        raise ConversionError(
            f"the recipe {recipe.name} learns with PyTorch, which is not installed; install edge-ocr[convert,learn], "
            "or take a recipe that does not learn"
        ) from None


def provenance(recipe: Recipe, unlabelled: CalibrationPictures | None) -> dict[str, Any] | None:
    """What a bundle says of how it learned; None where it did not."""
    if unlabelled is None or not recipe.learns:
        return None
    pictures = {"sha256": unlabelled.digest, "pages": len(unlabelled.pages), "lines": len(unlabelled.lines)}
    return {"pictures": pictures, "torch": version("torch")}


def lessons_digest(unlabelled: CalibrationPictures) -> str:
    """Digest of all that decides what a recipe learns from these pictures."""
    code = code_digest("converters/learning", "converters/lessons.py")
    return digest_of(unlabelled.digest, len(unlabelled.pages), version("torch"), code)


def learner(
    kind: str, floats: Bundle, recipe: ModelRecipe, unlabelled: CalibrationPictures | None, progress: Progress
) -> Callable[[Prepared], Prepared] | None:
    """What teaches a model of that kind; None where the recipe does not ask for it.

    The result is kept in the cache, and so is the state of a run that is stopped.

    Args:
        kind: of the model.
        floats: float TFLite models, which look at the pictures.
        recipe: of the model.
        unlabelled: pictures to learn from.
        progress: tells how far it is.
    """
    settings = recipe.learning
    if settings is None or unlabelled is None:
        return None
    meaning = floats.manifest.models.by_kind()[kind].output.meaning

    def learn(prepared: Prepared) -> Prepared:
        inputs = record_inputs(floats, unlabelled, {kind: settings.pictures}, progress)[kind]
        seen = [hashlib.sha256(tensor).hexdigest() for tensor in inputs]
        spans = {name: asdict(span) for name, span in prepared.ranges.items()}
        code = code_digest("converters/learning")
        operators = [asdict(operator) for operator in prepared.operators]
        digest = digest_of(prepared.content, spans, operators, asdict(settings), meaning, seen, version("torch"), code)
        state = stage_directory("learning", f"{digest}.pt")

        def make(folder: Path) -> None:
            distil = import_module("converters.learning.training").distil  # not before it is needed: it takes PyTorch
            with progress.bar(f"learn: {kind}", settings.steps, "step") as done:
                lesson = Lesson(settings, inputs, meaning, state, lambda: done(1))
                taught = distil(prepared, lesson, progress.note)
            (folder / _CONTENT).write_bytes(taught.content)
            (folder / _RANGES).write_text(json.dumps({name: asdict(span) for name, span in taught.ranges.items()}))

        folder = run_stage("learned", digest, make)
        state.unlink(missing_ok=True)
        found = json.loads((folder / _RANGES).read_text())
        ranges = {name: Range(**span) for name, span in found.items()}
        return replace(prepared, content=(folder / _CONTENT).read_bytes(), ranges=ranges)

    return learn
