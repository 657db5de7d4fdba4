"""The whole road: fetch -> rewrite -> float TFLite -> calibrate -> quantise -> verify -> bundle.

Each stage's result is kept in the cache under the digest of everything that went into it, our own code included, so
that a second run or a changed recipe repeats only what it must.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from functools import cache
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

from converters.assembly import ModelFile, assemble
from converters.calibration import CalibrationPictures, FloatArray, record_inputs
from converters.environments import FOLDER as ENVIRONMENTS
from converters.environments import worker
from converters.evaluation.equivalence import check_equivalence
from converters.inputs import Sources, fetch_sources
from converters.lessons import check_lessons, learner, lessons_digest
from converters.lessons import provenance as learning_provenance
from converters.own_code import ROOT, code_digest
from converters.progress import Progress
from converters.quantization.headroom import Magnitudes, magnitudes
from converters.quantization.placement import place
from converters.quantization.recipes import Recipe
from converters.quantization.static import quantise
from converters.report import REPORT_FILE, as_markdown
from converters.tflite import FloatModel, to_float
from converters.tflite.compact import compact
from converters.tflite.half_precision import allow_half_precision
from converters.tflite.inspection import assert_one_partition, operator_versions
from converters.tflite.integer_boundary import input_type, take_and_give_integers
from converters.tflite.interpreters import known_interpreters, min_runtime
from converters.tflite.row_means import average_rows_first
from converters.verification import Verification
from converters.zoo import KINDS, Model
from edge_ocr.bundle import Bundle
from edge_ocr.bundle_writing import write_bundle
from edge_ocr.cache import digest_of, run_stage, sha256_of
from edge_ocr.manifest import VERIFICATION_FILE

__all__ = ["Sources", "convert", "equivalence", "fetch_sources", "float_bundle", "write"]

_REWRITERS = {"onnx", "onnx-ir", "onnxscript", "ai-edge-litert", "scipy"}
"""Packages that have a part in the bytes of a float model, beside those of the onnx2tf environment."""
_READERS = {"ai-edge-litert", "numpy", "onnxruntime", "opencv-python-headless"}
"""Packages that have a part in the numbers that float models and originals are compared by."""
_QUANTISERS = {"ai-edge-quantizer", "ai-edge-litert", "numpy", "opencv-python-headless"}
"""Packages that have a part in the bytes of a quantised model."""
_DIFFERENCES = "differences.json"
_MAGNITUDES = "magnitudes.json"
_LOOKED_AT = {"detector": 4, "direction": 8, "recognizer": 16}
"""Kind -> inputs that tell how large a model's numbers get: these are nearly the same on any picture with text."""


def convert(
    sources: Sources,
    recipe: Recipe,
    pictures: CalibrationPictures,
    progress: Progress,
    *,
    unlabelled: CalibrationPictures | None = None,
    kinds: Collection[str] = KINDS,
    draw: int = 0,
) -> Bundle:
    """Convert a system to a TFLite bundle, in memory.

    Args:
        sources: its files.
        recipe: what becomes int8.
        pictures: to hold the float models against the originals on, and to calibrate on where the recipe does.
        progress: tells of every stage.
        unlabelled: pictures to learn from, where the recipe does.
        kinds: of model that the recipe is for; the others stay float32.
        draw: which of many possible drawings of `pictures` is calibrated on, from 0.

    Raises:
        ConversionError: a stage refuses; the message says which model and why.
    """
    system = sources.system
    check_lessons(recipe, unlabelled, kinds)
    floats = _float_models(sources, progress)
    whole = _float_bundle(sources, floats)
    _equivalence(sources, floats, pictures, progress)
    quantised = _quantised(sources, whole, recipe, pictures, progress, unlabelled, kinds, draw)
    reached = _magnitudes(whole, recipe, pictures, progress)
    models = {}
    for kind, (content, _) in quantised.items():
        smaller = compact(average_rows_first(take_and_give_integers(content)))
        if kind in reached and reached[kind].fit_half_precision:
            smaller = allow_half_precision(smaller)
        assert_one_partition(smaller, f"the {kind} of {system.name}")
        models[kind] = ModelFile(
            smaller, {"dtype": input_type(smaller)}, _output_facts(floats[kind]), operator_versions(smaller)
        )
    learned = {kind: use for kind, (_, use) in quantised.items() if use is not None}
    return assemble(
        system,
        models,
        sources.charset,
        model_format="tflite",
        precision=recipe.name,
        provenance={
            **_provenance(sources, floats, recipe, pictures, learned, reached),
            "learning": learning_provenance(recipe, unlabelled),
        },
        min_runtime=min_runtime([model.content for model in models.values()], known_interpreters()),
    )


def equivalence(
    sources: Sources, pictures: CalibrationPictures, progress: Progress
) -> Mapping[str, Mapping[str, float]]:
    """Hold the float TFLite models against the originals, as `convert` does; see `check_equivalence`.

    Returns:
        Kind -> long side or width in pixels, as digits -> the largest difference of a probability.
    """
    return _equivalence(sources, _float_models(sources, progress), pictures, progress)


def float_bundle(sources: Sources, progress: Progress) -> Bundle:
    """The float TFLite models as a bundle in memory, before they are made small: what a static recipe starts from."""
    return _float_bundle(sources, _float_models(sources, progress))


def _float_models(sources: Sources, progress: Progress) -> dict[str, FloatModel]:
    environment = sorted((ENVIRONMENTS / "onnx2tf").iterdir())
    code = code_digest("converters/graph", "converters/tflite", "converters/environments/serve.py")
    floats = {}
    for model in sources.system.models:
        progress.note(f"float TFLite: {model.name}")
        source = sources.models[model.kind]

        def make(folder: Path, model: Model = model, source: Path = source) -> None:
            with worker("onnx2tf", progress=progress) as onnx2tf:
                converted = to_float(model, source, onnx2tf, folder)
            (folder / "float.tflite").write_bytes(converted.content)
            facts = {key: value for key, value in vars(converted).items() if key != "content"}
            (folder / "facts.json").write_text(json.dumps(facts))

        facts = [model.kind, model.input_name, model.input_shape]
        files = [file for file in environment if file.is_file()]
        folder = run_stage("float", digest_of(source, facts, files, code, _versions(_REWRITERS)), make)
        found = json.loads((folder / "facts.json").read_text())
        floats[model.kind] = FloatModel(content=(folder / "float.tflite").read_bytes(), **found)
    return floats


def _float_bundle(sources: Sources, floats: Mapping[str, FloatModel]) -> Bundle:
    models = {kind: ModelFile(model.content, output=_output_facts(model)) for kind, model in floats.items()}
    return assemble(sources.system, models, sources.charset, model_format="tflite", precision="float", provenance={})


def _output_facts(model: FloatModel) -> dict[str, Any]:
    facts: dict[str, Any] = {"meaning": model.meaning}
    return facts | {"block": model.block, "border": model.border} if model.meaning.startswith("text-") else facts


def _equivalence(
    sources: Sources, models: Mapping[str, FloatModel], pictures: CalibrationPictures, progress: Progress
) -> dict[str, dict[str, float]]:
    reference = sources.reference()
    shipped = {kind: replace(model, content=average_rows_first(model.content)) for kind, model in models.items()}
    floats = _float_bundle(sources, shipped)

    def make(folder: Path) -> None:
        differences = check_equivalence(reference, floats, pictures, progress)
        (folder / _DIFFERENCES).write_text(json.dumps(differences))

    code = code_digest("converters/evaluation/equivalence.py", "edge_ocr")
    digest = digest_of(reference.digest, floats.digest, pictures.digest, _versions(_READERS), code)
    found: dict[str, dict[str, float]] = json.loads((run_stage("equivalence", digest, make) / _DIFFERENCES).read_text())
    return found


def _quantised(
    sources: Sources,
    floats: Bundle,
    recipe: Recipe,
    pictures: CalibrationPictures,
    progress: Progress,
    unlabelled: CalibrationPictures | None,
    kinds: Collection[str],
    draw: int,
) -> dict[str, tuple[bytes, dict[str, Any] | None]]:
    """Kind -> the model after the recipe, and what became of the scales that it has learned; None where it has none.

    Recipes that have a model's entry in common share the result.
    """
    specs = floats.manifest.models.by_kind()
    samples = {kind: recipe.models[kind].samples for kind in specs}
    # The runtime's stages make the tensors that are calibrated on.
    code = code_digest("converters/quantization", "converters/tflite", "converters/calibration.py", "edge_ocr")
    seen = [floats.digest, pictures.digest, len(pictures.pages), samples, draw] if recipe.needs_calibration else None

    @cache
    def inputs() -> Mapping[str, list[FloatArray]]:
        return record_inputs(floats, pictures, samples, progress, seed=draw) if recipe.needs_calibration else {}

    def quantised(kind: str) -> tuple[bytes, dict[str, Any] | None]:
        content, entry, learned = floats.model_bytes(kind), recipe.models[kind], sources.learned.get(kind)
        meaning = specs[kind].output.meaning
        learn = learner(kind, floats, entry, unlabelled, progress)

        def make(folder: Path) -> None:
            tensors, placed = inputs().get(kind, []), None
            if entry.mode != "float" and learned is not None:
                placed = place(content, sources.models[kind], learned, tensors[0] if entry.mode == "static" else None)
            # How many sources of noise there are to measure is only known on the way.
            total = None if entry.float_share else len(tensors) * entry.passes
            with progress.bar(f"quantise: {kind}", total, "run") as done:
                ranges = None if placed is None else placed.ranges
                smaller = quantise(
                    content, entry, tensors, lambda: done(1), meaning=meaning, learned=ranges, learn=learn
                )
            (folder / "quantised.tflite").write_bytes(smaller)
            use = None if placed is None else placed.used_in(smaller)
            (folder / "learned.json").write_text(json.dumps(use and {"summary": str(use), **asdict(use)}))

        training = None if learned is None else [learned.to_json(), sources.models[kind]]
        lessons = None if unlabelled is None or entry.learning is None else lessons_digest(unlabelled)
        facts = [content, recipe.to_json()["models"][kind], meaning, kind, training, lessons]
        folder = run_stage("quantised", digest_of(facts, seen, _versions(_QUANTISERS), code), make)
        return (folder / "quantised.tflite").read_bytes(), json.loads((folder / "learned.json").read_text())

    return {kind: quantised(kind) if kind in kinds else (floats.model_bytes(kind), None) for kind in specs}


def _magnitudes(
    floats: Bundle, recipe: Recipe, pictures: CalibrationPictures, progress: Progress
) -> dict[str, Magnitudes]:
    """Of the models that the recipe lets compute in half precision: kind -> what decides whether they may."""
    kinds = [kind for kind, entry in recipe.models.items() if entry.half_precision]

    def make(folder: Path) -> None:
        recorded = record_inputs(floats, pictures, _LOOKED_AT, progress)
        found = {kind: asdict(magnitudes(floats.model_bytes(kind), recorded[kind])) for kind in kinds}
        (folder / _MAGNITUDES).write_text(json.dumps(found))

    if not kinds:
        return {}
    code = code_digest("converters/quantization", "converters/calibration.py", "edge_ocr")
    digest = digest_of(floats.digest, pictures.digest, _LOOKED_AT, kinds, _versions(_QUANTISERS), code)
    found = json.loads((run_stage("magnitudes", digest, make) / _MAGNITUDES).read_text())
    return {kind: Magnitudes(**found[kind]) for kind in kinds}


def _versions(packages: set[str]) -> dict[str, str]:
    return {package: version(package) for package in sorted(packages)}


def _provenance(
    sources: Sources,
    floats: Mapping[str, FloatModel],
    recipe: Recipe,
    pictures: CalibrationPictures,
    learned: Mapping[str, Mapping[str, Any]],
    reached: Mapping[str, Magnitudes],
) -> dict[str, Any]:
    """Where the bundle's bytes come from; nothing in it changes from one run to the next."""
    return {
        "sources": [
            {
                "model": model.name,
                "role": role,
                "name": model.files[role].name,
                "sha256": sha256_of(path),
                "from": [str(source) for source in model.files[role].sources],
            }
            for model in sources.system.models
            for role, path in sources.files[model.kind].items()
        ],
        "learned": dict(learned),
        "half_precision": {
            kind: {**asdict(found), "allowed": found.fit_half_precision} for kind, found in reached.items()
        },
        "recipe": recipe.name,
        "calibration": None
        if not recipe.needs_calibration
        else {"sha256": pictures.digest, "pages": len(pictures.pages), "lines": len(pictures.lines)},
        "rewrites": {kind: dict(model.rewrites) for kind, model in floats.items()},
        "tools": {
            "onnx2tf_environment": dict(next(iter(floats.values())).tools),
            "converter": {
                **_versions(_REWRITERS | _QUANTISERS | {"edge-ocr"}),
                "python": ".".join(map(str, sys.version_info[:3])),
            },
        },
    }


def write(bundle: Bundle, recipe: Recipe, verification: Verification, destination: Path) -> None:
    """Write a bundle with everything that belongs beside its models.

    Raises:
        BundleError: `destination` is something else than a bundle, or cannot be written.
    """
    files = {spec.file: bundle.model_bytes(kind) for kind, spec in bundle.manifest.models.by_kind().items()}
    files[bundle.manifest.charset.file] = "".join(f"{entry}\n" for entry in bundle.charset).encode()
    files["recipe.json"] = (json.dumps(recipe.to_json(), indent=1) + "\n").encode()
    files[VERIFICATION_FILE] = verification.to_json()
    files[REPORT_FILE] = as_markdown(bundle.manifest, verification)
    files["LICENSE"], files["NOTICE"] = _legal_text("LICENSE"), _legal_text("NOTICE")
    write_bundle(destination, bundle.manifest, files)


def _legal_text(name: str) -> bytes:
    """LICENSE or NOTICE of this project, which name the weights' licence and authors, too."""
    beside = ROOT / name
    if beside.is_file():
        return beside.read_bytes()
    return (distribution("edge-ocr").read_text(f"licenses/{name}") or "").encode()
