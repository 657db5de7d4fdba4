"""The command: its refusals, and its tables and exit status around counts made by hand."""

from __future__ import annotations

from pathlib import Path

import measure_instructions
import pytest
from measure_instructions import Pair, main, ratios

from edge_ocr.benchmark.host.emulation.measuring import Measurement
from edge_ocr.benchmark.host.emulation.recorded import read_recorded
from edge_ocr.benchmark.result import Count, Instructions, Kernel
from edge_ocr.bundle import Bundle


def measurement(cpu: str, millions: float, *problems: str) -> Measurement:
    """Of models and a page that take so many million instructions each."""
    count = Count(round(millions * 1e6), (Kernel("f32_gemm", 0.7), Kernel("vmul", 0.2)), "ab" * 32)
    models = dict.fromkeys(("detector 640x640", "recognizer 48x320", "direction 48x192"), count)
    return Measurement(Instructions(cpu, {"qemu": "7.2"}, models, count, {}), problems, (), {})


PAIRS = {
    "cortex-a72": Pair(measurement("cortex-a72", 100), measurement("cortex-a72", 80)),
    "cortex-a76": Pair(measurement("cortex-a76", 100), measurement("cortex-a76", 40)),
}
HOT = Pair(measurement("cortex-a76", 100), measurement("cortex-a76", 20, "the reference kernel X is hot"))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--cpu", "z80"], "invalid choice: 'z80'"),
        (["--jobs", "none"], "'none' is not a whole number of at least 1"),
    ],
)
def test_a_bad_option_is_refused_before_the_work(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--record", "--cpu", "cortex-a76"], "--record is for the default bundle on all CPUs"),
        (["--record", "--bundle", "b"], "--record is for the default bundle on all CPUs"),
        (["--page", "missing.png"], "missing.png"),
        (["--bundle", "missing"], "there is no bundle"),
    ],
)
def test_bad_input_is_one_sentence(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert complaint in captured.err
    assert captured.err.count("\n") == 1


def test_ratios_are_of_each_model_and_of_the_page() -> None:
    assert ratios(PAIRS)["cortex-a76: detector 640x640"] == 0.4
    assert ratios(PAIRS)["cortex-a72: page"] == 0.8
    assert len(ratios(PAIRS)) == 8


class TestWithoutEmulation:
    """The rest of the command, around counts made by hand."""

    @pytest.fixture(autouse=True)
    def made_by_hand(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        monkeypatch.setattr(measure_instructions, "measure_all", lambda *_: PAIRS)
        monkeypatch.setattr(measure_instructions, "RECORDED", tmp_path / "recorded.toml")
        return tmp_path / "recorded.toml"

    def test_the_tables_are_shown_and_written(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--markdown", str(tmp_path / "a.md")]) == 0
        shown = capsys.readouterr().out
        assert (tmp_path / "a.md").read_text("utf-8") == shown
        table = shown.replace(" ", "")
        assert "|detector640x640,cortex-a76|100.0|40.0|0.400|" in table
        assert "|cortex-a76:recognizer48x320|0.400|atmost0.35|MISSED|" in table
        assert "|recognizer48x320,cortex-a72|f32_gemm70%,vmul20%|" in table
        assert "- Nothing is wrong" in shown

    def test_a_missed_aim_is_the_exit_status(self) -> None:
        assert main(["--check"]) == 1

    def test_the_counts_of_the_default_bundle_are_recorded(self, made_by_hand: Path) -> None:
        assert main(["--record"]) == 0
        recorded = read_recorded(made_by_hand)
        assert recorded.bundle == Bundle.open().digest
        assert recorded.instructions["cortex-a76"]["detector 640x640"] == 40_000_000
        assert recorded.instructions.keys() == PAIRS.keys()

    def test_counts_with_a_hot_reference_kernel_neither_pass_nor_are_recorded(
        self, made_by_hand: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(measure_instructions, "measure_all", lambda *_: {"cortex-a76": HOT})
        assert main(["--check"]) == 1  # though its ratios meet their aims
        assert "MISSED" not in capsys.readouterr().out
        assert main(["--record"]) == 2
        assert "not fit to be recorded: cortex-a76: the reference kernel X is hot" in capsys.readouterr().err
        assert not made_by_hand.exists()

    def test_nothing_to_judge_is_no_pass(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(measure_instructions, "measure_all", lambda *_: {"i8mm": PAIRS["cortex-a76"]})
        assert main(["--check"]) == 2

    def test_nothing_is_recorded_unless_it_is_asked_for(self, made_by_hand: Path) -> None:
        assert main([]) == 0
        assert not made_by_hand.exists()
