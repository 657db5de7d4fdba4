"""The gate that holds a bundle to its recorded figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_ocr.benchmark.host.emulation.cpus import CPUS
from edge_ocr.benchmark.host.emulation.recorded import Recorded, as_toml, check, read_recorded
from edge_ocr.benchmark.result import Count, Instructions
from edge_ocr.errors import BenchmarkError
from edge_ocr.models import DEFAULT_DIGEST

BUNDLE = "ab" * 32
MODELS = {"detector 640x640": 265_000_000, "recognizer 48x320": 38_000_000}
RECORDED = Recorded(BUNDLE, {"cortex-a76": MODELS})


def measured(factor: float = 1.0, *, cpu: str = "cortex-a76", without: str = "") -> Instructions:
    counts = {name: Count(round(factor * count), (), "") for name, count in MODELS.items() if name != without}
    return Instructions(cpu, {}, counts, None, {})


@pytest.mark.parametrize("factor", [1.0, 1.0049, 0.9951])
def test_equal_figures_pass(factor: float) -> None:
    assert check(measured(factor), BUNDLE, RECORDED) == ()


@pytest.mark.parametrize("factor, change", [(1.006, "+0.6%"), (0.994, "-0.6%"), (2.0, "+100.0%")])
def test_other_figures_do_not_pass(factor: float, change: str) -> None:
    differences = check(measured(factor), BUNDLE, RECORDED)
    assert len(differences) == 2
    assert differences[0].startswith(
        f"detector 640x640 on cortex-a76 takes {round(factor * 265_000_000):,} instructions, {change} against the "
        "265,000,000 that are recorded; "
    )


def test_what_was_not_measured_does_not_pass() -> None:
    (difference,) = check(measured(without="recognizer 48x320"), BUNDLE, RECORDED)
    assert difference.startswith("recognizer 48x320 on cortex-a76 is recorded but was not measured; ")


def test_another_bundle_does_not_pass() -> None:
    (difference,) = check(measured(), "cd" * 32, RECORDED)
    assert difference.startswith("bundle cdcdcdcdcdcd was measured, but the figures are those of abababababab; ")


def test_another_cpu_does_not_pass() -> None:
    (difference,) = check(measured(cpu="i8mm"), BUNDLE, RECORDED)
    assert difference.startswith("nothing is recorded for i8mm, only for cortex-a76; ")


def test_figures_are_read_as_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "recorded.toml"
    file.write_text(as_toml(BUNDLE, {"cortex-a76": measured()}))
    assert read_recorded(file) == RECORDED


@pytest.mark.parametrize(
    "content, message",
    [
        ("bundle = ", "are not TOML"),
        ("bundle = 'x'", "instructions"),
        ("bundle = 'x'\n[instructions]\ni8mm = 3", "instructions.i8mm"),
        ("bundle = 'x'\n[instructions.i8mm]\ndetector = 'many'", "detector"),
        ("bundle = 'x'\nmore = 1\n[instructions]", "more"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "recorded.toml"
    file.write_text(content)
    with pytest.raises(BenchmarkError, match=message):
        read_recorded(file)
    with pytest.raises(BenchmarkError, match="cannot be read: No such file"):
        read_recorded(tmp_path / "nothing.toml")


def test_the_figures_of_the_default_bundle_are_recorded_for_every_cpu() -> None:
    recorded = read_recorded()
    assert recorded.bundle == DEFAULT_DIGEST
    assert list(recorded.instructions) == list(CPUS)
