"""Two results side by side."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from edge_ocr.benchmark.host.comparing import compare
from edge_ocr.benchmark.host.report.table import as_table
from edge_ocr.benchmark.result import MeasuredPicture, Result
from edge_ocr.errors import BenchmarkError
from tests.edge_ocr.benchmark.results import PI_4, bundle, emulated, instructions, result, run


def shown(folder: Path, one: Result, other: Result) -> str:
    for name, each in (("a", one), ("b", other)):
        (folder / f"{name}.json").write_bytes(each.to_json())
    return as_table(compare(folder / "a.json", folder / "b.json"))


def ratio(text: str, name: str) -> tuple[float, float, float]:
    matched = re.search(rf"^  {name} .* (\d+\.\d+)  \[(\d+\.\d+), (\d+\.\d+)\]$", text, re.MULTILINE)
    assert matched, text
    value, low, high = map(float, matched.groups())
    return value, low, high


def test_ratios_have_intervals_from_what_was_measured(tmp_path: Path) -> None:
    text = shown(tmp_path, result(), result(bundle("float", runs=[run(factor=1.5)])))
    for name in ("detect", "recognise", "page", "load", "start to first text"):
        value, low, high = ratio(text, name)
        assert value == pytest.approx(1.5, abs=0.001)
        # The samples lie evenly within 2 % of their mean: std / mean is .0125, 20 and 20 of them, or 5 and 5.
        width = 0.0125 * 1.5 * 1.96 * (2 / (20 if name in ("detect", "recognise", "page") else 5)) ** 0.5
        assert low == pytest.approx(1.5 - width, rel=0.01)
        assert high == pytest.approx(1.5 + width, rel=0.01)
    assert re.search(r"peak memory +180\.00 MB +180\.00 MB +1\.000$", text, re.MULTILINE)
    assert re.search(r"size of models and charset +2\.19 MB +2\.19 MB +1\.000$", text, re.MULTILINE)


def test_equal_results_have_ratios_of_one_and_only_the_remark_on_time(tmp_path: Path) -> None:
    text = shown(tmp_path, result(), result())
    value, low, high = ratio(text, "page")
    assert value == 1 and low < 1 < high
    assert text.count("differ") == 1 and "measured at different times" in text


def test_only_numbers_of_threads_in_common_are_compared(tmp_path: Path) -> None:
    one, other = result(bundle(runs=[run(1), run(2)])), result(bundle(runs=[run(2), run(4)]))
    text = shown(tmp_path, one, other)
    assert "2 threads\n" in text and "1 thread\n" not in text and "4 threads\n" not in text


def test_instructions_are_compared_exactly(tmp_path: Path) -> None:
    text = shown(tmp_path, emulated(), emulated(bundle(instructions=instructions(1.25))))
    assert re.search(r"detector 640x640 +250\.0 M +312\.5 M +1\.250$", text, re.MULTILINE)
    assert "Why the ratios may mean little" not in text
    assert " ms" not in text and "[" not in text


def test_a_mean_that_tells_nothing_has_no_interval(tmp_path: Path) -> None:
    measured = run()
    wild = result(bundle(runs=[replace(measured, load_ms=replace(measured.load_ms, std=1e18))]))
    assert re.search(r"load +90\.0 ms +90\.0 ms +1\.000$", shown(tmp_path, wild, result()), re.MULTILINE)


def test_counts_with_another_emulator_are_told(tmp_path: Path) -> None:
    counted = instructions()
    other = replace(counted, versions={**counted.versions, "qemu": "7.2.23"})
    text = " ".join(shown(tmp_path, emulated(), emulated(bundle(instructions=other))).split())
    assert "the version of qemu differs: 7.2.22 and 7.2.23" in text


OTHER_PICTURE = MeasuredPicture("page.jpg", "00" * 32, 960, 672, 17)
WARNINGS: dict[str, tuple[Result, str]] = {
    "board": (
        result(facts=replace(PI_4, board="Raspberry Pi 5 Model B Rev 1.0")),
        "the board differs: Raspberry Pi 4 Model B Rev 1.4 and Raspberry Pi 5 Model B Rev 1.0",
    ),
    "governor": (
        result(facts=replace(PI_4, governor="performance")),
        "the CPU differs: 4 x Cortex-A72 up to 1500 MHz, governor ondemand and 4 x Cortex-A72 up to 1500 MHz, governor "
        "performance",
    ),
    "engine": (
        result(replace(bundle(), engine=replace(bundle().engine, version="1.4.0"))),
        "the engine differs: ai-edge-litert 2.3.0 and ai-edge-litert 1.4.0",
    ),
    "edge-ocr": (replace(result(), edge_ocr="0.2.0"), "the version of edge-ocr differs: 0.1.0 and 0.2.0"),
    "Python": (result(facts=replace(PI_4, python="3.11.2")), "the Python differs: 3.13.5 and 3.11.2"),
    "side": (
        replace(result(), settings=replace(result().settings, det_side=640)),
        "the detector's long side differs: the bundle's and 640",
    ),
    "pictures": (
        replace(result(), pictures=(replace(OTHER_PICTURE, name="other.jpg"),)),
        "the pictures differ: page.jpg and other.jpg",
    ),
    "content": (replace(result(), pictures=(OTHER_PICTURE,)), "the same names (page.jpg) but different content"),
    "problems": (result(problems=("it was throttled",)), "B does not count: it was throttled"),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_what_makes_a_comparison_mean_little_is_said(tmp_path: Path, case: str) -> None:
    other, said = WARNINGS[case]
    text = " ".join(shown(tmp_path, result(), other).split())
    assert said in text


def test_kinds_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="one of the two is counted in instructions, the other timed"):
        shown(tmp_path, result(), emulated())
    with pytest.raises(BenchmarkError, match="A has times with 1 thread, B times with 2 threads: nothing in common"):
        shown(tmp_path, result(bundle(runs=[run(1)])), result(bundle(runs=[run(2)])))


def test_a_result_of_another_version_is_refused(tmp_path: Path) -> None:
    values = json.loads(result().to_json())
    (tmp_path / "a.json").write_bytes(result().to_json())
    (tmp_path / "b.json").write_text(json.dumps({**values, "schema": 2}))
    with pytest.raises(BenchmarkError, match=r"b\.json is the result of another version: its schema is 2"):
        compare(tmp_path / "a.json", tmp_path / "b.json")
