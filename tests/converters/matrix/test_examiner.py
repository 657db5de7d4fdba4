"""What a bundle reads is kept whole: lines, pages, boxes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converters.evaluation.datasets import find_dataset
from converters.matrix.examiner import KeepingExaminer
from converters.progress import Progress
from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE


def test_what_is_kept_equals_what_was_read(
    few_labelled: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path))
    lines, pages = map(find_dataset, few_labelled)
    data = [replace(lines, lines=lines.lines[:3]), replace(pages, pages=pages.pages[:1])]
    bundle = Bundle.open(DEFAULT_BUNDLE)
    examiner = KeepingExaminer(bundle, data, Progress(), workers=1)
    first, again = examiner.read(bundle), examiner.read(bundle)
    assert capsys.readouterr().err.count("read pictures") == 1
    assert first.lines == again.lines and len(first.lines) == 3
    (page,), (same,) = first.pages, again.pages
    assert (page.width, page.height) == (same.width, same.height)
    assert [(line.text, line.score) for line in page.lines] == [(line.text, line.score) for line in same.lines] != []
    for line, other in zip(page.lines, same.lines, strict=True):
        assert line.box.dtype == other.box.dtype and np.array_equal(line.box, other.box)


def test_other_pictures_are_read_anew(
    few_labelled: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path))
    lines = find_dataset(few_labelled[0])
    bundle = Bundle.open(DEFAULT_BUNDLE)
    for picture in lines.lines[:2]:
        data = [replace(lines, lines=(picture,))]
        (reading,) = KeepingExaminer(bundle, data, Progress(), workers=1).read(bundle).lines
        assert reading.text
    assert len([folder for folder in (tmp_path / "stages" / "readings").iterdir() if folder.is_dir()]) == 2
