"""What people and build servers read of a result."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from edge_ocr.benchmark.host.judgement import judge
from edge_ocr.benchmark.host.report.amounts import amount, beside, faster, limit_amount
from edge_ocr.benchmark.host.report.content import Report, say
from edge_ocr.benchmark.host.report.junit import THE_RUN_COUNTS, as_junit
from edge_ocr.benchmark.host.report.markdown import as_markdown
from edge_ocr.benchmark.host.report.table import as_table
from edge_ocr.benchmark.host.targets import Unit, read_targets
from edge_ocr.benchmark.result import EngineFacts, Kernel, MeasuredPicture, Result, SpeedUp
from tests.edge_ocr.benchmark.results import PI_4, bundle, emulated, instructions, result, run

PI_4_TARGETS = read_targets("raspberry-pi-4")
QEMU_TARGETS = read_targets("qemu-cortex-a76")


def judged(found: Result) -> Report:
    targets = QEMU_TARGETS if found.bundles[0].instructions else PI_4_TARGETS
    return Report(found, judge(found, targets))


def table(report: Report) -> str:
    return as_table(say(report))


def row(text: str, name: str) -> list[str]:
    """The cells of the first row of that name."""
    (line, *_) = (line for line in text.splitlines() if line.strip().startswith(name))
    return line.strip().removeprefix(name).split()


def test_the_table_has_every_stage_and_figure() -> None:
    shown = table(judged(result()))
    assert row(shown, "milliseconds") == ["mean", "std", "min", "p50", "p90", "p99"]
    assert row(shown, "detect") == ["100.00", "1.25", "98.00", "100.00", "101.60", "101.96"]
    assert row(shown, "recognise")[0] == "60.00"
    assert row(shown, "page ")[0] == "192.00"
    assert row(shown, "start to first text")[0] == "1500.00"
    assert row(shown, "peak memory") == ["180.00", "MB"]
    assert "Raspberry Pi 4 Model B Rev 1.4, BCM2711" in shown
    assert "cpu-thermal 45 to 61 °C" in shown and "governor ondemand" in shown
    assert "2.19 MB: detector 0.55, direction 0.18, recognizer 1.43, charset 0.03" in shown
    assert "page.jpg (960 x 720, 17 lines)" in shown


def test_the_table_ends_in_the_verdict_and_says_where_each_limit_comes_from() -> None:
    report = judged(result(bundle(runs=[run(factor=4)])))
    shown = table(report)
    assert row(shown, "page, p90") == ["780.3", "ms", "1,000", "ms", "met", "[3]"]
    assert row(shown, "detect, p90") == ["406.4", "ms", "325", "ms", "MISSED", "[4]"]
    assert re.search(r"\[4\] to beat: PP-OCRv3 detector", shown)
    assert re.search(r"\[3\] our budget: ", shown)
    assert "It does not pass raspberry-pi-4: of 8 limits 6 met, 2 MISSED\n" in shown
    assert "It passes raspberry-pi-4: of 8 limits 8 met" in table(judged(result()))


def test_problems_come_before_the_verdict() -> None:
    shown = table(judged(result(problems=("the board was throttled",), advice=("cool it",))))
    assert shown.index("This run does not count\n  the board was throttled") < shown.index("It does not pass")
    assert "For a steadier run\n  cool it" in shown


def test_a_speed_up_below_one_is_called_slower() -> None:
    two = result(
        bundle(),
        bundle("float"),
        speed_ups=(SpeedUp(1, 0.83, 0.80, 0.86, 20), SpeedUp(4, 1.5, 1.4, 1.6, 20), SpeedUp(2, 1.01, 0.97, 1.05, 20)),
    )
    shown = table(Report(two, None))
    assert "speed-up, 1 thread   0.83x: slower [0.80, 0.86], 20 pairs" in shown
    assert "speed-up, 4 threads  1.50x: faster [1.40, 1.60], 20 pairs" in shown
    assert "speed-up, 2 threads  1.01x: no difference that this run can tell [0.97, 1.05], 20 pairs" in shown
    assert faster(SpeedUp(1, 1.0, 1.0, 1.0, 10)).startswith("1.00x: no difference")
    assert faster(SpeedUp(1, 1.5, 1.4, 1.6, 9)) == "1.50x: too few readings to tell"


def test_an_emulated_cpu_has_instructions_and_no_time() -> None:
    """Not even where somebody has written times into its result."""
    timed = replace(bundle(instructions=instructions()), runs=(run(),))
    for found in (emulated(), emulated(timed), emulated(timed, replace(timed, precision="float"))):
        report = judged(found)
        for shown in (
            table(report),
            as_markdown(say(report)),
            as_junit([(found, judge(found, QEMU_TARGETS))]).decode(),
        ):
            assert not re.search(r"\bms\b|milliseconds|second|p90|192\.\d|1500\.\d", shown)
        assert row(table(report), "detector 640x640")[:2] == ["250.0", "41.0%"]
        assert row(table(report), "page")[0] == "700.0"
        assert row(table(report), "recognise")[0] == "205.0"
    two = emulated(bundle(instructions=instructions()), bundle("float", instructions=instructions(2)))
    assert row(table(Report(two, None)).split(" against ppocrv6-tiny")[1], "detector 640x640") == ["0.500"]


def test_nothing_counted_is_no_reason_to_fail() -> None:
    nothing = emulated(bundle(instructions=replace(instructions(), models={}, page=None, stages={})))
    assert "million instructions" in table(judged(nothing)) and as_markdown(say(judged(nothing)))


@pytest.mark.parametrize(
    ("value", "limit", "unit", "shown"),
    [
        (267.96, 268.0, Unit.MILLISECONDS, "268.0 ms"),
        (268.0, 268.0, Unit.MILLISECONDS, "268.0 ms"),
        (268.0004, 268.0, Unit.MILLISECONDS, "268.0004 ms"),
        (3_500_001, 3_500_000, Unit.BYTES, "3.500001 MB"),
        (0.5101, 0.51, Unit.POINTS, "0.5101 points"),
        (1e6, 268.0, Unit.MILLISECONDS, "1,000,000.0 ms"),
    ],
)
def test_a_figure_beside_its_limit_shows_on_which_side_it_is(
    value: float, limit: float, unit: Unit, shown: str
) -> None:
    assert beside(value, limit, unit) == shown


def test_limits_are_shown_as_they_were_written() -> None:
    assert limit_amount(3_500_000, Unit.BYTES) == "3.5 MB"
    assert limit_amount(313_900_000, Unit.INSTRUCTIONS) == "313.9 M"
    assert amount(2_188_036, Unit.BYTES) == "2.19 MB"


HOSTILE = "\x1b[2J\x07 | a\r\nb `c` <script>alert(1)</script> ]]> & \"' $x$ \ud800\ufffe\u202e **d** [e](f) | "


def hostile() -> Result:
    """A result in which every text is somebody's attempt."""
    attacked = replace(
        bundle(),
        name=HOSTILE,
        precision=HOSTILE,
        digest=HOSTILE,
        bytes={"total": 1, HOSTILE: 2},
        engine=EngineFacts(HOSTILE, HOSTILE),
    )
    facts = replace(PI_4, board=HOSTILE, soc=HOSTILE, system=HOSTILE, versions={HOSTILE: HOSTILE}, features=(HOSTILE,))
    return replace(
        result(attacked, facts=facts, problems=(HOSTILE,), advice=(HOSTILE,), device=HOSTILE),
        date=HOSTILE,
        edge_ocr=HOSTILE,
        pictures=(MeasuredPicture(HOSTILE, "", 1, 1, 1),),
    )


def hostile_counts() -> Result:
    counted = instructions()
    count = replace(counted.models["detector 640x640"], hottest=(Kernel(HOSTILE, 0.5),))
    counted = replace(counted, cpu=HOSTILE, models={HOSTILE: count}, versions={HOSTILE: HOSTILE})
    return emulated(bundle(instructions=counted))


@pytest.mark.parametrize("found", [hostile(), hostile_counts()])
def test_no_text_of_a_device_drives_a_terminal(found: Result) -> None:
    shown = table(judged(found))
    assert all(character.isprintable() or character == "\n" for character in shown)


@pytest.mark.parametrize("found", [hostile(), hostile_counts()])
def test_no_text_of_a_device_is_markup_in_markdown(found: Result) -> None:
    shown = as_markdown(say(judged(found)))
    assert all(character.isprintable() or character == "\n" for character in shown)
    plain = re.sub(r"\\[\\`*_\[\]<>#!|~&$]", "", shown)
    assert not re.search(r"[`<>\[\]&$]", plain)
    rows = [line for line in plain.splitlines() if line.startswith("|")]
    assert rows and {line.count("|") for line in rows} <= {3, 5, 6, 8}  # of the tables with 2, 4, 5 and 7 columns
    for number, line in enumerate(plain.splitlines()):
        if line.startswith("|--"):
            assert plain.splitlines()[number - 1].count("|") == plain.splitlines()[number + 1].count("|")


@pytest.mark.parametrize("found", [hostile(), hostile_counts()])
def test_no_text_of_a_device_breaks_the_xml(found: Result) -> None:
    content = as_junit([(found, judge(found, PI_4_TARGETS))])
    root = ElementTree.fromstring(content)
    assert all(character.isprintable() or character == "\n" for character in content.decode("utf-8"))
    texts = [value for element in root.iter() for value in element.attrib.values()]
    assert any("<script>alert(1)</script> ]]> &" in text for text in texts)


def test_junit_has_a_case_for_each_limit_and_one_for_the_run() -> None:
    good, bad = result(), result(bundle(runs=[run(factor=4)]), problems=("throttled",))
    unverified = result(replace(bundle(), accuracy_loss_points=None))
    root = ElementTree.fromstring(as_junit([(each, judge(each, PI_4_TARGETS)) for each in (good, bad, unverified)]))
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuites", "27", "4")
    suites = list(root.iter("testsuite"))
    assert [(suite.get("tests"), suite.get("failures")) for suite in suites] == [("9", "0"), ("9", "3"), ("9", "1")]
    cases = list(suites[1].iter("testcase"))
    failed = {case.get("name"): each.get("message", "") for case in cases for each in case.iter("failure")}
    assert set(failed) == {"detect, p90", "start to first text, p90", THE_RUN_COUNTS}
    assert "406.4 ms, limit 325 ms (PP-OCRv3" in failed["detect, p90"]
    assert "throttled" in failed[THE_RUN_COUNTS]
    (failure,) = suites[2].iter("failure")
    assert failure.get("type") == "not measured"


def test_markdown_is_made_of_tables() -> None:
    shown = as_markdown(say(judged(result())))
    assert shown.startswith("## ppocrv6-tiny (int8) on Raspberry Pi 4 Model B Rev 1.4\n")
    assert "| detect | 100.00 | 1.25 | 98.00 | 100.00 | 101.60 | 101.96 |" in shown
    assert "| milliseconds | mean | std | min | p50 | p90 | p99 |\n|---|---:|---:|---:|---:|---:|---:|" in shown
    assert "| page, p90 | 195.1 ms | 1,000 ms | met | \\[3\\] |" in shown
