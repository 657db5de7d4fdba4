"""Tesseract: its table on what it once printed, its absence, and, where it is installed, its work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from comparison.errors import AbsentError, ComparisonError
from comparison.tesseract import Tesseract, parse_table

from edge_ocr.doctor import SAMPLE, SAMPLE_TEXT
from edge_ocr.pictures import load_picture
from tests.conftest import skip

DEMO = Path(__file__).with_name("demo.tsv")
"""Tesseract 5.3.0 on calibration_data/demo.jpg, `-l chi_sim+eng tsv`."""


class TestTable:
    def test_words_become_lines_with_the_box_of_the_line(self) -> None:
        texts, boxes = parse_table(DEMO.read_text("utf-8"))
        assert texts[:3] == ("春风 里 茶楼", "SPRING BREEZE TEA HOUSE", "营业 时 间 9:00-21:30")
        assert boxes[0].tolist() == [[233, 52], [673, 52], [673, 134], [233, 134]]
        assert boxes[0].dtype == np.float32
        assert len(texts) == len(boxes)

    def test_ruled_lines_are_not_text(self) -> None:
        texts, boxes = parse_table(DEMO.read_text("utf-8"))
        assert all(text.strip() for text in texts)
        assert [295, 261] not in [box[0].tolist() for box in boxes]

    def test_a_page_without_text_has_no_lines(self) -> None:
        head = DEMO.read_text("utf-8").split("\n")[0]
        assert parse_table(f"{head}\n1\t1\t0\t0\t0\t0\t0\t640\t480\t-1\t\n") == ((), ())


def program(folder: Path, script: str) -> None:
    """A stand-in named tesseract."""
    (folder / "tesseract").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "tesseract").chmod(0o755)


class TestFinding:
    def test_its_absence_says_what_to_install(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(AbsentError, match=r"no command tesseract; install tesseract-ocr and tesseract-ocr-chi-sim"):
            Tesseract.find()

    @pytest.mark.parametrize(
        ("installed", "chosen"), [("chi_sim eng osd", ("chi_sim", "eng")), ("deu eng osd", ("eng",))]
    )
    def test_it_reads_the_languages_that_it_has(
        self, installed: str, chosen: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program(tmp_path, f"echo 'List of available languages (3):'; printf '%s\\n' {installed}")
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        assert Tesseract.find().languages == chosen

    def test_without_english_it_counts_as_absent(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program(tmp_path, "echo osd")
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        with pytest.raises(AbsentError, match="no data to read English"):
            Tesseract.find()

    def test_a_failure_has_its_last_words(self, tmp_path: Path) -> None:
        program(tmp_path, "echo 'Estimating resolution' >&2; echo 'image too large' >&2; exit 1")
        np.save(tmp_path / "page.npy", np.zeros((10, 10, 3), np.uint8))
        broken = Tesseract(str(tmp_path / "tesseract"), ("eng",))
        with broken.started() as running, pytest.raises(ComparisonError, match=r"failed \(image too large\)"):
            running.read(tmp_path / "page.npy")


def test_it_reads_a_picture(tmp_path: Path) -> None:
    try:
        tesseract = Tesseract.find()
    except AbsentError as absence:
        skip("tesseract", str(absence))
    np.save(tmp_path / "page.npy", load_picture(SAMPLE))
    with tesseract.started() as running:
        found = running.read(tmp_path / "page.npy")
        assert "\n".join(found.texts) == SAMPLE_TEXT
        assert found.cpu_seconds > 0
        assert 0 < found.seconds < 60
        assert 10_000_000 < running.peak_memory() < 1_000_000_000
        assert "." in running.versions()["tesseract"]
    installed = tesseract.installed()
    assert installed is None or installed > 1_000_000
