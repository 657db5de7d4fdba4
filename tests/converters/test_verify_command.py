"""`ppocr-convert verify` on real models: what the gate lets pass, what it refuses, and what it writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import pytest

from converters.cli import main
from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE
from tests.converters.conftest import (
    Damage,
    blind_detector,
    dropping_recognizer,
    noisy_recognizer,
    reversed_direction,
    shifted_charset,
    swollen_boxes,
)


@pytest.fixture
def photos(few_labelled: tuple[Path, Path], tmp_path: Path) -> Path:
    """Pages of which nobody says what they show."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in few_labelled[1].rglob("*.*g"):
        shutil.copy(path, folder)
    return folder


def verify(bundle: Path, *arguments: str | Path) -> int:
    return main(["verify", str(bundle), *map(str, arguments), "--workers", "1"])


def test_the_default_bundle_passes_and_its_files_are_renewed(
    reference: Bundle, few_labelled: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(DEFAULT_BUNDLE, bundle)
    for name in ("verification.json", "REPORT.md"):
        (bundle / name).write_text("old")
    digest = Bundle.open(bundle).digest
    assert verify(bundle, *few_labelled, "--max-drop", "8", "--update", "--json", tmp_path / "figures.json") == 0
    found = json.loads((bundle / "verification.json").read_text())
    assert json.loads((tmp_path / "figures.json").read_text()) == found
    assert found["digest"] == Bundle.open(bundle).digest == digest
    assert (found["overall"]["lines"], found["overall"]["pages"]) == (20, 2)
    assert [data["name"].split("/")[-1] for data in found["data"]] == ["lines", "pages"]
    assert found["loss"]["points"] <= 8
    assert {kind: facts["partitions"] for kind, facts in found["models"].items()} == {
        "detector": 1, "direction": 1, "recognizer": 1,
    }  # fmt: skip
    assert all(0.05 < found["speed"][stage] < 20 for stage in ("detector", "direction", "recognizer", "page"))
    assert "exact match" in (bundle / "REPORT.md").read_text()
    output = capsys.readouterr()
    assert "exact match" in output.out and "whole page" in output.out
    assert "passed" in output.err and "INFO" not in output.err


@pytest.mark.parametrize(
    ("damage", "figure"),
    [
        (noisy_recognizer, "exact match"),
        (shifted_charset, "exact match"),
        (blind_detector, "hmean"),
        (reversed_direction, "end-to-end hmean"),
    ],
)
def test_a_damaged_bundle_is_refused(
    damage: Damage,
    figure: str,
    damaged: Callable[[Damage], Path],
    reference: Bundle,
    few_labelled: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert verify(damaged(damage), *few_labelled, "--max-drop", "20") == 1
    refusal = capsys.readouterr().err.splitlines()[-1]
    assert refusal.startswith("refused: ") and figure in refusal and "--max-drop 20" in refusal


def test_pictures_without_labels_give_a_gallery_and_are_judged_by_agreement(
    reference: Bundle, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gallery = tmp_path / "differences.html"
    assert verify(DEFAULT_BUNDLE, "--pictures", photos, "--gallery", gallery) == 0
    assert gallery.read_text(encoding="utf-8").startswith("<!doctype html>")
    output = capsys.readouterr()
    assert "same text where FP32 is sure" in output.out
    assert "exact match" not in output.out and "hmean" not in output.out


@pytest.mark.parametrize(
    ("damage", "figure"),
    [
        (shifted_charset, "same text where FP32 is sure"),
        (swollen_boxes, "same boxes"),
        (reversed_direction, "same direction"),
    ],
)
def test_a_damaged_bundle_is_refused_without_labels_too(
    damage: Damage,
    figure: str,
    damaged: Callable[[Damage], Path],
    reference: Bundle,
    photos: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert verify(damaged(damage), "--pictures", photos, "--max-drop", "100") == 1
    refusal = capsys.readouterr().err.splitlines()[-1]
    assert refusal.startswith("refused: ") and f"'{figure}' is " in refusal and " of --gate" in refusal


def test_a_recognizer_that_drops_characters_is_refused_without_labels(
    damaged: Callable[[Damage], Path],
    reference: Bundle,
    few_labelled: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    crops = tmp_path / "crops"
    (crops / "lines").mkdir(parents=True)
    for path in few_labelled[0].rglob("*.*g"):
        shutil.copy(path, crops / "lines")
    assert verify(damaged(dropping_recognizer), "--pictures", crops, "--max-drop", "100") == 1
    assert "'change of length where sure' is -" in capsys.readouterr().err.splitlines()[-1]


def test_the_gate_can_be_told_what_to_let_pass(
    damaged: Callable[[Damage], Path],
    reference: Bundle,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    limits = tmp_path / "boxes.toml"
    limits.write_text("[detector]\nsame_boxes = 90")
    assert verify(damaged(shifted_charset), "--pictures", photos, "--gate", limits) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("passed: nothing is labelled, and FP32 is sure of ")


@pytest.mark.parametrize("option", ["--json", "--report", "--gallery"])
def test_no_picture_is_written_over(option: str, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = min(photos.iterdir())
    before = picture.read_bytes()
    assert verify(DEFAULT_BUNDLE, "--pictures", photos, option, picture) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert picture.read_bytes() == before


def test_pictures_without_text_judge_nothing(
    reference: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "walls").mkdir()
    for number in range(2):
        cv2.imwrite(str(tmp_path / "walls" / f"{number}.png"), np.full((200, 300, 3), 200 + number, np.uint8))
    assert verify(DEFAULT_BUNDLE, "--pictures", tmp_path / "walls", "--json", tmp_path / "figures.json") == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: no text was found")
    assert not (tmp_path / "figures.json").exists()


def test_lines_that_no_bundle_of_this_charset_can_read_are_left_out(
    reference: Bundle, few_labelled: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "lines"
    shutil.copytree(few_labelled[0], lines)
    rows = [json.loads(row) for row in (lines / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows[6:]:
        row["text"] = "\u2603"
    (lines / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    figures = tmp_path / "figures.json"
    assert verify(DEFAULT_BUNDLE, lines, "--limit", "4", "--max-drop", "50", "--json", figures) == 0
    assert json.loads(figures.read_text())["overall"]["lines"] == 4
    assert "14 of 20 lines are left out: the charset lacks a character" in capsys.readouterr().err


def test_a_packed_bundle_is_verified_but_not_updated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = tmp_path / "tiny.ocrbundle"
    with ZipFile(packed, "w") as archive:
        for path in DEFAULT_BUNDLE.iterdir():
            archive.write(path, path.name)
    assert verify(packed, "--update") == 2
    assert "--json and --report" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--gallery", "FOLDER"], "is a folder; name a file in it"),
        (["--gallery", "FOLDER/missing/g.html"], "there is no folder"),
        (["--json", "FOLDER"], "is a folder; name a file in it"),
        (["--report", "FOLDER/missing/r.md"], "there is no folder"),
        (["--gate", "FOLDER/gate.toml"], "gate.toml cannot be read"),
        (["--pictures", "FOLDER"], "holds no pictures"),
        (["--pictures", "FOLDER/missing"], "there is no folder"),
        (["FOLDER"], "holds no pictures"),
    ],
)
def test_wrong_arguments_are_refused_before_the_work(
    arguments: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(DEFAULT_BUNDLE, *(each.replace("FOLDER", str(tmp_path)) for each in arguments)) == 2
    output = capsys.readouterr()
    assert output.out == "" and complaint in output.err and output.err.count("\n") == 1
