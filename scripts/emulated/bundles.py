"""The same models in several forms, as folders that an emulated program can read; all kept in the cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from converters.assembly import ModelFile, assemble
from converters.calibration import default_pictures, record_inputs
from converters.conversion import Sources, convert, float_bundle
from converters.progress import Progress
from converters.quantization.recipes import load_recipe
from converters.quantization.static import quantise
from converters.tflite.compact import compact
from converters.tflite.inspection import operator_versions
from converters.tflite.integer_boundary import input_type, take_and_give_integers
from edge_ocr.bundle import Bundle
from edge_ocr.bundle_writing import write_bundle
from edge_ocr.cache import run_stage


def folder_of(bundle: Bundle) -> Path:
    """Folder of a bundle, wherever it came from; the same for the same models, and another one for others."""
    manifest = bundle.manifest
    contents = {spec.file: bundle.model_bytes(kind) for kind, spec in manifest.models.by_kind().items()}
    contents[manifest.charset.file] = "".join(f"{entry}\n" for entry in bundle.charset).encode()
    folder = run_stage("bundles", bundle.digest, lambda made: write_bundle(made / bundle.name, manifest, contents))
    return folder / bundle.name


def recipe_bundle(sources: Sources, name: str, progress: Progress) -> Path:
    """Folder of the models by a recipe of the converter's, calibrated on this project's pictures.

    Raises:
        ConversionError: there is no such recipe, or the models cannot be converted.
    """
    recipe = load_recipe(name)
    return folder_of(convert(sources, recipe, default_pictures(), progress))


INTEGERS = "integers"
"""Precision of a bundle that computes in nothing but integers."""

_EVERYTHING = ("GELU", "HARD_SWISH", "AVERAGE_POOL_2D", "RESHAPE", "SOFTMAX")
"""What the recipe `int8-whole` leaves in float because XNNPACK has no int8 kernel for it; LiteRT itself has."""
_SAMPLES = 16
"""Inputs to calibrate on: enough to tell whether CPUs agree, if not for good models."""


def integers_bundle(sources: Sources, progress: Progress) -> Path:
    """Folder of the models with every operator in int8, which the converter itself would refuse as too slow.

    It proves that integers give the same everywhere, and is good for nothing else.

    Raises:
        ConversionError: they cannot be converted.
    """
    recipe = load_recipe("int8-whole")
    floats = float_bundle(sources, progress)
    inputs = record_inputs(floats, default_pictures(), dict.fromkeys(recipe.models, _SAMPLES), progress)
    described = floats.manifest.to_json()["models"]
    models = {}
    for kind, entry in recipe.models.items():
        entry = replace(entry, operators=(*entry.operators, *_EVERYTHING), samples=_SAMPLES, half_precision=False)
        output = described[kind]["output"]
        content = quantise(floats.model_bytes(kind), entry, inputs[kind], meaning=output["meaning"])
        content = compact(take_and_give_integers(content))
        models[kind] = ModelFile(content, {"dtype": input_type(content)}, output, operator_versions(content))
    return folder_of(
        assemble(sources.system, models, sources.charset, model_format="tflite", precision=INTEGERS, provenance={})
    )
