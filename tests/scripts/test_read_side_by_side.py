"""One picture read by several bundles: the table, and the picture of what each of them read."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import read_side_by_side
from read_side_by_side import main

from edge_ocr.ocr import OCR


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "picture.png"
    cv2.imwrite(str(file), np.full((64, 160, 3), 255, np.uint8))
    return file


def test_what_each_bundle_read_stands_beside_the_other(
    picture: Path,
    bundle_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    texts = iter([["5|6", "a"], ["5"]])
    read = OCR.read

    def read_otherwise(ocr: OCR, image: np.ndarray) -> SimpleNamespace:
        return SimpleNamespace(lines=[SimpleNamespace(text=text) for text in next(texts)], page=read(ocr, image))

    annotate = read_side_by_side.annotate
    monkeypatch.setattr(OCR, "read", read_otherwise)
    monkeypatch.setattr(read_side_by_side, "annotate", lambda image, page: annotate(image, page.page))
    output = tmp_path / "both.png"
    assert main([str(picture), "--bundles", str(bundle_folder), str(bundle_folder), "--output", str(output)]) == 0
    name, *rows = capsys.readouterr().out.splitlines()
    assert name.count("|") == 3
    assert rows == ["| --- | --- |", r"| 5\|6 | 5 |", "| a |  |"]
    height, width = cv2.imread(str(output)).shape[:2]
    assert height > 64 and width > 2 * 160


def test_a_missing_bundle_is_one_sentence(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "both.png"
    assert main([str(picture), "--bundles", str(tmp_path / "none"), "--output", str(output)]) == 2
    assert capsys.readouterr().err.startswith("error: there is no bundle")
    assert not output.exists()
