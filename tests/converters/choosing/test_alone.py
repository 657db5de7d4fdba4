"""Each model by itself: what one of them does wrong shows in its own figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from converters.choosing.alone import ALONE
from converters.choosing.examiner import ModelExaminer
from converters.choosing.halves import CHOOSE, HALVES, REPORT
from converters.choosing.timing import time_ratio
from converters.errors import AccuracyBudgetError, ConversionError
from converters.evaluation.datasets import Dataset, find_dataset
from converters.progress import Progress
from converters.verification import OVERALL, Comparison
from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE
from tests.converters.conftest import (
    Damage,
    blind_detector,
    noisy_recognizer,
    reversed_direction,
)

Examine = Callable[[str, Bundle], dict[str, Comparison]]


def in_turn(datasets: list[Dataset]) -> dict[Path, str]:
    """Every other picture of each data set in each half: two pages might fall to one."""
    return {path: HALVES[index % 2] for data in datasets for index, path in enumerate(data.pictures)}


@pytest.fixture
def few(few_labelled: tuple[Path, Path]) -> list[Dataset]:
    """Lines and pages."""
    lines, pages = map(find_dataset, few_labelled)
    return [lines, pages]


@pytest.fixture
def examine(reference: Bundle, few: list[Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examine:
    """Half -> what a bundle's model of a kind finds there."""
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))

    def run(kind: str, bundle: Bundle) -> dict[str, Comparison]:
        return ModelExaminer(kind, reference, few, in_turn(few), Progress(), 1).examine(bundle)

    return run


def test_every_line_is_in_one_half(examine: Examine, few: list[Dataset]) -> None:
    found = examine("recognizer", Bundle.open(DEFAULT_BUNDLE))
    assert set(found) == {*HALVES, OVERALL}
    assert found[CHOOSE].lines + found[REPORT].lines == found[OVERALL].lines == len(few[0].lines)
    assert found[OVERALL].pages == 0 and found[CHOOSE].lines and found[REPORT].lines
    assert found[OVERALL].exact_match is not None


def test_a_recognizer_that_reads_badly_is_refused(examine: Examine, damaged: Callable[[Damage], Path]) -> None:
    for comparison in examine("recognizer", Bundle.open(damaged(noisy_recognizer))).values():
        with pytest.raises(AccuracyBudgetError):
            comparison.judge()


def test_errors_of_other_models_do_not_show(
    examine: Examine, damaged: Callable[[Damage], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    whole = examine("recognizer", Bundle.open(DEFAULT_BUNDLE))
    assert examine("recognizer", Bundle.open(damaged(blind_detector))) == whole
    assert capsys.readouterr().err.count("read pictures") == 2  # once by the original, once by this recognizer


def test_a_line_is_shown_upright_and_turned(
    examine: Examine, damaged: Callable[[Damage], Path], few: list[Dataset]
) -> None:
    right, wrong = (
        examine("direction", bundle)[OVERALL]
        for bundle in (Bundle.open(DEFAULT_BUNDLE), Bundle.open(damaged(reversed_direction)))
    )
    assert right.lines == 2 * len(few[0].lines)
    assert right.exact_match is not None and wrong.exact_match is not None
    assert right.exact_match.bundle > 90 and wrong.exact_match.bundle == pytest.approx(100 - right.exact_match.bundle)
    right.judge()
    assert right.agreement.same_direction is not None and right.agreement.same_text_where_sure is None
    with pytest.raises(AccuracyBudgetError):
        wrong.judge()


def test_a_detector_is_judged_by_its_boxes(examine: Examine, damaged: Callable[[Damage], Path]) -> None:
    good, blind = (
        examine("detector", bundle)[OVERALL]
        for bundle in (Bundle.open(DEFAULT_BUNDLE), Bundle.open(damaged(blind_detector)))
    )
    assert good.pages == 2 and good.lines == 0
    assert good.detection_hmean is not None and good.detection_hmean.bundle > 80
    assert good.end_to_end_hmean is None and good.agreement.same_text is None
    assert good.agreement.same_boxes is not None and good.agreement.same_boxes.value > 95
    good.judge()
    with pytest.raises(AccuracyBudgetError):
        blind.judge()


@pytest.mark.parametrize("kind", ALONE)
def test_a_half_without_pictures_is_refused(kind: str, reference: Bundle, few: list[Dataset]) -> None:
    one = [replace(data, lines=data.lines[:1], pages=data.pages[:1]) for data in few]
    with pytest.raises(ConversionError, match=f"1 pictures for the {kind}, none is in the half to"):
        ModelExaminer(kind, reference, one, in_turn(one), Progress(), 1)


def test_time_is_a_ratio_to_the_original(reference: Bundle) -> None:
    assert 0.5 < time_ratio(reference, reference, "direction") < 2
