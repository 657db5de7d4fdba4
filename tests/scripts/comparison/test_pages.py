"""Which pages are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from comparison.errors import ComparisonError
from comparison.pages import default_pages, open_folder

from converters.calibration import default_pictures
from converters.errors import ConversionError
from tests.scripts.comparison.readings import box


def test_a_plain_folder_has_pages_without_labels(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    data = open_folder(tmp_path)
    assert [page.picture.name for page in data.pages] == ["a.jpg", "b.PNG"]
    assert all(page.boxes is None for page in data.pages)


def test_a_labelled_folder_has_its_labels(tmp_path: Path) -> None:
    item = {"box": box(0).tolist(), "text": "total"}
    (tmp_path / "a.png").touch()
    (tmp_path / "labels.jsonl").write_text(json.dumps({"image": "a.png", "items": [item]}))
    ((label,),) = (page.boxes for page in open_folder(tmp_path).pages)
    assert label.text == "total"


def test_the_default_pages_are_labelled_and_none_of_those_of_the_calibration() -> None:
    pages = default_pages().pages
    assert all(page.boxes for page in pages)
    assert {page.picture for page in pages}.isdisjoint(default_pictures().pages)


def test_a_folder_without_pages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ComparisonError, match="holds no pages"):
        open_folder(tmp_path)
    with pytest.raises(ConversionError, match="there is no folder"):
        open_folder(tmp_path / "missing")
