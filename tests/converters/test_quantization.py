"""From a float TFLite file to an int8 one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.errors import ConversionError
from converters.quantization.equalisation import equalise
from converters.quantization.headroom import magnitudes
from converters.quantization.ranges import choose_ranges, observe
from converters.quantization.recipes import ModelRecipe, available_recipes, load_recipe
from converters.quantization.static import quantise
from converters.tflite.compact import compact
from converters.tflite.graph import TFLiteGraph
from converters.tflite.inspection import delegation, operators_by_type
from converters.tflite.integer_boundary import input_type, take_and_give_integers
from converters.tflite.resizable import make_resizable
from edge_ocr.engines import open_engine
from edge_ocr.engines.tflite_file import check_model
from tests.converters.tiny_tflite import ACTIVATION, TinyModel, run

STATIC = ModelRecipe("static", ("CONV_2D", "ADD"), samples=4)


def quiet() -> None:
    """No progress."""


def two_convolutions(seed: int = 0, uneven: float = 1.0) -> bytes:
    """conv -> ReLU -> conv -> GELU -> conv; the first one's channels differ by up to `uneven` in magnitude."""
    random = np.random.default_rng(seed)
    magnitudes = np.geomspace(1, uneven, 8).astype(np.float32)
    model = TinyModel(1, 16, 16, 3)
    first = random.standard_normal((8, 3, 3, 3)).astype(np.float32) / magnitudes[:, None, None, None]
    second = random.standard_normal((8, 1, 1, 8)).astype(np.float32) * magnitudes
    features = model.conv(model.input, first, np.zeros(8, np.float32), ACTIVATION.RELU)
    features = model.conv(features, second, random.standard_normal(8).astype(np.float32))
    features = model.add("GELU", [features], [1, 16, 16, 8], schema.GeluOptionsT())
    last = random.standard_normal((4, 1, 1, 8)).astype(np.float32)
    return model.to_bytes(model.conv(features, last, np.zeros(4, np.float32)))


def with_attention(deviation: float = 1.0) -> bytes:
    """conv -> layer normalisation -> attention -> conv, for lines of any width; its steps differ by `deviation`."""
    random = np.random.default_rng(4)
    model = TinyModel(1, 1, 16, 3)
    kernel = deviation * random.standard_normal((8, 1, 1, 3)).astype(np.float32)
    features = model.conv(model.input, kernel, np.zeros(8, np.float32))
    steps = model.add("RESHAPE", [features, model.constant([1, 16, 8], np.int32)], [1, 16, 8])
    centred = model.add("SUB", [steps, model.mean(steps, [2])], [1, 16, 8], schema.SubOptionsT())
    squares = model.add("MUL", [centred, centred], [1, 16, 8], schema.MulOptionsT())
    variance = model.add("ADD", [model.mean(squares, [2]), model.constant([1e-6])], [1, 16, 1], schema.AddOptionsT())
    spread = model.add("SQRT", [variance], [1, 16, 1])
    normal = model.add("DIV", [centred, spread], [1, 16, 8], schema.DivOptionsT())
    turned = model.add("TRANSPOSE", [normal, model.constant([0, 2, 1], np.int32)], [1, 8, 16])
    scores = model.add("BATCH_MATMUL", [normal, turned], [1, 16, 16], schema.BatchMatMulOptionsT())
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    shares = model.add("SOFTMAX", [scores], [1, 16, 16], options)
    attended = model.add("BATCH_MATMUL", [shares, normal], [1, 16, 8], schema.BatchMatMulOptionsT())
    total = model.add("ADD", [steps, attended], [1, 16, 8], schema.AddOptionsT())
    features = model.add("RESHAPE", [total, model.constant([1, 1, 16, 8], np.int32)], [1, 1, 16, 8])
    last = random.standard_normal((4, 1, 1, 8)).astype(np.float32)
    return make_resizable(model.to_bytes(model.conv(features, last, np.zeros(4, np.float32))), (2,))


def lines(widths: tuple[int, ...] = (16, 24, 9, 40)) -> list[np.ndarray]:
    random = np.random.default_rng(8)
    return [random.standard_normal((1, 1, width, 3)).astype(np.float32) for width in widths]


def inputs(count: int = 4, seed: int = 1) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.standard_normal((1, 16, 16, 3)).astype(np.float32) for _ in range(count)]


def relative_error(content: bytes, reference: bytes) -> float:
    errors = [np.square(run(content, x) - run(reference, x)).mean() for x in inputs(seed=2)]
    signal = [np.square(run(reference, x)).mean() for x in inputs(seed=2)]
    return float(np.sqrt(np.mean(errors) / np.mean(signal)))


def test_static_int8_is_close_to_float_and_really_int8() -> None:
    content = two_convolutions()
    quantised = quantise(content, STATIC, inputs())
    assert 0 < relative_error(quantised, content) < 0.05
    graph = TFLiteGraph(quantised)
    convolutions = [operator for operator in graph.operators if graph.kind(operator) == "CONV_2D"]
    assert {graph.tensor(operator.inputs[0]).type for operator in convolutions} == {schema.TensorType.INT8}


def test_float_recipe_changes_nothing() -> None:
    content = two_convolutions()
    assert quantise(content, load_recipe("float").models["recognizer"], []) == content


def test_weights_recipe_needs_no_pictures_and_keeps_float_arithmetic() -> None:
    content = two_convolutions()
    quantised = quantise(content, ModelRecipe("weights", ("CONV_2D",)), [])
    assert 0 < relative_error(quantised, content) < 0.02


def test_weights_of_the_first_convolutions_stay_in_half_precision() -> None:
    content = two_convolutions(uneven=2000)
    recipe = ModelRecipe("weights", ("CONV_2D",), float_convolutions=1)
    graph = TFLiteGraph(quantise(content, recipe, []))
    makers = graph.producers()
    stored = [
        graph.tensor(makers[operator.inputs[1]].inputs[0]).type
        for operator in graph.operators
        if graph.kind(operator) == "CONV_2D"
    ]
    assert stored == [schema.TensorType.FLOAT16, schema.TensorType.INT8, schema.TensorType.INT8]


def test_attention_and_layer_normalisation_stay_float_between_int8_convolutions() -> None:
    content = with_attention()
    recipe = ModelRecipe("static", ("CONV_2D", "ADD", "MUL", "MEAN"), samples=4, equalisation=0.5)
    quantised = quantise(content, recipe, lines())
    assert operators_by_type(quantised) == {"int8": 2, "float32": len(TFLiteGraph(content).operators) - 2}
    for line in lines((16, 30)):
        wanted = run(content, line)
        assert np.abs(run(quantised, line) - wanted).max() < 0.05 * np.abs(wanted).max()


def test_a_term_far_below_the_sums_steps_stays_float_so_that_xnnpack_runs_the_model_whole() -> None:
    random = np.random.default_rng(9)
    model = TinyModel(1, 16, 16, 3)
    kernel = random.standard_normal((4, 1, 1, 3)).astype(np.float32)
    features = model.conv(model.input, kernel, np.zeros(4, np.float32))
    features = model.add("ADD", [features, model.constant([1e-4])], [1, 16, 16, 4], schema.AddOptionsT())
    last = random.standard_normal((4, 1, 1, 4)).astype(np.float32)
    quantised = quantise(model.to_bytes(model.conv(features, last, np.zeros(4, np.float32))), STATIC, inputs())
    assert delegation(quantised).partitions == 1
    assert operators_by_type(quantised) == {"int8": 2, "float32": 1}


def test_equalisation_leaves_what_averages_over_channels_as_it_is() -> None:
    content = with_attention()
    equalised = equalise(content, observe(content, lines(), quiet), 1.0)
    for line in lines((16, 30)):
        np.testing.assert_allclose(run(equalised, line), run(content, line), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("content", "fit"),
    [
        pytest.param(with_attention(), True, id="usual numbers"),
        pytest.param(with_attention(deviation=1e5), False, id="large numbers"),
        pytest.param(with_attention(deviation=1e-3), False, id="variances near zero"),
    ],
)
def test_half_precision_needs_room_for_the_numbers(content: bytes, fit: bool) -> None:
    assert magnitudes(content, lines()).fit_half_precision is fit


def test_the_first_convolutions_stay_float() -> None:
    graph = TFLiteGraph(
        quantise(two_convolutions(), ModelRecipe("static", ("CONV_2D",), samples=4, float_convolutions=2), inputs())
    )
    types = [graph.tensor(operator.inputs[0]).type for operator in graph.operators if graph.kind(operator) == "CONV_2D"]
    assert types == [schema.TensorType.FLOAT32, schema.TensorType.FLOAT32, schema.TensorType.INT8]


def test_a_move_between_int8_layers_stays_in_int8(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    model = TinyModel(1, 16, 16, 3)
    features = model.conv(model.input, random.standard_normal((8, 1, 1, 3)).astype(np.float32), np.zeros(8, np.float32))
    options = schema.DepthToSpaceOptionsT()
    options.blockSize = 2
    features = model.add("DEPTH_TO_SPACE", [features], [1, 32, 32, 2], options)
    last = random.standard_normal((4, 3, 3, 2)).astype(np.float32)
    content = model.to_bytes(model.conv(features, last, np.zeros(4, np.float32)))
    moved = quantise(content, STATIC, inputs())
    monkeypatch.setattr("converters.quantization.static.move_integers", lambda quantised: quantised)
    unmoved = quantise(content, STATIC, inputs())

    def moves_and_conversions(quantised: bytes) -> tuple[set[int], int]:
        graph = TFLiteGraph(quantised)
        moves = [operator for operator in graph.operators if graph.kind(operator) == "DEPTH_TO_SPACE"]
        return {graph.tensor(move.inputs[0]).type for move in moves}, len(graph.operators)

    assert moves_and_conversions(moved) == ({schema.TensorType.INT8}, moves_and_conversions(unmoved)[1] - 2)
    for values in inputs(seed=6):
        np.testing.assert_array_equal(run(moved, values), run(unmoved, values))


def test_same_inputs_same_bytes() -> None:
    recipe = ModelRecipe("static", ("CONV_2D",), ranges="least-error", samples=4, equalisation=0.5)
    assert quantise(two_convolutions(), recipe, inputs()) == quantise(two_convolutions(), recipe, inputs())


def test_equalisation_is_exact_and_helps_uneven_channels() -> None:
    content = two_convolutions(uneven=200)
    equalised = equalise(content, observe(content, inputs(), quiet), 1.0)
    np.testing.assert_allclose(run(equalised, inputs()[0]), run(content, inputs()[0]), rtol=1e-3, atol=1e-3)
    plain = relative_error(quantise(content, STATIC, inputs()), content)
    evened = relative_error(quantise(equalised, STATIC, inputs()), content)
    assert evened < plain / 2


def test_layers_that_training_has_switched_off_become_int8_that_can_be_run() -> None:
    model = TinyModel(1, 16, 16, 3)
    nothing = np.zeros((4, 1, 1, 3), np.float32), np.zeros(4, np.float32)
    off = model.conv(model.conv(model.input, *nothing, ACTIVATION.RELU), np.zeros((4, 1, 1, 4), np.float32), nothing[1])
    ones = np.ones((4, 1, 1, 4), np.float32), np.ones(4, np.float32)
    quantised = quantise(model.to_bytes(model.conv(off, *ones)), STATIC, inputs())
    check_model(compact(quantised))
    np.testing.assert_allclose(run(quantised, inputs()[0]), 1, atol=0.01)


def test_ranges_before_a_gelu_give_up_what_it_flattens() -> None:
    model = TinyModel(1, 16, 16, 3)
    random = np.random.default_rng(3)
    features = model.conv(
        model.input, 8 * random.standard_normal((8, 1, 1, 3)).astype(np.float32), np.zeros(8, np.float32)
    )
    features = model.add("GELU", [features], [1, 16, 16, 8], schema.GeluOptionsT())
    content = model.to_bytes(model.conv(features, np.ones((2, 1, 1, 8), np.float32), np.zeros(2, np.float32)))
    seen = observe(content, inputs(), quiet)
    graph = TFLiteGraph(content)
    before_gelu = graph.tensor_name(next(o.inputs[0] for o in graph.operators if graph.kind(o) == "GELU"))
    extremes = choose_ranges(content, seen, "extremes")[before_gelu]
    chosen = choose_ranges(content, seen, "least-error")[before_gelu]
    assert extremes.low < -20
    assert -6 < chosen.low < -1
    assert chosen.high > 0.7 * extremes.high


def test_logits_that_become_probabilities_one_by_one_give_up_what_a_sigmoid_flattens() -> None:
    model = TinyModel(1, 16, 16, 3)
    kernel = 12 * np.random.default_rng(3).standard_normal((1, 1, 1, 3)).astype(np.float32)
    content = model.to_bytes(model.conv(model.input, kernel, np.zeros(1, np.float32)))
    seen = observe(content, inputs(), quiet)
    graph = TFLiteGraph(content)
    output = graph.tensor_name(int(graph.subgraph.outputs[0]))
    extremes = choose_ranges(content, seen, "least-error")[output]
    chosen = choose_ranges(content, seen, "least-error", "text-logits")[output]
    assert extremes == choose_ranges(content, seen, "extremes", "text-logits")[output]
    assert extremes.low < -30 and extremes.high > 30
    assert 0.6 * extremes.low < chosen.low < -2 and 2 < chosen.high < 0.6 * extremes.high


def test_the_output_is_never_clipped() -> None:
    content = two_convolutions()
    seen = observe(content, inputs(), quiet)
    graph = TFLiteGraph(content)
    output = graph.tensor_name(int(graph.subgraph.outputs[0]))
    assert choose_ranges(content, seen, "least-error")[output] == choose_ranges(content, seen, "extremes")[output]


def test_no_pictures_is_an_error() -> None:
    with pytest.raises(ConversionError, match="at least one picture"):
        quantise(two_convolutions(), STATIC, [])


def test_weights_that_are_not_finite_are_refused() -> None:
    model = TinyModel(1, 16, 16, 3)
    content = model.to_bytes(
        model.conv(model.input, np.full((2, 1, 1, 3), np.nan, np.float32), np.zeros(2, np.float32))
    )
    with pytest.raises(ConversionError, match="not finite"):
        quantise(content, STATIC, inputs())


def test_recipes_that_come_with_the_package_load() -> None:
    assert {"float", "int8", "int8-weights"} <= set(available_recipes())
    for name in available_recipes():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert set(recipe.models) == {"detector", "direction", "recognizer"}


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"mode": "int7", "operators": ["CONV_2D"]}, "int7"),
        ({"mode": "static", "operators": []}, "operators"),
        ({"mode": "static", "operators": ["CONV_2D"], "samples": 0}, "samples"),
        ({"mode": "static", "operators": ["CONV_2D"], "samples": 4, "equalisation": 2}, "equalisation"),
        ({"mode": "static", "operators": ["CONV_2D"], "samples": 4, "ranges": "guess"}, "guess"),
        ({"mode": "float", "colour": "red"}, "colour"),
        ({"mode": "weights", "operators": ["CONV_2D"], "samples": 4}, "leave samples out"),
        ({"mode": "weights", "operators": ["CONV_2D"], "rounding": "up"}, "'up' is not one of nearest, reconstructed"),
        ({"mode": "weights", "operators": ["CONV_2D"], "rounding": "reconstructed"}, "rounding needs samples >= 1"),
        ({"mode": "weights", "operators": ["CONV_2D"], "equalisation": 0.5}, "leave equalisation out"),
        ({"mode": "float", "rounding": "reconstructed"}, "leave rounding out"),
        ({"mode": "static", "operators": ["FOO"], "samples": 4}, "FOO"),
        ({"mode": "static", "operators": ["CONV_2D"], "samples": 4, "float_convolutions": -1}, "float_convolutions"),
        ({"mode": "static", "operators": ["CONV_2D"], "samples": 4, "float_share": 1.5}, "between 0 and 1"),
        ({"mode": "weights", "operators": ["CONV_2D"], "float_share": 0.1}, "leave float_share out"),
        ({"mode": "static", "operators": ["CONV_2D"], "samples": 4, "signal_to_noise": 20}, "needs a float_share"),
        ({"mode": "float"}, "give detector, direction, recognizer"),
    ],
)
def test_a_wrong_recipe_is_refused(tmp_path: Path, entry: dict[str, object], complaint: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"name": "mine", "summary": "", "models": {"detector": entry}}))
    with pytest.raises(ConversionError, match=complaint):
        load_recipe(str(path))


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(ConversionError, match="int8-weights"):
        load_recipe("int9")


def test_a_quantised_model_that_takes_and_gives_integers_computes_the_same() -> None:
    quantised = quantise(two_convolutions(), STATIC, inputs())
    integers = take_and_give_integers(quantised)
    assert (input_type(quantised), input_type(integers)) == ("float32", "int8")
    network = open_engine("ai-edge-litert").load(integers, name="integers")
    for values in inputs(seed=6):

        def fill(tensor: np.ndarray, values: np.ndarray = values) -> None:
            tensor[...] = network.input.encode(values)

        result = network.run(values.shape, fill, lambda view: network.output.decode(view))
        np.testing.assert_allclose(result, run(quantised, values), atol=1e-6 * network.output.scale)


def test_a_float_model_keeps_its_boundary() -> None:
    content = two_convolutions()
    assert take_and_give_integers(content) == content


@pytest.mark.parametrize("caution", [-1, 1.5, True, "first"])
def test_a_place_on_the_walk_is_a_whole_number(tmp_path: Path, caution: object) -> None:
    recipe = load_recipe("float").to_json() | {"caution": caution}
    (tmp_path / "mine.json").write_text(json.dumps(recipe))
    with pytest.raises(ConversionError, match="caution"):
        load_recipe(str(tmp_path / "mine.json"))


def test_a_recipe_of_the_users_needs_no_place_on_the_walk(tmp_path: Path) -> None:
    recipe = load_recipe("float").to_json()
    del recipe["caution"]
    (tmp_path / "mine.json").write_text(json.dumps(recipe))
    assert load_recipe(str(tmp_path / "mine.json")).caution is None
