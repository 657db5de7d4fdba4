"""The gate: what it refuses, and why."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from edge_ocr.benchmark.host.judgement import Verdict, judge
from edge_ocr.benchmark.host.targets import Limit, Targets, read_targets
from edge_ocr.benchmark.result import BundleResult, Result, Run, Settings
from tests.edge_ocr.benchmark.results import PI_4, bundle, emulated, instructions, result, run

PI_4_TARGETS = read_targets("raspberry-pi-4")
QEMU_TARGETS = read_targets("qemu-cortex-a76")


def verdict(found: Result, targets: Targets, key: str) -> Verdict:
    (row,) = (row for row in judge(found, targets).rows if row.limit.figure.key == key)
    return row.verdict


def with_limit(targets: Targets, key: str, value: float) -> Targets:
    """The targets with another value for one of their limits."""

    def changed(limit: Limit) -> Limit:
        return replace(limit, limit=value) if limit.figure.key == key else limit

    assert any(limit.figure.key == key for limit in targets.limits)
    return replace(targets, limits=tuple(map(changed, targets.limits)))


def test_a_result_within_all_limits_passes() -> None:
    judgement = judge(result(), PI_4_TARGETS)
    assert judgement.passed
    assert {row.verdict for row in judgement.rows} == {Verdict.MET}
    assert judge(emulated(), QEMU_TARGETS).passed


def measured(found: Result) -> dict[str, float]:
    timed: Run = found.bundles[0].runs[0]
    assert timed.cold_start_ms
    return {
        "total_bytes": 2_188_036,
        "accuracy_loss_points": 0.375,
        "p90_ms.page": timed.stages_ms["page"].p90,
        "p90_ms.detect": timed.stages_ms["detect"].p90,
        "p90_ms.recognise": timed.stages_ms["recognise"].p90,
        "p90_ms.direction": timed.stages_ms["direction"].p90,
        "p90_ms.cold_start": timed.cold_start_ms.p90,
        "peak_rss_bytes": 180_000_000,
    }


@pytest.mark.parametrize("key", measured(result()))
def test_each_limit_is_missed_by_a_hair_and_met_on_the_line(key: str) -> None:
    value = measured(result())[key]
    on_the_line = judge(result(), with_limit(PI_4_TARGETS, key, value))
    over = judge(result(), with_limit(PI_4_TARGETS, key, math.nextafter(value, 0)))
    assert on_the_line.passed
    assert not over.passed
    assert [row.limit.figure.key for row in over.rows if row.verdict is Verdict.MISSED] == [key]


@pytest.mark.parametrize(
    ("key", "count"), [("instructions.detector 640x640", 250_000_000), ("instructions.recognizer 48x320", 20_000_000)]
)
def test_one_instruction_too_many_is_too_many(key: str, count: int) -> None:
    assert judge(emulated(), with_limit(QEMU_TARGETS, key, count)).passed
    assert verdict(emulated(), with_limit(QEMU_TARGETS, key, count - 1), key) is Verdict.MISSED


def test_a_run_with_problems_does_not_pass_whatever_its_figures_are() -> None:
    judgement = judge(result(problems=("the clock fell to 600 MHz",)), PI_4_TARGETS)
    assert {row.verdict for row in judgement.rows} == {Verdict.MET}
    assert not judgement.passed
    assert "has problems" in judgement.objections[0]


ASKED = result().settings


@pytest.mark.parametrize(
    ("option", "few", "enough"),
    [
        ("--repeats", replace(ASKED, repeats=4), replace(ASKED, repeats=5)),
        ("--cold-starts", replace(ASKED, cold_starts=4), replace(ASKED, cold_starts=5)),
    ],
)
def test_the_p90_of_a_few_is_no_pass(option: str, few: Settings, enough: Settings) -> None:
    judgement = judge(replace(result(), settings=few), PI_4_TARGETS)
    assert not judgement.passed
    assert [f"{option} 4 is too few" in objection for objection in judgement.objections] == [True]
    assert judge(replace(result(), settings=enough), PI_4_TARGETS).passed
    of_the_size = replace(PI_4_TARGETS, limits=PI_4_TARGETS.limits[:1])
    assert judge(replace(result(), settings=few), of_the_size).passed


def test_another_side_of_the_detector_is_no_pass() -> None:
    smaller = replace(result(), settings=replace(result().settings, det_side=320))
    (objection,) = judge(smaller, PI_4_TARGETS).objections
    assert "looked at a long side of 320 and not the bundle's" in objection


def test_other_pictures_than_the_limits_are_for_are_no_pass() -> None:
    tiny = replace(result(), pictures=(replace(result().pictures[0], sha256="ef" * 32),))
    (objection,) = judge(tiny, PI_4_TARGETS).objections
    assert "for the built-in page of 17 lines" in objection
    assert judge(tiny, replace(PI_4_TARGETS, name="my-pictures")).passed


def unverified() -> BundleResult:
    return replace(bundle(), accuracy_loss_points=None)


@pytest.mark.parametrize(
    ("found", "keys"),
    [
        (result(bundle(runs=[replace(run(), cold_start_ms=None)])), {"p90_ms.cold_start"}),
        (result(unverified()), {"accuracy_loss_points"}),
        (
            result(bundle(runs=[run(threads=1), run(threads=2)])),
            {key for key in measured(result()) if key.startswith("p90_ms.") or key == "peak_rss_bytes"},
        ),
    ],
)
def test_what_was_not_measured_is_not_met(found: Result, keys: set[str]) -> None:
    judgement = judge(found, PI_4_TARGETS)
    assert {row.limit.figure.key for row in judgement.rows if row.verdict is Verdict.NOT_MEASURED} == keys
    assert not judgement.passed


def test_a_model_or_a_page_that_was_not_counted_is_not_met() -> None:
    counted = instructions()
    without = replace(counted, models={"detector 640x640": counted.models["detector 640x640"]}, page=None)
    judgement = judge(emulated(bundle(instructions=without)), QEMU_TARGETS)
    missing = [row.limit.figure.name for row in judgement.rows if row.verdict is Verdict.NOT_MEASURED]
    assert missing == ["direction 48x192", "recognizer 48x320", "page"]
    assert not judgement.passed


def test_the_limits_of_another_device_are_no_pass() -> None:
    laptop = result(facts=replace(PI_4, board="ThinkPad X1", soc=None))
    assert not judge(laptop, PI_4_TARGETS).passed
    assert "for another device (Raspberry Pi 4" in judge(laptop, PI_4_TARGETS).objections[0]
    assert "this is ThinkPad X1" in judge(laptop, PI_4_TARGETS).objections[0]
    nameless = result(facts=replace(PI_4, board=None, soc=None))
    assert "this is a board that does not say its name" in judge(nameless, PI_4_TARGETS).objections[0]


def test_an_emulated_board_is_not_the_board() -> None:
    """Even where it says that it is one, and has times to show for it."""
    pretender = replace(bundle(instructions=instructions()), runs=(run(),))
    judgement = judge(replace(emulated(pretender), facts=PI_4), PI_4_TARGETS)
    assert "this is an emulated cortex-a76" in judgement.objections[0]
    assert {row.verdict for row in judgement.rows if row.limit.figure.key.startswith("p90_ms")} == {
        Verdict.NOT_MEASURED
    }
    assert not judge(emulated(bundle(instructions=instructions(cpu="cortex-a72"))), QEMU_TARGETS).passed
    assert not judge(result(), QEMU_TARGETS).passed


def test_the_first_bundle_is_judged_and_not_the_one_it_is_held_against() -> None:
    slow = bundle("float", runs=[run(factor=100)])
    assert judge(result(bundle(), slow), PI_4_TARGETS).passed
    assert not judge(result(slow, bundle()), PI_4_TARGETS).passed
