"""`ppocr-convert choose` as a user meets it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from converters.errors import ConversionError
from converters.zoo import load_zoo
from edge_ocr.bundle import Bundle
from tests.converters.choosing.conftest import Choose
from tests.converters.conftest import SYSTEM, Conversions, Emulation

READ = "read pictures: "
RECOGNIZER = ("--kind", "recognizer", "--no-instructions")


def model(file: Path) -> dict[str, Any]:
    """The only model of a result."""
    (found,) = json.loads(file.read_text())["models"]
    return found


def test_the_cheapest_that_passes_is_chosen_and_all_are_listed(
    choose: Choose, conversions: Conversions, emulation: Emulation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conversions.made["int8-whole"] = conversions.bad
    result, document = tmp_path / "choice.json", tmp_path / "choice.md"
    arguments = ["--kind", "recognizer", "--recipe", "int8-whole", "--recipe", "int8", "--cpu", "cortex-a76"]
    assert choose(*arguments, "--json", result, "--markdown", document) == 0
    found = model(result)
    assert [(each["recipe"], each["verdict"]) for each in found["variants"]] == [
        ("int8-whole", "refused"), ("int8", "chosen"),
    ]  # fmt: skip
    whole, int8 = found["variants"]
    assert int8["time"] == 0.5 and int8["xnnpack"]["partitions"] == 1 and int8["xnnpack"]["outside"] == {}
    for half in ("choose", "report"):
        assert whole["found"][half]["exact_match"]["delta"]["high"] < 0
        assert int8["found"][half]["lines"] > 0
    executed = json.loads(result.read_text())["executed"]["cortex-a76"]
    assert executed[int8["sha256"]]["instructions"] == int8["bytes"]
    assert set(executed) == {whole["sha256"], int8["sha256"], found["original"], found["float32"]}
    assert sorted(emulation.measured)[0].startswith("recognizer.onnx 48x320")
    captured = capsys.readouterr()
    rows = [line.split()[:2] for line in captured.out.splitlines()]
    assert ["int8-whole", "refused"] in rows and ["int8", "chosen"] in rows
    assert f"{SYSTEM}, recognizer, int8-whole, refused: " in captured.out
    assert "[2 of 2]" in captured.err
    assert "| int8 | chosen |" in document.read_text()


def test_nothing_passes(choose: Choose, conversions: Conversions, capsys: pytest.CaptureFixture[str]) -> None:
    conversions.made["int8"] = conversions.bad
    assert choose(*RECOGNIZER, "--recipe", "int8") == 1
    assert f"{SYSTEM}, recognizer: no variant passes." in capsys.readouterr().out


def test_a_variant_that_fails_is_a_row_and_the_others_go_on(
    choose: Choose, conversions: Conversions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conversions.made["int8"] = ConversionError("the recognizer has an operator that nobody knows")
    result = tmp_path / "choice.json"
    assert choose(*RECOGNIZER, "--recipe", "int8", "--recipe", "float", "--json", result) == 0
    assert [each["verdict"] for each in model(result)["variants"]] == ["failed", "chosen"]
    assert "int8, failed: the recognizer has an operator that nobody knows." in capsys.readouterr().out


def test_a_run_goes_on_where_it_was_stopped(
    choose: Choose, conversions: Conversions, capsys: pytest.CaptureFixture[str]
) -> None:
    conversions.made["int8-weights"] = KeyboardInterrupt()
    arguments = [*RECOGNIZER, "--recipe", "int8", "--recipe", "int8-weights"]
    assert choose(*arguments) == 130
    assert capsys.readouterr().err.count(READ) == 2
    conversions.made["int8-weights"] = conversions.bad
    assert choose(*arguments) == 0
    assert capsys.readouterr().err.count(READ) == 1


def test_draws_are_tried_one_by_one_and_their_spread_is_told(
    choose: Choose, conversions: Conversions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    asked: list[tuple[str, int, tuple[str, ...]]] = []

    def convert(*arguments: Any, draw: int, kinds: list[str], **_: object) -> Bundle:
        _, recipe, *_rest = arguments
        asked.append((recipe.name, draw, tuple(kinds)))
        return conversions.bad if draw == 1 else conversions.good

    monkeypatch.setattr("converters.choosing.walk.convert", convert)
    result = tmp_path / "choice.json"
    recipes = ["--recipe", "int8-whole", "--recipe", "float"]
    assert choose(*RECOGNIZER, *recipes, "--draws", "2", "--json", result) == 0
    tried = [("float", 0), ("int8-whole", 0), ("int8-whole", 1), ("float", 0)]
    assert asked == [(*each, ("recognizer",)) for each in tried]
    assert [each["verdict"] for each in model(result)["variants"]] == ["passes", "refused", "chosen"]
    out = capsys.readouterr().out
    spread = out.split("points over draws")[1].splitlines()
    assert spread[2].split()[:2] == ["int8-whole", "2"] and " .. " in spread[2] and "mean" in spread[2]
    assert "int8-whole, draw 2  refused" in out


def test_labels_that_no_charset_can_write_are_nothing_to_choose_on(
    choose: Choose, few_labelled: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(few_labelled[0] / "line_000.jpg", tmp_path / "a.jpg")
    (tmp_path / "labels.jsonl").write_text(json.dumps({"image": "a.jpg", "text": "\u2603"}))
    assert choose("--no-instructions", "--data", tmp_path) == 2
    assert f"there is no picture to try a model of {SYSTEM} on" in capsys.readouterr().err


def test_a_kind_that_a_system_lacks(
    choose: Choose, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo = load_zoo()
    lacking = replace(zoo, systems={SYSTEM: replace(zoo.system(SYSTEM), direction=None)})
    monkeypatch.setattr("converters.commands.choose.load_zoo", lambda: lacking)
    assert choose("--no-instructions", "--kind", "direction") == 2
    assert f"{SYSTEM} has no direction model; it has detector, recognizer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ppocrv6-tinny"], "the zoo has no system 'ppocrv6-tinny'; did you mean"),
        (["--recipe", "int7"], "no recipe is called 'int7'"),
        (["--recipe", "int8", "--recipe", "{folder}/mine.json"], "2 recipes are called int8; give each a name"),
        (["--json", "{folder}/no/where.json"], "there is no folder"),
        (["--data", "{folder}"], "has no labels"),
        (["--kind", "detector"], "of 0 pictures for the detector, none is in the half to choose on"),
        (["--gate", "{folder}/no.toml"], "cannot be read"),
        (["--unlabelled", "{folder}/nowhere"], "there is no folder"),
    ],
)
def test_bad_input_is_one_sentence_before_any_work(
    arguments: list[str], complaint: str, choose: Choose, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = {"mode": "float"}
    own = {"name": "int8", "summary": "mine", "models": dict.fromkeys(("detector", "direction", "recognizer"), entry)}
    (tmp_path / "mine.json").write_text(json.dumps(own))
    assert choose(*(argument.format(folder=tmp_path) for argument in arguments), "--no-instructions") == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    assert complaint in captured.err
