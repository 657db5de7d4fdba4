"""The committed calibration pictures, and the generator that made them."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from calibration_data.generator.fonts import CALIBRATION_FONTS, EVALUATION_FONTS
from calibration_data.generator.texts import split_of
from tests.conftest import ROOT, skip

FOLDER = ROOT / "calibration_data"
CHARSET = ROOT / "edge_ocr" / "models" / "default" / "charset.txt"
EVALUATION = FOLDER / "evaluation"
MEGABYTE = 1_000_000


def read_labels(path: Path) -> list[dict[str, Any]]:
    return [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]


def texts_of(row: dict[str, Any]) -> list[str]:
    return [item["text"] for item in row["items"]] if "items" in row else [row["text"]]


def labels_of(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    return [(folder / name, row) for name in ("pages", "lines") for row in read_labels(folder / name / "labels.jsonl")]


def committed_labels() -> list[tuple[Path, dict[str, Any]]]:
    demo = json.loads((FOLDER / "demo.json").read_text(encoding="utf-8"))
    return [*labels_of(FOLDER), *labels_of(EVALUATION), (FOLDER, demo)]


def generate(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the generator with the characters of the committed labels as its charset."""
    known = {character for _, row in committed_labels() for text in texts_of(row) for character in text} - {" "}
    out.mkdir(exist_ok=True)
    charset = out / "charset.txt"
    charset.write_text("\n".join(sorted(known)) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "calibration_data.generate", "--out", str(out), "--charset", str(charset)]
    return subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True)


def generated(out: Path, *arguments: str) -> dict[str, str]:
    """What the generator writes: file name -> SHA-256. Skips the test where fonts cannot be had."""
    run = generate(out, *arguments)
    if run.returncode == 2 and "font" in run.stderr:
        skip("fonts", run.stderr.strip())
    assert run.returncode == 0, run.stderr
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def bytes_in(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sum(path.stat().st_size for path in files)


def test_the_sets_stay_small_enough_to_commit() -> None:
    assert bytes_in(EVALUATION) < 10 * MEGABYTE
    assert bytes_in(FOLDER) < 25 * MEGABYTE


@pytest.mark.parametrize(
    ("folder", "least"),
    [(FOLDER / "pages", 55), (FOLDER / "lines", 390), (EVALUATION / "pages", 64), (EVALUATION / "lines", 600)],
)
def test_labels_and_pictures_belong_together(folder: Path, least: int) -> None:
    labelled = [row["image"] for row in read_labels(folder / "labels.jsonl")]
    assert sorted(labelled) == sorted(path.name for path in folder.iterdir() if path.suffix == ".jpg")
    assert len(labelled) >= least


def test_every_picture_is_whole_and_of_a_useful_size() -> None:
    for folder, row in committed_labels():
        with Image.open(folder / row["image"]) as picture:
            picture.load()
            width, height = picture.size
        if folder.name == "lines":
            assert 12 <= height <= 64, row["image"]
        else:
            assert 400 <= max(width, height) <= 1280, row["image"]


def test_boxes_lie_in_their_picture_and_run_clockwise() -> None:
    for folder, row in committed_labels():
        if "items" not in row:
            continue
        with Image.open(folder / row["image"]) as picture:
            width, height = picture.size
        for item in row["items"]:
            box = np.array(item["box"])
            assert box.shape == (4, 2)
            assert (box >= 0).all() and (box <= (width, height)).all(), (row["image"], item)
            x, y = box.T
            turn = np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))
            assert turn > 0 or item["ignore"], f"{row['image']}: {item} does not run clockwise"


def test_every_text_can_be_said_with_the_default_charset() -> None:
    if not CHARSET.is_file():
        skip("bundle", f"no default bundle at {CHARSET}: convert one first")
    charset = set(CHARSET.read_text(encoding="utf-8").split("\n")) | {" "}
    for _, row in committed_labels():
        for text in texts_of(row):
            assert text and set(text) <= charset, (row["image"], set(text) - charset)


@pytest.mark.parametrize(("folder", "split"), [(FOLDER, "calibration"), (EVALUATION, "evaluation")])
def test_every_text_is_of_its_own_split(folder: Path, split: str) -> None:
    texts = [text for _, row in labels_of(folder) for text in texts_of(row)]
    assert texts and [text for text in texts if split_of(text) != split] == []


def test_no_text_is_in_both_sets() -> None:
    calibration, evaluation = (
        {text for _, row in labels_of(folder) for text in texts_of(row)} for folder in (FOLDER, EVALUATION)
    )
    assert not calibration & evaluation


def test_fonts_kept_for_evaluation_share_no_package_with_the_others() -> None:
    calibration, evaluation = ({face.package for face in faces} for faces in (CALIBRATION_FONTS, EVALUATION_FONTS))
    assert not calibration & evaluation
    assert 0.2 <= len(EVALUATION_FONTS) / len(CALIBRATION_FONTS + EVALUATION_FONTS) <= 0.3


def test_readme_names_every_font_package() -> None:
    named = set(re.findall(r"^\| (fonts-\S+) \|", (FOLDER / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert named == {face.package for face in CALIBRATION_FONTS + EVALUATION_FONTS}


def test_no_development_picture_is_in_the_set(shared_data: Path) -> None:
    committed = {hashlib.sha256(path.read_bytes()).digest() for path in FOLDER.rglob("*.jpg")}
    sizes = {path.stat().st_size for path in FOLDER.rglob("*.jpg")}
    same_size = (path for path in shared_data.rglob("*") if path.is_file() and path.stat().st_size in sizes)
    assert not [path for path in same_size if hashlib.sha256(path.read_bytes()).digest() in committed]


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    few = ("--pages", "2", "--lines", "4")
    first = generated(tmp_path / "first", *few)
    assert first == generated(tmp_path / "second", *few)
    other = generated(tmp_path / "other", "--pages", "1", "--lines", "0", "--seed", "7")
    assert first["pages/page_000.jpg"] != other["pages/page_000.jpg"]


def test_evaluation_split_writes_only_texts_kept_for_it(tmp_path: Path) -> None:
    generated(tmp_path, "--split", "evaluation", "--pages", "2", "--lines", "4")
    rows = [row for name in ("pages", "lines") for row in read_labels(tmp_path / name / "labels.jsonl")]
    texts = [text for row in rows for text in texts_of(row)]
    assert texts and all(split_of(text) == "evaluation" for text in texts)
    assert not (tmp_path / "demo.jpg").exists()


@pytest.mark.parametrize("content", [None, b"\xff\n"])
def test_a_charset_that_is_missing_or_no_text_is_one_sentence(content: bytes | None, tmp_path: Path) -> None:
    charset = tmp_path / "charset.txt"
    if content is not None:
        charset.write_bytes(content)
    command = [sys.executable, "-m", "calibration_data.generate", "--charset", str(charset)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr.startswith("error: cannot read the charset") and run.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--pages", "--lines", "--seed"])
def test_numbers_below_0_are_refused(option: str, tmp_path: Path) -> None:
    run = generate(tmp_path / "out", option, "-1")
    assert run.returncode == 2 and "'-1' is not a whole number from 0" in run.stderr


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "pages").touch()
    run = generate(tmp_path / "out", "--pages", "1", "--lines", "0")
    if "font" in run.stderr:
        skip("fonts", run.stderr.strip())
    assert run.returncode == 2
    assert run.stderr.startswith("error: cannot write to") and run.stderr.count("\n") == 1


def test_fonts_out_of_reach_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    if all(face.path.is_file() for face in CALIBRATION_FONTS):
        pytest.skip("every font is installed on this machine")
    run = generate(tmp_path / "out")
    assert run.returncode == 2
    assert run.stderr.startswith("error: the fonts come as Debian packages") and run.stderr.count("\n") == 1
    assert not (tmp_path / "out" / "pages").exists()
