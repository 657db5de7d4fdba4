"""`ppocr-convert evaluate` as a user meets it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from converters.cli import main
from converters.evaluation.datasets import find_dataset
from converters.evaluation.evaluation import sayable, unsayable
from converters.evaluation.readings import read_both
from converters.progress import Progress
from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE


def few_lines(folder: Path, source: Path, count: int) -> Path:
    """The first lines of a set, laid out as PaddleOCR does; gives the label file."""
    folder.mkdir()
    rows = []
    for line in find_dataset(source).lines[:count]:
        shutil.copy(line.picture, folder)
        rows.append(f"{line.picture.name}\t{line.text}\n")
    (folder / "rec_gt.txt").write_text("".join(rows), encoding="utf-8")
    return folder / "rec_gt.txt"


def test_lines_and_pages_from_labels_to_json(
    few_labelled: tuple[Path, Path], reference: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, pages = few_labelled
    result = tmp_path / "figures.json"
    arguments = ["evaluate", str(DEFAULT_BUNDLE), str(few_lines(tmp_path / "few", lines, 5)), str(pages)]
    assert main([*arguments, "--workers", "1", "--json", str(result)]) == 0
    out = capsys.readouterr().out
    for figure in ("exact match", "character error rate", "detection hmean", "end-to-end hmean"):
        assert figure in out
    written = json.loads(result.read_text())
    assert written["digest"] == Bundle.open().digest
    assert [(data["lines"], data["pages"]) for data in written["data"]] == [(5, 0), (0, 2)]
    assert written["data"][0]["name"] == "few/rec_gt.txt"
    overall = written["overall"]["figures"]
    assert overall["exact match"] == written["data"][0]["figures"]["exact match"]
    for figure in overall.values():
        delta = figure["delta"]
        assert delta["value"] == pytest.approx(figure["bundle"] - figure["reference"])
        assert delta["low"] <= delta["value"] <= delta["high"]


def test_the_number_of_workers_changes_nothing(few_labelled: tuple[Path, Path], reference: Bundle) -> None:
    lines, pages = (find_dataset(folder) for folder in few_labelled)
    datasets = [replace(lines, lines=lines.lines[:5]), replace(pages, pages=pages.pages[:1])]
    bundle = Bundle.open()
    one, two = (read_both(reference, bundle, datasets, Progress(), workers=workers) for workers in (1, 2))
    assert one.lines == two.lines
    for first, second in zip(one.pages, two.pages, strict=True):
        assert [(line.text, line.score) for line in first.bundle.lines] == [
            (line.text, line.score) for line in second.bundle.lines
        ]
        assert all(
            np.array_equal(mine.box, other.box)
            for mine, other in zip(first.reference.lines, second.reference.lines, strict=True)
        )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_picture_that_cannot_be_read_is_named(
    workers: str, few_labelled: tuple[Path, Path], reference: Bundle, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    labels = few_lines(tmp_path / "few", few_labelled[0], 3)
    broken = find_dataset(labels).lines[1].picture
    broken.write_bytes(broken.read_bytes()[:200])
    result = tmp_path / "figures.json"
    assert main(["evaluate", str(DEFAULT_BUNDLE), str(labels), "--workers", workers, "--json", str(result)]) == 2
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1].startswith(f"error: {broken} ")
    assert captured.out == ""
    assert not result.exists()


def lines_of(folder: Path, rows: str) -> Path:
    folder.mkdir()
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), np.full((32, 96, 3), 255, np.uint8))
    (folder / "rec_gt.txt").write_text(rows, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("rows", "options", "complaint"),
    [
        ("a.png\tx\nc.png\ty\n", [], "rec_gt.txt: 1 of its 2 pictures are missing, the first is c.png (line 2)"),
        ("a.png\tx\nb.png\n", [], "rec_gt.txt, line 2: no tab between a picture and its text"),
        ("", [], "rec_gt.txt labels no picture"),
        ("a.png\tx\n", ["--json", "{set}/a.png"], "belongs to a data set and would be overwritten"),
        ("a.png\tx\n", ["--json", "{set}/rec_gt.txt"], "belongs to a data set and would be overwritten"),
        ("a.png\tx\n", ["--json", "{set}/no/where.json"], "there is no folder"),
        ("a.png\tx\n", ["{set}"], "is in two data sets"),
    ],
)
def test_bad_input_is_one_sentence_before_anything_is_read(
    rows: str, options: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lines_of(tmp_path / "set", rows)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    given = [option.format(set=folder) for option in options]
    assert main(["evaluate", str(DEFAULT_BUNDLE), str(folder), *given]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    assert complaint in captured.err
    assert captured.out == ""
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("options", [["--workers", "0"], ["--limit", "-1"], ["--limit", "few"]])
def test_counts_are_whole_numbers_from_one(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "bundle", *options])
    assert stop.value.code == 2
    assert options[1] in capsys.readouterr().err


def test_labels_beyond_the_charset_are_counted(tmp_path: Path) -> None:
    # full-width letters are compared as plain ones, which the charset has
    data = find_dataset(lines_of(tmp_path / "set", "a.png\tＡbc\nb.png\txאבb\n"))
    found = unsayable(data, ["a", "b", "c", "x"])
    assert (found.labels, found.characters) == (1, "אב")


def test_lines_beyond_the_charset_can_be_left_out(tmp_path: Path) -> None:
    data = find_dataset(lines_of(tmp_path / "set", "a.png\tＡbc\nb.png\txאבb\n"))
    assert [line.text for line in sayable(data, ["a", "b", "c", "x"]).lines] == ["Ａbc"]


def test_a_limit_is_spread_over_the_set_and_a_missing_character_is_told(
    reference: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lines_of(tmp_path / "set", "a.png\t\ue000\nb.png\t\ue000\n")
    assert main(["evaluate", str(DEFAULT_BUNDLE), str(folder), "--limit", "1", "--workers", "1"]) == 0
    captured = capsys.readouterr()
    assert "characters that the charset lacks: 1 (U+E000); labels with one of them: 1, which" in captured.err
    assert "1 lines" in captured.out
