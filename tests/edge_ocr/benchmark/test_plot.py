"""The picture of a result: whole, repeatable, and true to scale."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from PIL import Image

from edge_ocr.benchmark.host.judgement import judge
from edge_ocr.benchmark.host.report.content import Report
from edge_ocr.benchmark.host.targets import read_targets
from edge_ocr.benchmark.result import Result
from edge_ocr.errors import BenchmarkError
from tests.edge_ocr.benchmark.results import PI_4, bundle, emulated, instructions, result, run

plot = pytest.importorskip("edge_ocr.benchmark.host.report.plot", reason="matplotlib is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

TWO = result(bundle(runs=[run(1, factor=2), run(4)]), bundle("float", runs=[run(1, factor=3), run(4, factor=1.5)]))
COUNTED = emulated(bundle(instructions=instructions()), bundle("float", instructions=instructions(2)))


def reports(*results: Result) -> list[Report]:
    targets = {True: read_targets("qemu-cortex-a76"), False: read_targets("raspberry-pi-4")}
    return [Report(each, judge(each, targets[each.bundles[0].instructions is not None])) for each in results]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_results_give_the_same_bytes(suffix: str) -> None:
    assert plot.as_plot(reports(TWO, COUNTED), suffix) == plot.as_plot(reports(TWO, COUNTED), suffix)


def test_a_png_has_something_in_it() -> None:
    picture = Image.open(io.BytesIO(plot.as_plot(reports(TWO), ".png"))).convert("RGB")
    colours = {colour for _, colour in picture.getcolors(1 << 24) or []}
    for drawn in ("#0969da", "#1a7f37", "#bc4c00", "#ffffff"):  # detection, recognition, a limit, the ground
        assert tuple(bytes.fromhex(drawn[1:])) in colours
    assert picture.width == 1350 and 500 < picture.height < 700


def test_an_svg_is_well_formed_and_refers_to_nothing_outside() -> None:
    content = plot.as_plot(reports(TWO), ".svg").decode()
    assert ElementTree.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
    references = re.findall(r'(?:href="|url\()([^")]*)', content)
    assert references and all(each.startswith("#") for each in references)
    assert "<dc:date>" not in content and "<script" not in content


def test_bars_are_to_scale_and_in_the_order_of_the_stages() -> None:
    times = plot._panel(reports(TWO)[0])
    assert [bar.name for bar in times.bars] == [
        "int8, 1 thread",
        "float, 1 thread",
        "int8, 4 threads",
        "float, 4 threads",
    ]
    assert [round(bar.length) for bar in times.bars] == [384, 576, 192, 288]
    assert [bar.limit for bar in times.bars] == [None, None, 1000, None]  # the targets are for four threads
    assert list(times.bars[0].parts) == list(run().stages_ms)[:-1]


def test_an_emulated_cpu_has_bars_of_instructions_and_no_time() -> None:
    counts = plot._panel(reports(COUNTED)[0])
    assert [bar.label for bar in counts.bars[:2]] == ["250.0 M", "500.0 M"]
    assert counts.bars[-2].parts["detect"] == 420e6
    assert all(bar.p90 is None for bar in counts.bars)
    assert not any("ms" in text or "second" in text for text, _ in counts.heading)
    alone = plot._panel([Report(emulated(), None)][0])
    assert [bar.name for bar in alone.bars] == ["detector 640x640", "direction 48x192", "recognizer 48x320", "page"]


def test_two_bundles_are_told_apart_by_whatever_differs() -> None:
    same = plot._panel(Report(result(bundle(), bundle()), None))
    assert [bar.name for bar in same.bars] == ["first, 4 threads", "second, 4 threads"]
    renamed = plot._panel(Report(result(bundle(), replace(bundle(), name="other")), None))
    assert [bar.name for bar in renamed.bars] == ["ppocrv6-tiny (int8), 4 threads", "other (int8), 4 threads"]


@pytest.mark.parametrize("text", ["$\\frac{$", "\x1b[31m文字<b>&\ud800" * 50, ""])
def test_any_text_of_a_device_can_be_drawn(text: str) -> None:
    attacked = replace(bundle(), name=text, precision=text)
    found = result(attacked, facts=replace(PI_4, board=text), problems=(text,))
    counted = emulated(replace(attacked, runs=(), instructions=replace(instructions(), cpu=text, models={text: COUNT})))
    assert plot.as_plot([Report(found, None), Report(counted, None)], ".svg")


COUNT = instructions().models["detector 640x640"]


def test_nothing_measured_can_be_drawn() -> None:
    counted = replace(instructions(), models={}, page=replace(COUNT, instructions=0), stages={})
    assert plot.as_plot([Report(emulated(bundle(instructions=counted)), None)], ".png")


def test_problems_are_in_the_picture() -> None:
    heading = plot._panel(Report(result(problems=("throttled",)), None)).heading
    assert ("Does not count: throttled", "#bc4c00") in heading


def test_without_matplotlib_one_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(BenchmarkError, match=r"matplotlib is needed .*; run: pip install 'edge-ocr\[bench\]'"):
        plot.check_matplotlib()
