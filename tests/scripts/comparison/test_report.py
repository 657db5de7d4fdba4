"""The document and the JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from comparison.figures import figures
from comparison.report import as_json, document, table
from comparison.sides import RAPIDOCR, TESSERACT
from comparison.targets import judge, read_limits

from tests.scripts.comparison.readings import PAGES, UNLABELLED, comparison


@pytest.fixture(scope="module")
def text() -> str:
    return document(comparison())


def test_tables_line_up() -> None:
    assert table(("what", "n"), [("lines", "7"), ("x", "1234")]) == (
        "| what  |    n |\n"
        "| ----- | ---: |\n"
        "| lines |    7 |\n"
        "| x     | 1234 |"
    )  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        "| receipts (2) | 200.0 ms | 400.0 ms | 0.500 [0.500, 0.500] | 0.500 [0.500, 0.500] |",
        "| receipts: detection hmean  |  66.67 % |  80.00 % |",
        "| start to first text, median of 3 |   0.50 s |   1.80 s | 0.333 |",
        "| peak memory                      |   200 MB |   400 MB | 0.500 |",
        "| installed size                   |   300 MB |   375 MB | 0.800 |",
        "| detect                     | 60.0 % |",
        "## All, on 1 of these pages",
        "| edge_ocr              |           1 |  100.0 ms |              0.50 s |      200 MB |         300 MB |",
        "| RapidOCR as installed | as it ships |  500.0 ms |              3.00 s |      600 MB |         375 MB |",
        "| Tesseract             |           1 | 1000.0 ms |              1.00 s |      100 MB |        unknown |",
        "| Tesseract: end-to-end hmean             | 100.00 % |   66.67 % |    +33.33 [+33.33, +33.33] |",
        "| RapidOCR, same models |                 2 |                  1 |          66.7 % |                0.0 % |",
        "Det.thresh=0.2",
        "A CPU (avx2, avx512_vnni), 2 cores to use, load 0.2 before the start",
        "RapidOCR, same models: rapidocr 3.10.0",
        "Threads of edge_ocr and of RapidOCR with the same models: 1; their passes over all pages: 3",
    ],
)
def test_the_document_says(row: str, text: str) -> None:
    assert row in text


def test_without_labels_there_is_no_accuracy_table() -> None:
    pages = [replace(page, page=UNLABELLED) for page in PAGES]
    unlabelled = replace(comparison(), figures=[figures("photos", pages, RAPIDOCR)], pages=pages)
    text = document(unlabelled)
    assert "| accuracy" not in text
    assert (
        "| Tesseract             |                 2 |                  1 |          66.7 % |              100.0 % |"
        in text
    )


def test_an_absent_side_has_a_row_and_a_reason() -> None:
    pages = [replace(page, by_side={k: v for k, v in page.by_side.items() if k != TESSERACT}) for page in PAGES]
    found = replace(comparison(), pages=pages, absent={TESSERACT: "there is no command; install it"})
    text = document(replace(found, sides=found.sides[:3]))
    assert "| Tesseract             |      absent |" in text
    assert "- Tesseract is absent: there is no command; install it" in text


def test_verdicts_stand_in_the_document() -> None:
    found = comparison()
    text = document(found, judge(read_limits(), found.measured(), found.cpu))
    assert "| page time                                     |    0.500 |  at most 0.42 |  MISSED |" in text
    assert "| installed size                                |    0.800 |  at most 0.85 |     met |" in text
    assert "## Targets" not in document(found)


def test_the_json_lets_anybody_work_out_the_figures() -> None:
    data = json.loads(json.dumps(as_json(comparison())))
    pages = [page["sides"] for page in data["pages"]]
    ratio = sum(page["edge_ocr"]["seconds"] for page in pages) / sum(page[RAPIDOCR]["seconds"] for page in pages)
    assert data["figures"][0]["time"]["value"] == pytest.approx(ratio)
    assert pages[0]["edge_ocr"]["counts"] == {"found": 2, "read": 2, "labelled": 2, "detected": 2}
    assert pages[1][RAPIDOCR]["texts"] == ["DATE"]
    assert pages[1][RAPIDOCR]["boxes"] == [[[2.0, 0.0], [102.0, 0.0], [102.0, 20.0], [2.0, 20.0]]]
    assert pages[1].keys() == {"edge_ocr", RAPIDOCR}
    assert data["sides"][0]["peak_memory"] == 200_000_000
