"""A benchmark on a board by SSH, from one end to the other, as its user sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge_ocr.benchmark.result import load_result
from edge_ocr.bundle import Bundle
from edge_ocr.doctor import SAMPLE
from tests.edge_ocr.benchmark.emulated_board import CPU, emulated_board
from tests.edge_ocr.benchmark.sshd import use


def test_a_board_is_measured_and_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle_folder: Path
) -> None:
    """An arm64 system that has Python and nothing else is measured by one command."""
    answer = tmp_path / "result.json"
    quick = ["--threads=1", "--repeats=1", "--warm-up=0", "--cold-starts=1", "--det-side=320"]
    with emulated_board(tmp_path / "server") as board:
        use(board, monkeypatch)
        ran = subprocess.run(
            [
                sys.executable, "-m", "edge_ocr", "bench", "--device", board.name, "--bundle", bundle_folder,
                "--pictures", SAMPLE, *quick, "--json", answer,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        left = list((tmp_path / "server" / "board").glob("**/tmp/edge-ocr*"))
    assert ran.returncode in (0, 1), ran.stderr  # 1: other programs were busy, and the times do not count
    assert "aarch64" in ran.stdout and "Traceback" not in ran.stderr
    result = load_result(answer)
    assert (result.device, result.facts.machine) == (board.name, "aarch64")
    assert [cluster.cpu for cluster in result.facts.clusters] == [CPU.title()]
    assert [picture.lines for picture in result.pictures] == [2]
    assert [bundle.digest for bundle in result.bundles] == [Bundle.open(str(bundle_folder)).digest]
    assert left == []
