"""A result of an emulated CPU: put together from counts, and for real."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge_ocr.benchmark.host import emulated
from edge_ocr.benchmark.host.emulation.emulator import Emulator
from edge_ocr.benchmark.host.emulation.measuring import Measurement
from edge_ocr.benchmark.host.planning import make_plan
from edge_ocr.benchmark.result import EngineFacts, Settings, load_result, parse_result
from edge_ocr.cli import main
from edge_ocr.doctor import SAMPLE
from edge_ocr.errors import BenchmarkError
from tests.conftest import skip
from tests.edge_ocr.benchmark.results import instructions

SETTINGS = Settings((1, 2, 4), 20, 3, 5, None, None)
MEASURED = Measurement(
    instructions=replace(instructions(), versions={"qemu": "7.2", "python": "3.13.5", "ai-edge-litert": "2.3.0"}),
    problems=("detector 640x640: the reference kernel Conv takes 9.0% of the instructions",),
    page=("two", "lines"),
    lines={},
)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts are there at once."""
    monkeypatch.setattr(Emulator, "prepare", lambda note, **_: Emulator(Path(), Path(), Path()))
    monkeypatch.setattr(emulated, "measure", lambda emulator, cpu, **_: MEASURED)


def test_counts_become_a_result(counted: None) -> None:
    notes: list[str] = []
    result = emulated.count("qemu:cortex-a76", make_plan([None, None], [str(SAMPLE)], SETTINGS), notes.append)
    assert parse_result(result.to_json(), "it") == result
    assert (result.device, result.health, len(result.bundles)) == ("qemu:cortex-a76", None, 2)
    assert result.bundles[0].instructions == MEASURED.instructions and not result.bundles[0].runs
    assert result.bundles[0].engine == EngineFacts("ai-edge-litert", "2.3.0")
    assert result.problems == MEASURED.problems * 2
    assert (result.pictures[0].name, result.pictures[0].lines) == (SAMPLE.name, 2)
    assert (result.facts.machine, result.facts.python) == ("aarch64", "3.13.5")
    assert [(each.cores, each.cpu) for each in result.facts.clusters] == [(4, "Cortex-A76")]
    assert "asimddp" in result.facts.features
    assert (
        "asimddp" not in emulated.count("qemu:cortex-a53", make_plan([None], [], SETTINGS), notes.append).facts.features
    )


@pytest.mark.parametrize(
    ("pictures", "changes", "said"),
    [
        ([str(SAMPLE), str(SAMPLE)], {}, "reads one page, and 2 pictures are named"),
        ([], {"engine": "litert"}, "--engine litert is not for an emulated CPU"),
        ([], {"det_side": 640}, "--det-side 640 is not for an emulated CPU"),
    ],
)
def test_what_is_not_counted_is_refused(
    counted: None, pictures: list[str], changes: dict[str, object], said: str
) -> None:
    plan = make_plan([None], pictures, replace(SETTINGS, **changes))  # type: ignore[arg-type]
    with pytest.raises(BenchmarkError, match=said):
        emulated.count("qemu:cortex-a76", plan, lambda line: None)


@pytest.mark.slow
def test_for_real(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    try:
        Emulator.prepare(lambda line: None)
    except BenchmarkError as problem:
        skip("emulation", str(problem))
    answer = tmp_path / "result.json"
    status = main(["bench", "--device", "qemu:cortex-a76", "--pictures", str(SAMPLE), "--json", str(answer)])
    out = capfd.readouterr().out
    result = load_result(answer)
    assert status == (1 if result.problems else 0)
    counted = result.bundles[0].instructions
    assert counted and counted.page
    assert set(counted.models) == {"detector 640x640", "direction 48x192", "recognizer 48x320"}
    assert sum(counted.stages.values()) == counted.page.instructions
    assert result.pictures[0].lines == 2
    assert "million instructions" in out and "milliseconds" not in out
