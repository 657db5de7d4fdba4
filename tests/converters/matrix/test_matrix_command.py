"""`ppocr-convert matrix` as a user meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from converters.cli import main
from converters.errors import ConversionError
from converters.matrix.sums import Limit, read_limits
from converters.zoo import load_zoo
from edge_ocr.bundle import Bundle
from edge_ocr.errors import EdgeOCRError, EngineError
from tests.converters.conftest import SYSTEM, Conversions
from tests.converters.matrix.conftest import Matrix

READ = "read pictures: "


def verdicts(file: Path) -> dict[str, str]:
    """Recipe -> verdict of the only system."""
    (system,) = json.loads(file.read_text())["systems"]
    return {cell["recipe"]: cell["verdict"] for cell in system["cells"]}


def test_the_fastest_that_passes_ships(
    matrix: Matrix, conversions: Conversions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conversions.made["int8-whole"] = conversions.bad
    result, document = tmp_path / "matrix.json", tmp_path / "matrix.md"
    assert matrix(SYSTEM, "--no-instructions", "--json", result, "--markdown", document) == 0
    expected = {"int8-whole": "refused", "int8": "ships"} | dict.fromkeys(
        ("int8-mixed", "int8-weights", "float"), "passes"
    )
    assert verdicts(result) == expected
    assert Bundle.open(tmp_path / "out" / SYSTEM).manifest.precision == "int8"
    verification = json.loads((tmp_path / "out" / SYSTEM / "verification.json").read_text())
    assert [refused["precision"] for refused in verification["refused"]] == ["int8-whole"]
    captured = capsys.readouterr()
    rows = [line.split()[:3] for line in captured.out.splitlines()]
    assert [SYSTEM, "int8-whole", "refused"] in rows
    assert ["int8", "ships"] in [row[:2] for row in rows]
    assert f"{SYSTEM}, int8-whole, refused: exact match loses" in captured.out
    assert "4.6e-05" in captured.out
    assert captured.err.count("[5 of 5]") == 1 and "about " in captured.err
    text = document.read_text()
    assert f"| {SYSTEM} | int8-whole | refused |" in text and "(8 lines, 0 pages)" in text


def test_a_run_goes_on_where_it_was_stopped(
    matrix: Matrix, conversions: Conversions, capsys: pytest.CaptureFixture[str]
) -> None:
    conversions.made["float"] = KeyboardInterrupt()
    arguments = [SYSTEM, "--precision", "int8", "--precision", "float", "--no-instructions"]
    assert matrix(*arguments) == 130
    first = capsys.readouterr()
    assert first.err.count(READ) == 2 and first.out == ""
    conversions.made["float"] = conversions.good
    assert matrix(*arguments) == 0
    second = capsys.readouterr()
    assert [line for line in second.err.splitlines() if line.startswith(READ)] == [f"{READ}float (tflite)"]
    assert matrix(*arguments) == 0
    third = capsys.readouterr()
    assert READ not in third.err and "take the time" not in third.err
    assert third.out.splitlines()[:-1] == second.out.splitlines()[:-1]  # the last line has the date


def test_a_system_that_cannot_be_had_is_a_row(
    matrix: Matrix, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo = load_zoo()
    untried = next(name for name, system in zoo.systems.items() if any(model.untried for model in system.models))
    result = tmp_path / "matrix.json"
    assert matrix(untried, "ppocrv2", SYSTEM, "--precision", "float", "--no-instructions", "--json", result) == 0
    absent = {system["name"]: system["absent"] for system in json.loads(result.read_text())["systems"]}
    assert absent[untried].startswith("nobody has run it, since ")
    assert "could not be fetched from" in absent["ppocrv2"]
    assert absent[SYSTEM] == ""
    out = capsys.readouterr().out
    assert f"Not converted: {untried}: nobody" in out and "Not converted: ppocrv2: " in out


def test_a_recipe_that_fails_is_a_row_and_the_others_go_on(
    matrix: Matrix, conversions: Conversions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conversions.made["int8"] = ConversionError("the recognizer has an operator that nobody knows")
    result = tmp_path / "matrix.json"
    recipes = ["--precision", "int8", "--precision", "float"]
    assert matrix(SYSTEM, *recipes, "--no-instructions", "--json", result) == 1
    assert verdicts(result) == {"int8": "failed", "float": "ships"}
    assert "int8, failed: the recognizer has an operator that nobody knows." in capsys.readouterr().out


@pytest.mark.parametrize("kind", [ConversionError, EngineError])
def test_a_system_that_fails_is_a_row(
    kind: type[EdgeOCRError], matrix: Matrix, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def differ(*_: object) -> Any:
        raise kind("the float detector differs")

    monkeypatch.setattr("converters.matrix.survey.equivalence", differ)
    assert matrix(SYSTEM, "--no-instructions") == 1
    assert f"{SYSTEM} failed: the float detector differs." in capsys.readouterr().out


def test_a_data_set_that_a_charset_cannot_write_is_left_out(
    matrix: Matrix, few_labelled: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, snow, result = few_labelled[0], tmp_path / "snow", tmp_path / "matrix.json"
    snow.mkdir()
    picture = lines / json.loads((lines / "labels.jsonl").read_text().splitlines()[0])["image"]
    shutil.copy(picture, snow / "a.png")
    (snow / "labels.jsonl").write_text(json.dumps({"image": "a.png", "text": "\u2603"}))
    arguments = ["--no-instructions", "--precision", "int8", "--json", result, "--data", lines, "--data", snow]
    assert matrix(SYSTEM, *arguments) == 0
    assert "snow: 1 of 1 lines are left out: the charset lacks a character" in capsys.readouterr().err
    (cell,) = json.loads(result.read_text())["systems"][0]["cells"]
    (data,) = cell["verification"]["data"]
    assert data["name"].endswith("lines")


def test_nothing_ships_where_no_recipe_passes(
    matrix: Matrix, conversions: Conversions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conversions.made = dict.fromkeys(conversions.made, conversions.bad)
    assert matrix(SYSTEM, "--no-instructions", "--precision", "int8") == 1
    assert not (tmp_path / "out").exists()
    assert "ships" not in capsys.readouterr().out.split("Size, accuracy")[1].splitlines()[2]


def test_a_shipped_bundle_is_held_to_the_papers_sums(
    matrix: Matrix, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, broken = Limit(SYSTEM, 3_000_000, 100, source="a paper"), Limit(SYSTEM, 2_000_000, 100, source="another")
    elsewhere = Limit("ppocrv1", 1, 0, chosen="it was not converted")
    for limits, status in (([kept, broken, elsewhere], 1), ([kept, elsewhere], 0)):
        monkeypatch.setattr("converters.commands.matrix.read_limits", lambda limits=limits: limits)
        assert matrix(SYSTEM, "--no-instructions", "--precision", "int8") == status
        rows = [row.split() for row in capsys.readouterr().out.split("Limits")[1].split("\n\n")[0].splitlines()[2:]]
        assert [(row[0], row[1], row[5]) for row in rows] == [
            (SYSTEM, f"{limit.bytes:,}", "met" if limit is kept else "BROKEN") for limit in limits if limit != elsewhere
        ]


def test_limits_are_of_systems_that_there_are_and_say_where_they_come_from() -> None:
    limits = read_limits()
    assert {limit.system for limit in limits} <= set(load_zoo().systems)
    assert all(bool(limit.source) != bool(limit.chosen) for limit in limits)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["ppocrv6-tinny"], "the zoo has no system 'ppocrv6-tinny'; did you mean"),
        ([SYSTEM, "--precision", "int7"], "no recipe is called 'int7'"),
        ([SYSTEM, "--json", "{folder}/no/where.json"], "there is no folder"),
        ([SYSTEM, "--data", "{folder}"], "has no labels"),
    ],
)
def test_bad_input_is_one_sentence_before_any_work(
    arguments: list[str], complaint: str, matrix: Matrix, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert matrix(*(argument.format(folder=tmp_path) for argument in arguments)) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    assert complaint in captured.err


def test_what_stands_where_a_bundle_should_go_is_not_replaced(
    matrix: Matrix, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out" / SYSTEM).mkdir(parents=True)
    (tmp_path / "out" / SYSTEM / "precious.txt").write_text("mine")
    assert matrix(SYSTEM) == 2
    assert "exists and is not a bundle" in capsys.readouterr().err


def test_an_unknown_cpu_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["matrix", "-o", "out", "--cpu", "z80"])
    assert stop.value.code == 2
    assert "cortex-a76" in capsys.readouterr().err
