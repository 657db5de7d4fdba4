"""`ppocr-convert analyse`: the figures, the table, the picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from converters import cli
from converters.analysis.figures import ModelFigures, analyse
from converters.analysis.picture import as_svg
from converters.analysis.table import tables
from converters.quantization.recipes import ModelRecipe
from tests.converters.conftest import SYSTEM
from tests.converters.test_sensitivity import pictures, two_layers, weights

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def figures() -> ModelFigures:
    recipe = ModelRecipe("static", ("CONV_2D",), samples=4, float_share=0.5)
    return analyse("recognizer", two_layers(*weights(crowded=True)), recipe, pictures(), "ctc-logits")


def test_figures_tell_which_layer_is_loud_and_what_float_gains(figures: ModelFigures) -> None:
    loud, quiet = figures.layers
    assert loud.stays_float and not quiet.stays_float
    assert loud.noise > quiet.noise and loud.alone < quiet.alone
    assert sum(layer.noise for layer in figures.layers) == pytest.approx(1)
    assert sum(layer.multiply_adds for layer in figures.layers) == pytest.approx(1)
    assert figures.recipe.signal_to_noise > figures.whole.signal_to_noise + 6
    assert figures.recipe.float_multiply_adds == pytest.approx(3 / 8)
    assert loud.recipe > 60 > loud.whole


def test_figures_are_plain_json(figures: ModelFigures) -> None:
    plain = json.loads(json.dumps(figures.to_json(), allow_nan=False))
    assert plain["kind"] == "recognizer" and [layer["place"] for layer in plain["layers"]] == [0, 2]


def test_the_table_begins_with_the_loudest_and_says_what_it_leaves_out(figures: ModelFigures) -> None:
    states, layers = tables(figures, most=1)
    assert [row[0] for row in states.rows] == ["all in int8", "by the recipe"]
    assert len(layers.rows) == 1 and layers.rows[0][0] == "0" and layers.rows[0][-1] == "float"
    assert "without 1 quieter" in layers.title
    assert "without" not in list(tables(figures, most=None))[1].title


def test_the_picture_shades_what_stays_float_and_escapes_names(figures: ModelFigures) -> None:
    picture = ElementTree.fromstring(as_svg("<mine> & more", [figures]))
    assert picture.find(f"{SVG}title").text == "<mine> & more"  # type: ignore[union-attr]
    rectangles = list(picture.iter(f"{SVG}rect"))
    assert [rectangle.get("class") for rectangle in rectangles].count("island") == 1
    assert [rectangle.get("class") for rectangle in rectangles].count("column") == len(figures.layers)
    assert "http" not in as_svg("", [figures]).decode().replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--kind", "direction"], "makes the direction weights, without int8 activations"),
        (["--precision", "float"], "makes no model static int8"),
        (["--picture", "noise.png"], "ends in .svg"),
        (["--picture", "nowhere/noise.svg"], "there is no folder"),
        (["--calibration", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_analysed_is_refused_before_any_work(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["analyse", SYSTEM, *arguments]) == 2
    error = capsys.readouterr().err
    assert complaint in error and len(error.splitlines()) == 1


@pytest.mark.conversion
@pytest.mark.slow
def test_the_default_recognizer_is_noisy_at_its_beginning(
    tmp_path: Path, few_pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--kind", "recognizer", "--calibration", str(few_pictures)]
    written = ["--json", str(tmp_path / "noise.json"), "--picture", str(tmp_path / "noise.svg")]
    assert cli.main(["analyse", SYSTEM, *arguments, *written]) == 0
    assert "where the noise enters" in capsys.readouterr().out
    model = json.loads((tmp_path / "noise.json").read_text())["models"][0]
    entering = [layer["weight_noise"] + layer["activation_noise"] for layer in model["layers"]]
    assert sum(entering[: len(entering) // 3]) > 0.5
    assert model["recipe"]["signal_to_noise"] > model["whole"]["signal_to_noise"] + 3
    assert len(ElementTree.parse(tmp_path / "noise.svg").getroot()) > 1
