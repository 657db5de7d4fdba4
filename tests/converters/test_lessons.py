"""Recipes that learn: what they ask for, and what a bundle says of it."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path

import pytest

from converters import lessons
from converters.cli import main
from converters.errors import ConversionError
from converters.quantization.recipes import ModelRecipe, load_recipe
from tests.conftest import ROOT, skip

LINES = ROOT / "calibration_data" / "lines"


def test_a_recipe_that_learns_asks_for_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["convert", "ppocrv6-tiny", "--precision", "int8-learned", "-o", str(tmp_path / "out")]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "int8-learned learns from pictures without labels" in said
    assert "--unlabelled" in said
    assert not (tmp_path / "out").exists()


def test_without_pytorch_it_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(lessons, "version", missing)
    arguments = ["--precision", "int8-learned", "--unlabelled", str(LINES), "-o", str(tmp_path / "out")]
    assert main(["convert", "ppocrv6-tiny", *arguments]) == 2
    assert "install edge-ocr[convert,learn]" in capsys.readouterr().err


def test_a_folder_without_pictures_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--precision", "int8-learned", "--unlabelled", str(tmp_path), "-o", str(tmp_path / "out")]
    assert main(["convert", "ppocrv6-tiny", *arguments]) == 2
    assert f"{tmp_path} holds no pictures" in capsys.readouterr().err


def test_nothing_is_learned_from_what_is_judged_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged_on = ROOT / "calibration_data" / "evaluation" / "lines"
    arguments = ["--precision", "int8-learned", "--unlabelled", str(judged_on), "-o", str(tmp_path / "out")]
    assert main(["convert", "ppocrv6-tiny", *arguments]) == 2
    assert "is in two data sets" in capsys.readouterr().err


@pytest.mark.parametrize("learning", [[], {}, {"pictures": 5}, {"pictures": 5, "steps": 5, "speed": 1}, True])
def test_a_recipe_that_learns_in_a_way_that_makes_no_sense_is_refused(tmp_path: Path, learning: object) -> None:
    recipe = load_recipe("int8-learned").to_json()
    recipe["models"]["recognizer"]["learning"] = learning
    (tmp_path / "odd.json").write_text(json.dumps(recipe))
    with pytest.raises(ConversionError, match=r"recipe: learning is .*give pictures and steps"):
        load_recipe(str(tmp_path / "odd.json"))


@pytest.mark.parametrize("ratio", ["20", float("nan"), True])
def test_a_signal_to_noise_ratio_is_a_number(ratio: object) -> None:
    with pytest.raises(ConversionError, match="signal_to_noise is"):
        ModelRecipe("static", ("CONV_2D",), samples=1, float_share=0.1, signal_to_noise=ratio)  # type: ignore[arg-type]


def test_no_recipe_of_the_walk_learns() -> None:
    assert load_recipe("int8-learned").learns
    assert load_recipe("int8-learned").caution is None


@pytest.mark.conversion
def test_a_model_learns_and_its_bundle_says_so(tmp_path: Path) -> None:
    if find_spec("torch") is None:
        skip("torch", "PyTorch is not installed, so learning is not tested; install edge-ocr[learn]")
    recipe = load_recipe("int8-learned").to_json()
    recipe["models"]["recognizer"] |= {"samples": 8, "learning": {"pictures": 8, "steps": 2, "batch": 2}}
    (tmp_path / "short.json").write_text(json.dumps({**recipe, "name": "short"}))
    out = tmp_path / "out"
    arguments = [
        "--precision",
        str(tmp_path / "short.json"),
        "--unlabelled",
        str(LINES),
        "--limit",
        "10",
        "-o",
        str(out),
    ]
    assert main(["convert", "ppocrv6-tiny", *arguments, "--max-drop", "100", "--gate", "none"]) == 0
    learning = json.loads((out / "manifest.json").read_text())["provenance"]["learning"]
    assert learning["pictures"]["lines"] == len(list(LINES.glob("*.jpg")))
    assert json.loads((out / "recipe.json").read_text())["models"]["recognizer"]["learning"]["steps"] == 2
