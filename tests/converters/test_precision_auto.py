"""`ppocr-convert convert --precision auto`: the walk from the fastest recipe to the safest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from converters.cli import main
from converters.evaluation.datasets import Dataset, find_dataset
from converters.quantization.recipes import Recipe, recipes_from_fastest_to_safest
from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE
from tests.converters.conftest import SYSTEM, Damage, noisy_recognizer

SAFEST = 99


@pytest.fixture
def passing_from(
    monkeypatch: pytest.MonkeyPatch,
    reference: Bundle,
    few_labelled: tuple[Path, Path],
    damaged: Callable[[Damage], Path],
) -> Callable[[int], None]:
    """In place of conversions: recipes below a caution give a bundle that reads badly, the others the default one."""
    bad, good = Bundle.open(damaged(noisy_recognizer)), Bundle.open(DEFAULT_BUNDLE)

    def evaluation_datasets() -> list[Dataset]:
        return [find_dataset(few_labelled[0])]

    monkeypatch.setattr("converters.commands.convert.evaluation_datasets", evaluation_datasets)

    def choose(least: int) -> None:
        def convert(_sources: object, recipe: Recipe, *_: object, **_named: object) -> Bundle:
            assert recipe.caution is not None
            bundle = bad if recipe.caution < least else good
            return replace(bundle, manifest=replace(bundle.manifest, precision=recipe.name))

        monkeypatch.setattr("converters.commands.convert.convert", convert)

    return choose


def convert(*arguments: str | Path) -> int:
    return main(["convert", SYSTEM, "--precision", "auto", "--workers", "1", *map(str, arguments)])


def test_the_recipes_are_walked_from_the_fastest_to_the_safest() -> None:
    names = [recipe.name for recipe in recipes_from_fastest_to_safest()]
    assert names == ["int8-whole", "int8", "int8-mixed", "int8-weights", "float"]


def test_the_first_that_passes_is_written_with_what_was_refused(
    passing_from: Callable[[int], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passing_from(3)
    assert convert("--max-drop", "15", "-o", tmp_path / "out") == 0
    assert Bundle.open(tmp_path / "out").manifest.precision == "int8-weights"
    assert json.loads((tmp_path / "out" / "recipe.json").read_text())["name"] == "int8-weights"
    verification = json.loads((tmp_path / "out" / "verification.json").read_text())
    assert verification["precision"] == "int8-weights"
    assert [each["precision"] for each in verification["refused"]] == ["int8-whole", "int8", "int8-mixed"]
    assert all(each["loss"]["points"] > 15 and each["refused"] == [] for each in verification["refused"])
    assert "| int8-whole | refused |" in (tmp_path / "out" / "REPORT.md").read_text()
    output = capsys.readouterr()
    verdicts = [row.split()[:2] for row in output.out.split("Recipes tried")[1].splitlines()[2:6]]
    assert verdicts == [
        *([name, "refused"] for name in ("int8-whole", "int8", "int8-mixed")),
        ["int8-weights", "taken"],
    ]
    assert output.err.count("refused: ") == 3
    assert output.err.count("read pictures: float (onnx)") == 1
    assert "recipe float" not in output.err


def test_nothing_is_written_where_all_are_refused(
    passing_from: Callable[[int], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    passing_from(SAFEST)
    assert convert("--max-drop", "0", "-o", tmp_path / "out") == 1
    assert not (tmp_path / "out").exists()
    output = capsys.readouterr()
    assert [row.split()[1] for row in output.out.splitlines()[2:]] == ["refused"] * 5
    last = output.err.splitlines()[-1]
    assert last.startswith("nothing was written to ") and "every recipe loses too much, " in last
    assert "--max-drop" in last


def test_the_fastest_is_taken_where_it_passes(passing_from: Callable[[int], None], tmp_path: Path) -> None:
    passing_from(0)
    assert convert("--max-drop", "15", "-o", tmp_path / "out") == 0
    verification = json.loads((tmp_path / "out" / "verification.json").read_text())
    assert (verification["precision"], verification["refused"]) == ("int8-whole", [])


@pytest.mark.conversion
def test_the_fastest_recipe_converts(
    reference: Bundle, few_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real road, on few pictures: int8 wherever there is a kernel, and XNNPACK still runs every model whole."""
    monkeypatch.setattr("converters.commands.convert.evaluation_datasets", list)
    assert convert("--calibration", few_pictures, "--gate", "none", "-o", tmp_path / "out") == 0
    assert Bundle.open(tmp_path / "out").manifest.precision == "int8-whole"
    verification = json.loads((tmp_path / "out" / "verification.json").read_text())
    for model in verification["models"].values():
        assert (model["partitions"], model["outside"]) == (1, {})
        assert model["operators"]["int8"] > model["operators"]["float32"]
    assert verification["loss"] is None
