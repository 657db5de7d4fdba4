"""Which pages are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from comparison.errors import ComparisonError
from comparison.pages import default_pages, open_folder, spread

from converters.calibration import default_pictures
from converters.errors import ConversionError
from tests.scripts.comparison.readings import box


@pytest.mark.parametrize("limit", [1, 7, 40, 99])
def test_a_limit_takes_one_of_each_stretch(limit: int) -> None:
    chosen = spread(range(100), limit)
    assert len(chosen) == limit
    assert all(100 * part // limit <= page < 100 * (part + 1) // limit for part, page in enumerate(chosen))
    assert spread(range(100), limit) == chosen


def test_a_limit_does_not_pick_one_kind_where_kinds_take_turns() -> None:
    kinds = [page % 12 for page in spread(range(72), 6)]
    assert len(set(kinds)) > 3


def test_a_limit_beyond_the_set_takes_all() -> None:
    assert spread("abc", 3) == spread("abc", 4) == ("a", "b", "c")


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
