"""The rewrites on the published models: the same numbers as the original's under onnxruntime."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import onnx
import pytest

from converters.errors import SourceError
from converters.evaluation.equivalence import LARGEST_DIFFERENCE
from converters.graph import Rewritten, rewrite
from converters.graph.operators import assert_convertible
from converters.sources import fetch
from converters.zoo import Model, load_zoo
from tests.conftest import skip
from tests.converters.conftest import SYSTEM
from tests.converters.graph.tiny_onnx import largest_difference, operators, run

WIDTHS = {"direction": (192,), "recognizer": (320, 128, 1000)}
# Largest differences measured: 2.6e-5, 3e-7 and 6.7e-5. They are rounding: a wrong rule is off by far more.
TOLERANCE = {"detector": 1e-4, "direction": 1e-6, "recognizer": 1e-4}
ZOO = load_zoo()
DEFAULT = sorted(model.name for model in ZOO.system(SYSTEM).models)
OTHERS = sorted(
    name for name, model in ZOO.models.items() if "onnx" in model.files and not model.untried and name not in DEFAULT
)
MODELS = [*DEFAULT, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]


@cache
def source_and_rewritten(name: str) -> tuple[Model, onnx.ModelProto, Rewritten]:
    """A model of the zoo, its published file, and that rewritten; skips where the file cannot be had."""
    model = ZOO.model(name)
    try:
        source = onnx.load(fetch(model.files["onnx"]))
    except SourceError as error:
        skip("network", str(error))
    return model, source, rewrite(source, input_shape=model.input_shape)


def sizes(model: Model) -> tuple[tuple[int, int], ...]:
    """Heights and widths of the pictures that a model is shown."""
    if model.kind == "detector":
        return (320, 480), (640, 640), (96, 1248)
    return tuple((model.input_shape[2], width) for width in WIDTHS[model.kind])


def page(height: int, width: int) -> np.ndarray:
    """Lines of dark text on uneven, noisy paper: height x width x 3, uint8 BGR."""
    paper = np.linspace(150, 235, width)[None, :, None] + np.zeros((height, 1, 3))
    picture = np.clip(paper + np.random.default_rng(0).normal(0, 6, paper.shape), 0, 255).astype(np.uint8)
    letters = min(1.2, height / 40)
    for line, bottom in enumerate(range(int(32 * letters), height, 40)):
        text = f"Line {line}: 24 Nov, 3.50 EUR, total 17"
        cv2.putText(picture, text, (8, bottom), cv2.FONT_HERSHEY_SIMPLEX, letters, (40, 30, 60), 2, cv2.LINE_AA)
    return picture


def tensor(model: Model, picture: np.ndarray) -> np.ndarray:
    """A picture as the model sees it: (1, 3, height, width), float32."""
    entry = model.spec["input"]
    normalised = (picture * entry["scale"] - entry["mean"]) / entry["std"]
    return normalised.transpose(2, 0, 1)[None].astype(np.float32)


@pytest.mark.parametrize("name", MODELS)
def test_a_rewritten_model_computes_what_the_original_does(name: str) -> None:
    model, source, rewritten = source_and_rewritten(name)
    tolerance = TOLERANCE[model.kind] if name in DEFAULT else LARGEST_DIFFERENCE
    noise = np.random.default_rng(1).integers(0, 256, (*sizes(model)[0], 3), np.uint8)
    # Of the others, some store shapes for the size that they were rewritten for, until they are made resizable.
    shown = sizes(model) if name in DEFAULT else [model.input_shape[2:]]
    for picture in (noise, *(page(height, width) for height, width in shown)):
        assert largest_difference(source, rewritten, tensor(model, picture)) < tolerance


def test_the_page_has_text_that_a_detector_finds() -> None:
    model, source, _ = source_and_rewritten("ppocrv6-tiny-det")
    assert 0.05 < (run(source, tensor(model, page(320, 480))) > 0.5).mean() < 0.9


@pytest.mark.parametrize("name", MODELS)
def test_nothing_stays_that_tflite_would_run_in_pieces(name: str) -> None:
    assert_convertible(source_and_rewritten(name)[2].model)


def test_a_recognizer_without_attention_is_convolutions_from_end_to_end() -> None:
    *_, rewritten = source_and_rewritten("ppocrv6-tiny-rec")
    assert not set(operators(rewritten)) & {"Squeeze", "Unsqueeze", "Transpose", "MatMul", "Softmax", "Div"}


@pytest.mark.parametrize("name", MODELS)
def test_the_output_is_what_the_zoo_says(name: str) -> None:
    model, _, rewritten = source_and_rewritten(name)
    assert rewritten.meaning == model.spec["output"]["meaning"]
    if model.kind == "detector":
        assert rewritten.border == 4 * rewritten.applied["pyramid-convolution"]
        assert rewritten.block == 4
    else:
        assert (rewritten.border, rewritten.block) == (0, 1)
