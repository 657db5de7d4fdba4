"""The figures of a verification as tables and as JSON, and the loss that the gate holds against the budget."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from converters.cli import main
from converters.errors import AccuracyBudgetError, ConversionError
from converters.evaluation.accuracy import Figure
from converters.evaluation.agreement import Agreement
from converters.evaluation.metrics import Delta, Interval
from converters.report import as_markdown, as_text, recipes_tried
from converters.speed import Speed
from converters.verification import Comparison, Loss, ModelFacts, Verification, describe_cpu
from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE

TERMINAL = 110
"""Columns that the tables may take."""


def figure(reference: float, bundle: float) -> Figure:
    return Figure(reference, bundle, Delta(bundle - reference, bundle - reference - 1, bundle - reference + 1))


def share(percent: float) -> Interval:
    return Interval(percent, percent - 2, min(100, percent + 2))


def comparison(name: str = "all") -> Comparison:
    return Comparison(
        name=name,
        lines=200,
        pages=30,
        labelled_lines=150,
        labelled_pages=30,
        exact_match=figure(80.0, 79.0),
        character_error_rate=figure(5.0, 9.0),
        detection_hmean=figure(60.0, 58.5),
        end_to_end_hmean=figure(50.0, 49.5),
        agreement=Agreement(
            lines=1500,
            sure_lines=1200,
            boxes=1320.5,
            common_boxes=1300,
            same_text_where_sure=share(98),
            same_text=share(90),
            change_of_length=Interval(-0.04, -0.06, -0.02),
            same_boxes=share(96),
            same_direction=share(99),
        ),
    )


LABELLED = Verification(
    bundle="ppocrv6-tiny",
    precision="int8",
    digest="0" * 64,
    date="2026-01-01T00:00:00+00:00",
    cpu="a CPU",
    runtimes={"onnxruntime": "1.31.1"},
    sizes={"detector.tflite": 1000, "charset.txt": 234},
    models={"detector": ModelFacts(2, {"SOFTMAX": 1}, {"int8": 60, "float32": 7})},
    speed=Speed(6, 0.5, 0.9, 0.4, 0.45),
    overall=comparison(),
    data=(comparison("lines"),),
)


def with_overall(**changes: Any) -> Verification:
    overall = replace(LABELLED.overall, **changes)
    return replace(LABELLED, overall=overall, data=(replace(overall, name="lines"),))


def with_agreement(verification: Verification, **changes: Any) -> Verification:
    overall = verification.overall
    return replace(verification, overall=replace(overall, agreement=replace(overall.agreement, **changes)))


def loss(verification: Verification) -> Loss:
    assert verification.loss is not None
    return verification.loss


UNLABELLED = with_overall(exact_match=None, character_error_rate=None, detection_hmean=None, end_to_end_hmean=None)


def test_the_loss_is_the_largest_of_lines_boxes_and_both_together() -> None:
    assert (loss(LABELLED).points, loss(LABELLED).figure) == (pytest.approx(1.5), "detection hmean")
    assert loss(with_overall(exact_match=figure(80, 77))).points == pytest.approx(3)
    # Upside-down lines are lost on pages only: neither line pictures nor boxes show it.
    assert loss(with_overall(end_to_end_hmean=figure(50, 40))).figure == "end-to-end hmean"


def test_a_figure_at_which_the_original_scores_nothing_judges_nothing() -> None:
    assert loss(with_overall(exact_match=figure(0, 0), detection_hmean=figure(60, 57))).points == pytest.approx(3)
    hopeless = with_overall(exact_match=figure(0, 0), detection_hmean=None, end_to_end_hmean=None)
    assert hopeless.loss is None


def test_without_labels_nothing_is_known_to_be_lost() -> None:
    assert UNLABELLED.loss is None
    UNLABELLED.judge(0)


def test_pictures_without_text_judge_nothing() -> None:
    nothing = with_agreement(
        UNLABELLED, lines=0, sure_lines=0, boxes=0, common_boxes=0, same_text_where_sure=None, same_text=None,
        change_of_length=None, same_boxes=None, same_direction=None,
    )  # fmt: skip
    with pytest.raises(ConversionError, match="nothing can be judged"):
        nothing.judge(100)


def test_the_gate_passes_at_the_budget_and_refuses_above_it() -> None:
    LABELLED.judge(1.5)
    with pytest.raises(AccuracyBudgetError, match=r"detection hmean loses 1\.50 points .* more than --max-drop 1\.4$"):
        LABELLED.judge(1.4)


def test_a_budget_of_nothing_lets_no_loss_pass_and_every_gain() -> None:
    better = with_overall(exact_match=figure(80, 82), detection_hmean=figure(60, 60.5), end_to_end_hmean=figure(50, 50))
    better.judge(0)
    with pytest.raises(AccuracyBudgetError, match=r"more than --max-drop 0$"):
        with_overall(exact_match=figure(80, 79.99), detection_hmean=None, end_to_end_hmean=None).judge(0)


def test_without_a_budget_the_usual_one_is_kept() -> None:
    with pytest.raises(AccuracyBudgetError, match=r"--max-drop 1\.5$"):
        with_overall(exact_match=figure(80, 78)).judge(None)


@pytest.mark.parametrize("verification", [LABELLED, UNLABELLED], ids=["labelled", "unlabelled"])
def test_what_changes_too_much_is_refused_with_labels_and_without_however_much_may_be_lost(
    verification: Verification,
) -> None:
    changed = with_agreement(verification, same_boxes=share(90))
    sentence = r"^'same boxes' is 90\.0 % \[88\.0, 92\.0\] on 1,320 boxes, less than the 95 % of --gate$"
    with pytest.raises(AccuracyBudgetError, match=sentence):
        changed.judge(100)
    changed.judge(100, limits=[])


def test_everything_that_has_changed_is_told() -> None:
    changed = with_agreement(LABELLED, same_boxes=share(90), change_of_length=Interval(-0.3, -0.4, -0.2))
    with pytest.raises(AccuracyBudgetError, match=r"more than the 0\.03 characters of --gate; 'same boxes' is"):
        changed.judge()


@pytest.mark.parametrize("points", ["nan", "-1", "inf", "many"])
def test_a_budget_is_a_number_of_points(points: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["verify", "somewhere", "--max-drop", points])
    assert caught.value.code == 2
    assert points in capsys.readouterr().err


@pytest.mark.parametrize("workers", ["0", "-2", "many"])
def test_workers_are_counted_from_one(workers: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["verify", "somewhere", "--workers", workers])
    assert caught.value.code == 2


def test_tables_show_what_was_measured_and_leave_out_the_rest() -> None:
    table = as_text(LABELLED)
    assert "1,234" in table
    assert "150 lines" in table and "1,200 lines" in table
    assert "2 pieces" in table and "1 SOFTMAX" in table
    assert "-1.50  [-2.50, -0.50]" in table
    perfect = figure(100, 100)
    equal = as_text(with_overall(exact_match=perfect, character_error_rate=None, detection_hmean=perfect))
    assert [row.split()[4] for row in equal.splitlines() if "100.00 %" in row] == ["lines", "pages"]
    rest = as_text(replace(UNLABELLED, speed=Speed(40, recognizer=0.4)))
    assert "hmean" not in rest
    assert "whole page" not in rest
    assert "recognizer" in rest


def test_a_row_for_each_data_set_where_several_bear_on_a_figure() -> None:
    lines = replace(comparison("lines"), pages=0, detection_hmean=None, end_to_end_hmean=None)
    pages = replace(comparison("pages"), lines=0, exact_match=None, character_error_rate=None)
    rows = as_text(replace(LABELLED, data=(lines, pages))).splitlines()
    assert sum(row.startswith("  exact match") for row in rows) == 1
    assert [row.split()[2] for row in rows if row.startswith("  same text  ")] == ["all", "lines", "pages"]


def test_tables_fit_a_terminal() -> None:
    data = tuple(comparison(f"a data set with a very long name, number {number}") for number in range(3))
    worst = replace(with_overall(exact_match=figure(100.0, 0.0)), data=data, precision="int8-weights")
    text = as_text(replace(worst, refused=(worst, worst)))
    assert max(map(len, text.splitlines())) <= TERMINAL


def test_json_is_for_machines() -> None:
    data = json.loads(replace(LABELLED, refused=(UNLABELLED,)).to_json())
    assert data["schema"] == 2
    assert data["total_bytes"] == 1234
    assert data["loss"] == {"points": pytest.approx(1.5), "figure": "detection hmean"}
    assert data["overall"]["exact_match"]["delta"] == {"value": -1.0, "low": -2.0, "high": 0.0}
    assert data["overall"]["agreement"]["same_boxes"] == {"value": 96.0, "low": 94.0, "high": 98.0}
    assert [each["name"] for each in data["data"]] == ["lines"]
    assert data["data"][0].keys() == data["overall"].keys()
    assert data["models"]["detector"]["outside"] == {"SOFTMAX": 1}
    assert data["speed"]["page"] == 0.45
    (refused,) = data["refused"]
    assert refused.keys() == data.keys()
    assert refused["overall"]["exact_match"] is None
    assert refused["loss"] is None


def test_recipes_tried_are_listed_with_their_figures() -> None:
    whole = replace(with_overall(exact_match=figure(80, 70)), precision="int8-whole")
    *_, first, second = recipes_tried([whole], LABELLED).as_text().splitlines()
    assert first.split()[:3] == ["int8-whole", "refused", "1,234"]
    assert "-10.0 [-11.0, -9.0]" in first
    assert second.split()[:2] == ["int8", "taken"]
    assert "98.0 %" in second and second.endswith("0.45")


def test_the_report_says_which_models_half_precision_has_no_room_for() -> None:
    reached = {
        "detector": {"largest": 70000.0, "smallest_divisor": None, "allowed": False},
        "direction": {"largest": 51.0, "smallest_divisor": None, "allowed": True},
        "recognizer": {"largest": 900.0, "smallest_divisor": 1e-5, "allowed": False},
    }
    manifest = replace(Bundle.open(DEFAULT_BUNDLE).manifest, provenance={"half_precision": reached})
    text = as_markdown(manifest, LABELLED).decode()
    assert "- detector: its numbers reach 70,000\n" in text
    assert "- recognizer: its numbers reach 900, and it divides by 1e-05\n" in text
    assert "- direction" not in text
    assert "half precision" not in as_markdown(Bundle.open(DEFAULT_BUNDLE).manifest, LABELLED).decode()


def test_the_cpu_has_a_name() -> None:
    name = describe_cpu()
    assert name.rindex("(") > 0
    assert "avx2" in name or "asimddp" in name or "no int8 instructions named" in name
