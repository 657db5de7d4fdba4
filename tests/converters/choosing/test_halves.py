"""The halves of the pictures: by photograph, and the same wherever the photograph turns up."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from converters.choosing.halves import CHOOSE, HALVES, REPORT, halves_of, photographs
from converters.evaluation.datasets import Dataset, LabelledLine, LabelledPage, find_dataset


def lines(*names: str) -> tuple[LabelledLine, ...]:
    return tuple(LabelledLine(Path("lines", f"{name}.png"), "text") for name in names)


def pages(*names: str) -> tuple[LabelledPage, ...]:
    return tuple(LabelledPage(Path("pages", f"{name}.jpg"), ()) for name in names)


def test_crops_stand_with_the_photograph_they_were_cut_out_of() -> None:
    numbers = range(40)
    crops = Dataset("crops", lines=lines(*(f"img_{number}_{crop}" for number in numbers for crop in range(3))))
    whole = Dataset("whole", pages=pages(*(f"img_{number}" for number in numbers)))
    halves = halves_of([crops, whole])
    for number in numbers:
        side = halves[Path("pages", f"img_{number}.jpg")]
        assert {halves[Path("lines", f"img_{number}_{crop}.png")] for crop in range(3)} == {side}
    assert set(halves.values()) == set(HALVES)


def test_the_side_follows_from_the_name_alone() -> None:
    many = halves_of([Dataset("many", pages=pages("img_1", "img_2", "other_3"))])
    for name in ("img_1", "img_2", "other_3"):
        (alone,) = halves_of([Dataset("alone", pages=pages(name))]).values()
        expected = (CHOOSE, REPORT)[hashlib.sha256(name.encode()).digest()[0] & 1]
        assert many[Path("pages", f"{name}.jpg")] == alone == expected


def test_numbers_that_only_count_the_lines_are_no_crops() -> None:
    data = Dataset("words", lines=lines(*(f"word_{number}" for number in range(50))))
    assert len(set(photographs(data).values())) == 50
    assert set(halves_of([data]).values()) == set(HALVES)


def test_pages_with_a_number_at_the_end_are_photographs_of_their_own() -> None:
    assert set(photographs(Dataset("pages", pages=pages("mtwi_0_000", "mtwi_0_001"))).values()) == {
        "mtwi_0_000", "mtwi_0_001",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["icdar2015", "mtwi"])
def test_real_pages_and_their_crops(name: str, shared_data: Path) -> None:
    crops, whole = find_dataset(shared_data / "lines" / name), find_dataset(shared_data / "pages" / name)
    halves = halves_of([crops, whole])
    side = {page.picture.stem: halves[page.picture] for page in whole.pages}
    assert {halves[line.picture] == side[photographs(crops)[line.picture]] for line in crops.lines} == {True}
    chosen = sum(half == CHOOSE for half in halves.values())
    assert 0.35 < chosen / len(halves) < 0.65
