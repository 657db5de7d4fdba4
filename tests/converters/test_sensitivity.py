"""Where quantisation noise enters a model, and which layers stay float for it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.quantization.islands import choose_islands
from converters.quantization.operators import Operator
from converters.quantization.recipes import ModelRecipe
from converters.quantization.sensitivity import Activation, Layer, Noise, Probe, decibels, find_noise
from converters.quantization.static import prepare, quantise, to_int8
from converters.tflite.graph import TFLiteGraph
from converters.tflite.inspection import delegation
from tests.converters.tiny_tflite import TinyModel, run

RECIPE = ModelRecipe("static", ("CONV_2D",), samples=4)
HIDDEN, ANSWERS = 8, 5


def weights(seed: int = 0, *, crowded: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Of two 1x1 convolutions; crowded: one huge weight a channel leaves few steps to the others of the first."""
    random = np.random.default_rng(seed)
    first = random.standard_normal((HIDDEN, 3)).astype(np.float32)
    if crowded:
        first[:, 0] *= 40
    return first, random.standard_normal((ANSWERS, HIDDEN)).astype(np.float32)


def two_layers(first: np.ndarray, second: np.ndarray) -> bytes:
    model = TinyModel(1, 8, 8, 3)
    features = model.conv(model.input, first[:, None, None, :], np.zeros(HIDDEN, np.float32))
    features = model.add("GELU", [features], [1, 8, 8, HIDDEN], schema.GeluOptionsT())
    return model.to_bytes(model.conv(features, second[:, None, None, :], np.zeros(ANSWERS, np.float32)))


def pictures(seed: int = 1) -> list[np.ndarray]:
    """The first colour is nearly nothing, so that large weights on it bring nothing."""
    random = np.random.default_rng(seed)
    return [(random.standard_normal((1, 8, 8, 3)) * (0.02, 1, 1)).astype(np.float32) for _ in range(4)]


def gelu(values: np.ndarray) -> np.ndarray:
    return np.asarray(values * 0.5 * (1 + np.vectorize(math.erf)(values / math.sqrt(2))))


def test_the_noise_of_weights_is_that_of_rounding_them_channel_by_channel() -> None:
    first, second = weights()
    inputs = pictures()
    prepared = prepare(two_layers(first, second), RECIPE, inputs)
    noise = find_noise(prepared, Probe(prepared.content, inputs, None))

    steps = np.abs(first).max(1, keepdims=True) / 127
    wanted = [gelu(x @ first.T) @ second.T for x in inputs]
    found = [gelu(x @ (np.round(first / steps) * steps).T) @ second.T for x in inputs]
    error = sum(np.square(f - w).sum() for f, w in zip(found, wanted, strict=True))
    expected = error / sum(np.square(w).sum() for w in wanted)
    assert noise.layers[0].weight_noise == pytest.approx(expected, rel=0.02)
    assert [layer.multiply_adds for layer in noise.layers] == [64 * HIDDEN * 3, 64 * ANSWERS * HIDDEN]


def test_the_sources_add_up_to_the_noise_of_the_quantised_model() -> None:
    inputs = pictures()
    prepared = prepare(two_layers(*weights()), RECIPE, inputs)
    probe = Probe(prepared.content, inputs, None)
    noise = find_noise(prepared, probe)
    real = decibels(probe.difference(to_int8(prepared, RECIPE, inputs[0])).noise)
    assert decibels(noise.at_output()) == pytest.approx(real, abs=1.5)
    assert noise.at_output(range(2)) == 0


def test_answers_are_the_likeliest_characters_of_frames_and_the_pixels_of_text() -> None:
    first, second = weights()
    content, flipped = two_layers(first, second), two_layers(first, second[::-1])
    wanted = np.concatenate([run(content, x).reshape(-1, ANSWERS) for x in pictures()])
    changed = float(np.mean(wanted.argmax(-1) != wanted[:, ::-1].argmax(-1)))
    assert Probe(content, pictures(), "ctc-logits").difference(flipped).changed == pytest.approx(changed)
    text, other = wanted > math.log(0.3 / 0.7), wanted[:, ::-1] > math.log(0.3 / 0.7)
    share = (text ^ other).sum() / (text | other).sum()
    assert Probe(content, pictures(), "text-logits").difference(flipped).changed == pytest.approx(share)


def test_a_layer_that_int8_harms_stays_float() -> None:
    content = two_layers(*weights(crowded=True))
    recipe = ModelRecipe("static", ("CONV_2D",), samples=4, float_share=0.5)
    kept, whole = quantise(content, recipe, pictures()), quantise(content, RECIPE, pictures())
    graph = TFLiteGraph(kept)
    types = [graph.tensor(operator.inputs[0]).type for operator in graph.operators if graph.kind(operator) == "CONV_2D"]
    assert types == [schema.TensorType.FLOAT32, schema.TensorType.INT8]
    probe = Probe(content, pictures(seed=2), None)
    assert probe.difference(kept).noise < probe.difference(whole).noise / 4
    assert delegation(kept).partitions == 1


def test_no_more_stays_float_once_the_output_is_clean_enough() -> None:
    content = two_layers(*weights())
    recipe = ModelRecipe("static", ("CONV_2D",), samples=4, float_share=1.0, signal_to_noise=10)
    assert quantise(content, recipe, pictures()) == quantise(content, RECIPE, pictures())


def chain(noises: list[float], between: list[float], work: list[int], numbers: int = 0) -> Noise:
    """Layers one after the other: the noise of their weights, that of what they read and write, and what they cost.

    `numbers` are what each passes on, and what a border between float and int8 would convert.
    """
    layers = tuple(
        Layer(place, Operator(f"t{place}", "CONV_2D"), cost, 1, noise, frozenset({place}), place + 1)
        for place, (noise, cost) in enumerate(zip(noises, work, strict=True))
    )
    return Noise(layers, tuple(Activation(place, numbers, noise) for place, noise in enumerate(between)), sum(work))


def test_islands_are_the_layers_with_most_noise_for_their_cost() -> None:
    noise = chain([5, 1, 5, 1], [0] * 5, [100, 100, 900, 100])
    assert choose_islands(noise, share=0.1) == (0,)
    assert choose_islands(noise, share=0.2) == (0, 1)
    assert choose_islands(noise, share=1.0) == (0, 1, 2, 3)


def test_layers_around_a_loud_activation_stay_float_together() -> None:
    noise = chain([0.1] * 4, [0, 0, 8, 0, 0], [100] * 4)
    assert choose_islands(noise, share=0.5) == (1, 2)


def test_an_island_less_is_worth_some_multiply_adds() -> None:
    noises, between, work = [2, 1, 2, 1.5, 1.5, 0.1], [0] * 7, [100] * 6
    assert choose_islands(chain(noises, between, work), share=0.5) == (0, 2, 3)
    assert choose_islands(chain(noises, between, work, numbers=2), share=0.7) == (0, 1, 2)


def test_nothing_is_chosen_beyond_the_wanted_ratio_or_where_nothing_is_gained() -> None:
    noise = chain([0.09, 0.009, 0.0009], [0] * 4, [100] * 3)
    assert choose_islands(noise, share=1.0, enough=20) == (0,)
    assert choose_islands(noise, share=1.0, enough=5) == ()
    assert choose_islands(chain([0, 0], [0] * 3, [100] * 2), share=1.0) == ()
