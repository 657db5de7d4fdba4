"""The gate without labels: what it refuses, what it lets pass, and how sure it must be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from converters.calibration import default_pictures, record_inputs
from converters.conversion import fetch_sources, float_bundle
from converters.errors import ConversionError
from converters.evaluation.agreement import Agreement, agreement
from converters.evaluation.datasets import evaluation_datasets
from converters.evaluation.gate import Limit, judge, read_limits
from converters.evaluation.metrics import Interval
from converters.evaluation.readings import LinePair, LineReading, Readings, read_line
from converters.progress import Progress
from converters.quantization.recipes import ModelRecipe
from converters.quantization.static import quantise
from converters.zoo import load_zoo
from edge_ocr.bundle import Bundle
from edge_ocr.engines import open_engine
from edge_ocr.ocr import OCR
from edge_ocr.pictures import load_picture
from edge_ocr.recognizer import Recognizer
from tests.converters.conftest import SYSTEM
from tests.converters.test_agreement import SURE, UNSURE, line, page, pages

FEW, MANY = 20, 400
"""Lines."""


def refused(alike: Agreement, *kinds: str) -> list[str]:
    """Figures."""
    return [refusal.limit.figure for refusal in (judge(alike, kinds=kinds) if kinds else judge(alike))]


def lines(count: int, reference: str, bundle: str, *, every: int, score: float = SURE) -> Readings:
    """Every so many lines the bundle reads what it is told, else what the original does."""
    return Readings(
        tuple(line(reference, reference if number % every else bundle, score) for number in range(count)), ()
    )


def test_equal_readings_pass() -> None:
    assert refused(agreement(pages((page(*"abc"), page(*"abc"))))) == []


def test_a_recognizer_that_drops_characters_is_refused() -> None:
    dropping = agreement(lines(MANY, "abcdefgh", "abdefgh", every=8))
    assert refused(dropping) == ["same_text_where_sure", "change_of_length"]
    refusals = [str(refusal) for refusal in judge(dropping)]
    assert refusals[0].startswith("'same text where FP32 is sure' is 87.5 % [")
    assert refusals[1].startswith("'change of length where sure' is -0.125 characters [-")
    assert refusals[1].endswith("] on 400 lines, more than the 0.03 characters of --gate")


def test_a_recognizer_that_doubles_characters_is_refused() -> None:
    assert "change_of_length" in refused(agreement(lines(MANY, "abcdefgh", "abbcdefgh", every=8)))


def test_what_the_original_doubts_is_not_held_against_the_bundle() -> None:
    assert refused(agreement(lines(MANY, "abcdefgh", "xyz", every=2, score=UNSURE))) == []


def test_shifted_boxes_are_refused() -> None:
    shifted = agreement(pages(*[(page(*"abcde"), page(*"abcde", shift=60))] * 3))
    assert refused(shifted) == ["same_boxes"]
    assert str(judge(shifted)[0]) == ("'same boxes' is 0.0 % [0.0, 0.0] on 15 boxes, less than the 95 % of --gate")


def test_lines_turned_upside_down_are_refused() -> None:
    upright = page(*"abcde")
    turned = replace(upright, lines=tuple(replace(each, box=each.box[[2, 3, 0, 1]]) for each in upright.lines))
    assert refused(agreement(pages((upright, turned)))) == ["same_direction"]


def test_few_lines_refuse_only_what_is_not_chance() -> None:
    """One line in eight is as much as above; of twenty lines that may well be chance."""
    assert refused(agreement(lines(FEW, "abcdefgh", "abdefgh", every=8))) == []
    assert refused(agreement(lines(FEW, "abcdefgh", "abd", every=2))) == ["same_text_where_sure", "change_of_length"]


def test_a_value_beyond_the_limit_with_an_interval_that_reaches_it_passes() -> None:
    alike = agreement(pages((page("a"), page("a"))))
    assert refused(replace(alike, same_boxes=Interval(94, 92, 95.0))) == []
    assert refused(replace(alike, same_boxes=Interval(94, 92, 94.9))) == ["same_boxes"]
    assert refused(replace(alike, change_of_length=Interval(-0.06, -0.07, -0.03))) == []
    assert refused(replace(alike, change_of_length=Interval(0.06, 0.031, 0.07))) == ["change_of_length"]


def test_one_kind_of_model_is_judged_by_its_own_figures() -> None:
    both = replace(agreement(lines(MANY, "ab", "c", every=2)), same_boxes=Interval(50, 40, 60))
    assert refused(both, "detector") == ["same_boxes"]
    assert refused(both, "recognizer") == ["same_text_where_sure", "change_of_length"]
    assert refused(both, "direction") == []


def test_what_has_no_limit_is_not_judged(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text("[detector]\nsame_boxes = 80")
    assert read_limits(path) == [Limit("detector", "same_boxes", 80)]
    alike = replace(agreement(lines(MANY, "ab", "c", every=2)), same_boxes=Interval(70, 60, 79))
    assert [refusal.limit.value for refusal in judge(alike, read_limits(path))] == [80]
    assert judge(alike, []) == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[detector", "cannot be read"),
        ("same_boxes = 95", "'same_boxes' is not a table of limits; give tables called detector, direction, recogn"),
        ("[detectors]\nsame_boxes = 95", "'detectors' is not a table of limits"),
        ("[detector]\nboxes = 95", "detector has a limit for 'boxes'; there are same_text_where_sure, "),
        ("[detector]\nsame_boxes = '95'", "the limit of same_boxes is '95'; give a number from 0 to 100"),
        ("[detector]\nsame_boxes = true", "the limit of same_boxes is True"),
        ("[detector]\nsame_boxes = nan", "the limit of same_boxes is nan"),
        ("[detector]\nsame_boxes = 101", "the limit of same_boxes is 101"),
    ],
)
def test_wrong_limits_are_refused(content: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(content)
    with pytest.raises(ConversionError) as caught:
        read_limits(path)
    assert complaint in str(caught.value) and str(path) in str(caught.value)


def test_limits_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"gate\.toml cannot be read"):
        read_limits(tmp_path / "gate.toml")


@pytest.mark.conversion
def test_the_stock_recipe_is_refused_where_the_default_bundle_passes(reference: Bundle) -> None:
    """Everything int8, between the smallest and the largest value of a hundred lines, as quantizers do by themselves.

    It costs the recognizer of PP-OCRv6 tiny eight points of exact match, and nothing says so.
    """
    zoo, progress = load_zoo(), Progress()
    floats = float_bundle(fetch_sources(zoo, zoo.system(SYSTEM), progress), progress)
    inputs = record_inputs(floats, default_pictures().halves()[0], {"recognizer": 100}, progress)["recognizer"]
    stock = ModelRecipe("static", ("CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MUL", "PAD", "MEAN"), samples=len(inputs))
    network = open_engine("ai-edge-litert").load(
        quantise(floats.model_bytes("recognizer"), stock, inputs), name="stock"
    )
    manifest = floats.manifest
    by_stock = Recognizer(network, manifest.models.recognizer, floats.charset, manifest.charset)
    pictures = evaluation_datasets()[0].part(300).lines

    def read(recognizer: Recognizer) -> list[LineReading]:
        return [read_line(recognizer, load_picture(each.picture)) for each in pictures]

    original = read(OCR(reference, threads=1).recognizer)
    for recognizer, expected in ((by_stock, ["same_text_where_sure"]), (OCR(threads=1).recognizer, [])):
        assert refused(agreement(Readings(tuple(map(LinePair, pictures, original, read(recognizer))), ()))) == expected
