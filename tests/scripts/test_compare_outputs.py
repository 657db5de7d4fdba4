"""The command: its refusals, its tables, and, slowly, itself on few lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import compare_outputs
import pytest
from compare_outputs import Outcome, main
from emulated.bundles import INTEGERS
from emulated.equality import Equality

from converters.evaluation.metrics import Delta
from edge_ocr.bundle import Bundle

SAME = Equality("cortex-a72", {"detector 640x640": True}, 500, 500, 0.0, {}, Delta(0, 0, 0))
OTHER = Equality("cortex-a76", {"detector 640x640": False}, 500, 20, 0.75, {"7.jpg": ("l0", "10")}, Delta(0.2, 0, 0.6))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--cpu", "z80"], "invalid choice: 'z80'"),
        (["--lines", "0"], "'0' is not a whole number of at least 1"),
        (["--recipe", "int9"], "invalid choice: 'int9'"),
        (["--recipe", "int8", "--bundle", "b"], "not allowed with argument"),
        (["--markdown", "/"], "the file / is a folder"),
    ],
)
def test_a_bad_option_is_refused_before_the_work(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_missing_bundle_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--bundle", str(tmp_path / "missing")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: there is no bundle")
    assert captured.err.count("\n") == 1


class TestWithoutEmulation:
    """The rest of the command, around equalities made by hand."""

    @pytest.fixture
    def found(self, monkeypatch: pytest.MonkeyPatch) -> list[Equality]:
        found: list[Equality] = []

        def compare_by_hand(folder: Path, lines: Sequence[Any], *_: Any) -> Outcome:
            assert len(lines) == 500
            return Outcome(Bundle.open(folder), "a CPU", found)

        monkeypatch.setattr(compare_outputs, "compare_all", compare_by_hand)
        return found

    def test_equal_texts_are_fine(self, found: list[Equality], capsys: pytest.CaptureFixture[str]) -> None:
        found.append(SAME)
        assert main(["--check"]) == 0
        table = capsys.readouterr().out.replace(" ", "")
        assert "|cortex-a72|500|500|500|0|+0.00[+0.00,+0.00]|" in table
        assert "|detector640x640|equal|" in table
        assert "|detector|int8(" in table

    def test_lines_that_differ_are_listed(self, found: list[Equality], capsys: pytest.CaptureFixture[str]) -> None:
        found += [SAME, OTHER]
        assert main([]) == 0
        table = capsys.readouterr().out.replace(" ", "")
        assert "|cortex-a76|500|499|20|0.75|+0.20[+0.00,+0.60]|" in table
        assert "|detector640x640|equal|other|" in table
        assert "|cortex-a76:7.jpg|l0|10|" in table
        assert main(["--check"]) == 1


@pytest.mark.slow
def test_integers_put_out_the_same_on_every_cpu(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--recipe", INTEGERS, "--lines", "10", "--check"]) == 0
    table = capsys.readouterr().out.replace(" ", "")
    assert "float" not in table
    assert "other" not in table
    assert table.count("|10|10|10|0|") == 4


@pytest.mark.slow
def test_the_default_bundle_finds_the_same_and_reads_nearly_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lines", "20", "--cpu", "cortex-a72"]) == 0
    table = capsys.readouterr().out.replace(" ", "")
    assert "|detector640x640|equal|" in table
    (row,) = re.findall(r"\|cortex-a72\|20\|(\d+)\|", table)
    assert int(row) >= 15
