"""Ratios and accuracies of a comparison that is made by hand, and the document that shows them."""

from __future__ import annotations

import json

import pytest
from emulated.aims import verdicts
from emulated.outcome import Outcome
from emulated.report import as_json, document
from emulated.sides import EDGE_OCR, NCNN_HALF, ONNXRUNTIME

from converters.evaluation.datasets import LabelledPage
from tests.scripts.emulated.outcomes import OUTCOME, PAGES

A76 = "cortex-a76"


def test_ratios_are_of_each_page_and_of_the_sums() -> None:
    assert OUTCOME.ratios(A76, ONNXRUNTIME) == [0.25, 0.5, 0.3]
    assert OUTCOME.ratios(A76, NCNN_HALF) == [0.5, 0.5, 0.5]


def test_accuracy_is_of_the_labels_and_likeness_of_onnxruntime() -> None:
    assert OUTCOME.accuracy(A76, EDGE_OCR) == 100
    assert OUTCOME.accuracy(A76, ONNXRUNTIME) == pytest.approx(100 * 2 / 3)
    assert OUTCOME.likeness(A76, EDGE_OCR) == (100, pytest.approx(100 * 2 / 3))
    assert OUTCOME.likeness(A76, NCNN_HALF) == (pytest.approx(80), 100)


def test_pages_without_labels_have_no_accuracy() -> None:
    unlabelled = [LabelledPage(page.picture, None) for page in PAGES]
    outcome = Outcome(OUTCOME.bundle, unlabelled, OUTCOME.readings)
    assert outcome.accuracy(A76, EDGE_OCR) is None
    assert "no labels" in document(outcome)


def test_an_aim_is_met_or_missed() -> None:
    found = {each.limit.figure: each.met for each in verdicts(OUTCOME.measured())}
    assert found == {
        f"{A76}: {EDGE_OCR} / {ONNXRUNTIME}": False,  # 0.3, and 0.28 is aimed at
        f"{A76}: {EDGE_OCR} / {NCNN_HALF}": True,
    }


def test_the_document_shows_the_figures() -> None:
    text = document(OUTCOME, verdicts(OUTCOME.measured()))
    assert "| onnxruntime fp32     | 800 | 200 | 1,000 |".replace(" ", "") in text.replace(" ", "")
    assert "|onnxruntimefp32|0.250|0.500|0.300|" in text.replace(" ", "")
    assert "|cortex-a76:edge_ocr/onnxruntimefp32|0.300|atmost0.28|MISSED|" in text.replace(" ", "")
    assert "ncnn fp16: engine 1.0" in text


def test_the_json_holds_every_reading() -> None:
    told = json.loads(json.dumps(as_json(OUTCOME)))
    first = told["readings"][A76][EDGE_OCR][0]
    assert first["instructions"] == 200_000_000
    assert first["texts"] == ["total", "12.50"]
    assert told["ratios"][f"{A76}: {EDGE_OCR} / {NCNN_HALF}"] == 0.5
