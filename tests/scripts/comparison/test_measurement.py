"""Who reads what, when and how often, and which reading counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from comparison.errors import ComparisonError
from comparison.measurement import Plan, first_with_text, quickest, read_pages, seconds_to_first_text
from comparison.sides import Reading

from converters.errors import WorkerError
from converters.evaluation.datasets import LabelledPage
from converters.progress import Progress
from edge_ocr.errors import PictureError
from tests.scripts.comparison.readings import UNLABELLED, read_by, reading

WARM_UPS = 5
"""The sample, the three pages, and the sample again."""


class FakeSide:
    """A side that notes what it is asked, and finds one line as long as the picture is wide."""

    threads = 1

    def __init__(self, name: str, log: list[tuple[str, int]], fails_at: int | None = None) -> None:
        self.name, self._log, self._fails_at = name, log, fails_at

    def read(self, picture: Path) -> Reading:
        width = np.load(picture).shape[1]
        self._log.append((self.name, width))
        if width == self._fails_at:
            raise WorkerError(f"the {self.name} worker: 'read' failed")
        return reading(1, ("x" * width, 0))

    def peak_memory(self) -> int:
        return 0

    def versions(self) -> dict[str, str]:
        return {}

    def installed(self) -> int:
        return 0

    @contextmanager
    def started(self) -> Iterator[FakeSide]:
        self._log.append((self.name, 0))
        yield self


@pytest.fixture
def three_pages(tmp_path: Path) -> list[LabelledPage]:
    """Pages of 11, 12 and 13 pixels."""
    for width in (11, 12, 13):
        cv2.imwrite(str(tmp_path / f"{width}.png"), np.zeros((10, width, 3), np.uint8))
    return [LabelledPage(tmp_path / f"{width}.png", None) for width in (11, 12, 13)]


def test_all_see_the_same_pixels_in_turn_after_a_warm_up(three_pages: list[LabelledPage], tmp_path: Path) -> None:
    log: list[tuple[str, int]] = []
    e, r, t = (FakeSide(name, log) for name in "ERT")
    plan = Plan(three_pages, repeats=2, beside=frozenset([0, 2]))
    pages = read_pages({"E": e, "R": r}, {"T": t}, plan, tmp_path, Progress())
    warm_up, order = log[: 3 * WARM_UPS], log[3 * WARM_UPS :]
    assert warm_up[3:6] == [("E", 11), ("R", 11), ("T", 11)]  # the sample's width is nobody's business
    assert order == [
        *[("E", 11), ("R", 11), ("T", 11), ("R", 12), ("E", 12), ("E", 13), ("R", 13), ("T", 13)],
        *[("R", 11), ("E", 11), ("E", 12), ("R", 12), ("R", 13), ("E", 13)],
    ]
    assert [set(page.by_side) for page in pages] == [{"E", "R", "T"}, {"E", "R"}, {"E", "R", "T"}]
    assert [len(page.by_side["E"].texts[0]) for page in pages] == [11, 12, 13]


def test_of_several_readings_the_quickest_counts() -> None:
    slow, quick = reading(2.0, ("slow", 0)), Reading(1.0, 0.9, ("quick",), (), {})
    best = quickest([slow, quick, Reading(3.0, 0.7, ("slowest",), (), {})])
    assert (best.seconds, best.cpu_seconds, best.texts) == (1.0, 0.7, ("quick",))


def test_a_plan_says_how_long_it_takes() -> None:
    plan = Plan([UNLABELLED] * 10, repeats=3, beside=frozenset([0, 5]))
    assert plan.seconds([0.2, 0.4], [1.0, 2.0]) == pytest.approx(10 * 3 * 0.6 + 2 * 3.0)


def test_a_page_that_one_side_cannot_read_is_named(three_pages: list[LabelledPage], tmp_path: Path) -> None:
    sides = {"edge_ocr": FakeSide("edge_ocr", []), "RapidOCR": FakeSide("RapidOCR", [], fails_at=12)}
    with pytest.raises(ComparisonError, match=r"12\.png.*RapidOCR"):
        read_pages(sides, {}, Plan(three_pages, 1, frozenset()), tmp_path, Progress())


def test_a_page_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    plan = Plan([LabelledPage(tmp_path / "broken.png", None)], 1, frozenset())
    with pytest.raises(PictureError, match=r"broken\.png"):
        read_pages({"E": FakeSide("E", [])}, {}, plan, tmp_path, Progress())


def test_starts_are_fresh_and_in_turn(tmp_path: Path) -> None:
    np.save(tmp_path / "page.npy", np.zeros((10, 14, 3), np.uint8))
    log: list[tuple[str, int]] = []
    seconds = seconds_to_first_text([FakeSide("E", log), FakeSide("R", log)], tmp_path / "page.npy", 2, Progress())
    assert log == [("E", 0), ("E", 14), ("R", 0), ("R", 14), ("R", 0), ("R", 14), ("E", 0), ("E", 14)]
    assert {name: len(starts) for name, starts in seconds.items()} == {"E": 2, "R": 2}
    assert all(0 < second < 1 for starts in seconds.values() for second in starts)


def test_the_first_text_is_one_that_all_find() -> None:
    pages = [LabelledPage(Path(f"{number}.png"), None) for number in range(4)]
    text, nothing = reading(1, ("text", 0)), reading(1)
    readings = [read_by(pages[0], text, nothing), read_by(pages[1], nothing, text), read_by(pages[2], text, text)]
    assert first_with_text(readings) is pages[2]
    assert first_with_text([*readings, read_by(pages[3], text, text, tesseract=text)]) is pages[3]
    with pytest.raises(ComparisonError, match="none of the pages"):
        first_with_text(readings[:2])
