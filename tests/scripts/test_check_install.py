"""The pure parts of the installation check; the check itself is `make check-install`."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import check_install
import pytest
from check_install import Outcome, StepError

from tests.conftest import skip


def test_the_report_has_a_verdict_for_each_version_and_sizes_from_the_largest() -> None:
    outcomes = [
        Outcome((3, 10), "ok", {"numpy": 60_000_000, "tqdm": 300_000}),
        Outcome((3, 11), "not found", {}),
        Outcome((3, 12), "ok", {"tqdm": 300_000, "numpy": 66_440_000, "ml_dtypes": 5_000_000}),
    ]
    assert check_install.report(outcomes) == (
        "| Python | install and read |\n"
        "| --- | --- |\n"
        "| 3.10 | ok |\n"
        "| 3.11 | not found |\n"
        "| 3.12 | ok |\n"
        "\n"
        "| MB installed | 3.10 | 3.12 |\n"
        "| --- | --- | --- |\n"
        "| numpy | 60.0 | 66.4 |\n"
        "| ml_dtypes | 0.0 | 5.0 |\n"
        "| tqdm | 0.3 | 0.3 |\n"
        "| total | 60.3 | 71.7 |\n"
    )


def test_a_report_without_a_success_has_no_sizes() -> None:
    assert "MB" not in check_install.report([Outcome((3, 10), "failed: pip: no such version", {})])


@pytest.mark.parametrize(("verdict", "failed"), [("ok", False), ("not found", False), ("failed: x", True)])
def test_only_a_failure_fails(verdict: str, failed: bool) -> None:
    assert Outcome((3, 10), verdict, {}).failed is failed


def test_a_failed_step_ends_in_the_last_line_that_it_said() -> None:
    with pytest.raises(StepError, match=r"the reason$"):
        check_install.run(["sh", "-c", "echo noise >&2; echo the reason >&2; exit 3"])


def test_a_missing_command_is_a_failed_step() -> None:
    with pytest.raises(StepError, match="no-such-command"):
        check_install.run(["no-such-command"])


def test_sizes_are_measured_with_the_standard_library_alone() -> None:
    sizes = check_install.run([sys.executable, "-I", "-c", check_install.MEASURE_SIZES])
    assert '"pytest"' in sizes


def test_the_network_barrier_hides_even_this_machine() -> None:
    barrier = check_install.network_barrier()
    if not barrier:
        skip("network-namespaces", "this machine lets nobody cut a command off the network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)"
        command = [sys.executable, "-c", connect, str(server.getsockname()[1])]
        check_install.run(command)
        with pytest.raises(StepError, match="unreachable"):
            check_install.run([*barrier, *command])


def test_a_missing_picture_is_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, check_install.__file__, str(tmp_path / "missing.png")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no picture at" in done.stderr
