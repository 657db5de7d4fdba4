"""Learning to read through int8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from converters.errors import ConversionError
from converters.learning.training import distil
from converters.learning.variation import varied
from converters.quantization.learning import LearningSettings, Lesson
from converters.quantization.operators import Prepared
from converters.quantization.recipes import ModelRecipe
from converters.quantization.static import quantise
from tests.converters.tiny_tflite import TinyModel, run

FloatArray = npt.NDArray[np.float32]
RECIPE = ModelRecipe("static", ("CONV_2D",), samples=8)
SETTINGS = LearningSettings(pictures=24, steps=220, batch=8, weight_rate=2e-3, range_rate=2e-3)


class Stopped(Exception):
    """The run was killed."""


@pytest.fixture(scope="module")
def start() -> Prepared:
    """A reader of five characters, its channels so uneven that int8 hurts."""
    random = np.random.default_rng(3)
    model = TinyModel(1, 1, 16, 3)
    uneven = np.geomspace(1, 300, 8).astype(np.float32)
    first = random.standard_normal((8, 1, 1, 3)).astype(np.float32) / uneven[:, None, None, None]
    features = model.conv(model.input, first, np.zeros(8, np.float32))
    second = random.standard_normal((5, 1, 1, 8)).astype(np.float32) * uneven
    content = model.to_bytes(model.conv(features, second, np.zeros(5, np.float32)))
    seen: list[Prepared] = []

    def look(prepared: Prepared) -> Prepared:
        seen.append(prepared)
        return prepared

    quantise(content, RECIPE, pictures(8, seed=1), learn=look)
    return seen[0]


def pictures(count: int, seed: int) -> list[FloatArray]:
    random = np.random.default_rng(seed)
    return [random.uniform(-1, 1, (1, 1, 16, 3)).astype(np.float32) for _ in range(count)]


def lesson(folder: Path, settings: LearningSettings = SETTINGS, meaning: str = "ctc-logits", stop: int = 0) -> Lesson:
    steps = iter(range(1, 10**6))

    def progress() -> None:
        if next(steps) == stop:
            raise Stopped

    return Lesson(settings, pictures(24, seed=5), meaning, folder / "state.pt", progress)


def written(start: Prepared, taught: Prepared) -> bytes:
    """The int8 file that what was learned gives."""
    assert taught.operators == start.operators
    return quantise(start.content, RECIPE, pictures(8, seed=1), learn=lambda _start: taught)


def probabilities(content: bytes, picture: FloatArray) -> FloatArray:
    logits = run(content, picture)
    shares: FloatArray = np.exp(logits - logits.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def error(found: bytes, start: Prepared) -> float:
    """How far an int8 file is from the float one on inputs that nothing was learned from."""
    return float(
        np.mean(
            [np.abs(probabilities(found, each) - probabilities(start.content, each)) for each in pictures(16, seed=9)]
        )
    )


def test_what_has_learned_is_closer_to_float(start: Prepared, tmp_path: Path) -> None:
    before, taught = error(written(start, start), start), distil(start, lesson(tmp_path), lambda _note: None)
    assert error(written(start, taught), start) < 0.6 * before


def test_a_stopped_run_goes_on_to_the_same_result(start: Prepared, tmp_path: Path) -> None:
    notes: list[str] = []
    whole = distil(start, lesson(tmp_path / "whole"), notes.append)
    with pytest.raises(Stopped):
        distil(start, lesson(tmp_path / "stopped", stop=130), notes.append)
    again = distil(start, lesson(tmp_path / "stopped"), notes.append)
    assert "learning goes on after step 100" in notes
    assert again.content == whole.content
    assert again.ranges == whole.ranges


@pytest.mark.parametrize("content", [b"", b"no state at all", b"PK\x03\x04 a broken archive"])
def test_a_state_that_cannot_be_read_is_not_gone_on_from(start: Prepared, tmp_path: Path, content: bytes) -> None:
    short = LearningSettings(pictures=24, steps=10, batch=8)
    whole = distil(start, lesson(tmp_path / "whole", short), lambda _note: None)
    torn = lesson(tmp_path, short)
    torn.state.write_bytes(content)
    notes: list[str] = []
    assert distil(start, torn, notes.append).content == whole.content
    assert "learning starts anew" in notes[0]


def test_a_model_that_would_be_computed_otherwise_is_refused(tmp_path: Path) -> None:
    model = TinyModel(1, 1, 16, 3)
    kernel = np.random.default_rng(0).standard_normal((5, 1, 3, 3)).astype(np.float32)
    output = model.conv(model.input, kernel, np.zeros(5, np.float32))
    model.graph.operators[-1].builtinOptions.dilationWFactor = 2
    dilated = Prepared(model.to_bytes(output), {}, ())
    with pytest.raises(ConversionError, match="computes this model otherwise than TFLite"):
        distil(dilated, lesson(tmp_path), lambda _note: None)


def test_another_seed_learns_otherwise(start: Prepared, tmp_path: Path) -> None:
    results = {
        distil(start, lesson(tmp_path / str(seed), settings), lambda _note: None).content
        for seed in (0, 1)
        for settings in [LearningSettings(pictures=24, steps=20, batch=8, seed=seed)]
    }
    assert len(results) == 2


def test_an_output_without_a_measure_is_refused(start: Prepared, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="no measure for an output that means 'class-probability'"):
        distil(start, lesson(tmp_path, meaning="class-probability"), lambda _note: None)


def test_what_diverges_is_refused(start: Prepared, tmp_path: Path) -> None:
    inputs = [*pictures(1, seed=5), *[np.full((1, 1, 16, 3), np.nan, np.float32)] * 7]
    wild = Lesson(SETTINGS, inputs, "ctc-logits", tmp_path / "s", lambda: None)
    with pytest.raises(ConversionError, match="learning diverged in step 0"):
        distil(start, wild, lambda _note: None)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"pictures": 0, "steps": 5}, "pictures is 0"),
        ({"pictures": 5, "steps": 1.5}, "steps is 1.5"),
        ({"pictures": 5, "steps": 5, "weight_rate": 2}, "weight_rate is 2"),
        ({"pictures": 5, "steps": 5, "seed": -1}, "seed is -1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float], reason: str) -> None:
    with pytest.raises(ConversionError, match=reason):
        LearningSettings(**settings)  # type: ignore[arg-type]


def test_half_of_a_batch_is_seen_in_another_light_and_padding_stays() -> None:
    random = np.random.default_rng(0)
    batch = random.uniform(-1, 1, (200, 4, 12, 3)).astype(np.float32)
    batch[:, :, 9:] = 0
    result = varied(batch, np.random.default_rng(1))
    changed = (result != batch).any(axis=(1, 2, 3)).mean()
    assert 0.4 < changed < 0.6
    assert not result[:, :, 9:].any()
    assert np.abs(result).max() <= np.abs(batch).max()
