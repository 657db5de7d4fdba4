"""The figures of a verification, and the gate that they decide."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from converters.cli import main
from converters.commands.verify import report_and_judge
from converters.errors import AccuracyBudgetError, ConversionError
from converters.evaluation.metrics import Delta
from converters.report import as_text, figures
from converters.verification import Figure, Verification, describe_cpu


def figure(reference: float, bundle: float) -> Figure:
    return Figure(reference, bundle, Delta(bundle - reference, bundle - reference - 1, bundle - reference + 1))


LABELLED = Verification(
    digest="0" * 64,
    date="2026-01-01T00:00:00+00:00",
    cpu="a CPU",
    runtimes={"onnxruntime": "1.31.1"},
    data=("lines",),
    sizes={"detector.tflite": 1000, "charset.txt": 234},
    lines=200,
    pages=30,
    same_text=90.0,
    same_text_where_sure=98.0,
    same_boxes=96.0,
    exact_match=figure(80.0, 79.0),
    hmean=figure(60.0, 58.5),
    end_to_end=figure(50.0, 40.0),
    line_time_ratio=0.4,
    page_time_ratio=0.5,
)
UNLABELLED = replace(LABELLED, exact_match=None, hmean=None, end_to_end=None)


def test_the_drop_is_the_larger_of_text_and_box_loss() -> None:
    assert LABELLED.drop == pytest.approx(1.5)
    assert replace(LABELLED, exact_match=figure(80, 77)).drop == pytest.approx(3)


def test_without_pictures_of_lines_the_text_is_judged_on_the_pages() -> None:
    assert replace(LABELLED, lines=0, exact_match=None).drop == pytest.approx(10)


def test_pictures_without_text_judge_nothing() -> None:
    nothing = replace(UNLABELLED, same_text=None, same_text_where_sure=None, same_boxes=None)
    with pytest.raises(ConversionError, match="nothing can be judged"):
        _ = nothing.drop


@pytest.mark.parametrize("points", ["nan", "-1", "inf", "many"])
def test_a_budget_is_a_number_of_points(points: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["verify", "somewhere", "--max-drop", points])
    assert caught.value.code == 2
    assert points in capsys.readouterr().err


def test_without_labels_the_originals_sure_readings_are_the_truth() -> None:
    assert UNLABELLED.drop == pytest.approx(4.0)
    assert replace(UNLABELLED, pages=0, same_boxes=None).drop == pytest.approx(2.0)


def test_the_gate_passes_at_the_budget_and_refuses_above_it(capsys: pytest.CaptureFixture[str]) -> None:
    report_and_judge(LABELLED, 1.5)
    with pytest.raises(AccuracyBudgetError, match=r"1\.50 points .* more than --max-drop 1\.4"):
        report_and_judge(LABELLED, 1.4)
    assert "1,234 bytes" in capsys.readouterr().out


def test_a_gain_is_no_loss() -> None:
    better = replace(LABELLED, exact_match=figure(80, 82), hmean=figure(60, 60.5))
    assert better.drop == pytest.approx(-0.5)
    report_and_judge(better, 0)


def test_table_leaves_out_what_was_not_measured() -> None:
    table = as_text(figures(replace(UNLABELLED, pages=0, same_boxes=None, page_time_ratio=None)))
    assert "hmean" not in table
    assert "page" not in table
    assert "recognizer, time / FP32" in table


def test_json_holds_every_figure() -> None:
    data = json.loads(LABELLED.to_json())
    assert data["total_bytes"] == 1234
    assert data["exact_match"]["delta"] == {"value": -1.0, "low": -2.0, "high": 0.0}


def test_the_cpu_has_a_name() -> None:
    name = describe_cpu()
    assert name.rindex("(") > 0
    assert "avx2" in name or "asimddp" in name or "no int8 instructions named" in name
