"""Data sets as a whole: a part of one, and several together."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.errors import ConversionError
from converters.evaluation.datasets import Dataset, LabelledLine, LabelledPage, check_distinct, spread


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


def test_a_limit_is_for_lines_and_for_pages() -> None:
    lines = tuple(LabelledLine(Path(f"{number}.png"), "a") for number in range(5))
    pages = tuple(LabelledPage(Path(f"page_{number}.png"), ()) for number in range(2))
    part = Dataset("both", lines, pages).part(3)
    assert (len(part.lines), part.pages) == (3, pages)


def test_a_picture_in_two_sets_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    first = Dataset("first", pages=(LabelledPage(tmp_path / "a.png", None), LabelledPage(tmp_path / "b.png", None)))
    second = Dataset("second", lines=(LabelledLine(tmp_path / "link.png", "a"),))
    check_distinct([first])
    with pytest.raises(ConversionError, match=r"link\.png is in two data sets"):
        check_distinct([first, second])
