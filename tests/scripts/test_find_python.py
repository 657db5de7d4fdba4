"""Finding an interpreter, on machines made of small shell scripts that answer, or fail, as real ones do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import find_python
import pytest
from find_python import Python, SetUpError

SCRIPT = Path(find_python.__file__)


def put_executable(path: Path, lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return path


def put_python(path: Path, version: str) -> Path:
    """An interpreter that answers the probe's question as `version`, such as "3 12", from its own path."""
    return put_executable(path, f'echo "{version} $0"')


def put_failing_shim(path: Path) -> Path:
    """What pyenv leaves on PATH for versions that are installed but not chosen."""
    return put_executable(path, 'echo "pyenv: command not found" >&2; exit 127')


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty home and an empty PATH folder, `bin`, and no interpreter."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PYENV_ROOT", "EDGE_OCR_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_tested_version_is_preferred_to_a_newer_one_earlier_on_path(machine: Path) -> None:
    put_python(machine / "bin" / "python3", "3 13")
    python = put_python(machine / "bin" / "python3.12", "3 12")
    assert find_python.find_python() == Python(str(python), (3, 12))


def test_a_newer_supported_version_is_taken_where_the_tested_one_is_missing(machine: Path) -> None:
    python = put_python(machine / "bin" / "python3", "3 13")
    put_python(machine / "bin" / "python3.15", "3 15")
    assert find_python.find_python() == Python(str(python), (3, 13))


def test_a_shim_that_fails_is_passed_over_for_the_version_behind_it(machine: Path) -> None:
    put_failing_shim(machine / "bin" / "python3.12")
    python = put_python(machine / ".pyenv" / "versions" / "3.12.1" / "bin" / "python", "3 12")
    assert find_python.find_python().path == str(python)


def test_pyenv_is_found_beside_its_shims(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = put_failing_shim(machine / "elsewhere" / "shims" / "python3.12")
    python = put_python(machine / "elsewhere" / "versions" / "3.12.1" / "bin" / "python", "3 12")
    monkeypatch.setenv("PATH", str(shim.parent))
    assert find_python.find_python().path == str(python)


def test_a_python_2_is_no_candidate(machine: Path) -> None:
    put_python(machine / "bin" / "python", "2 7")
    assert find_python.probe(str(machine / "bin" / "python")) is None


def test_the_running_python_is_probed_as_what_it_is() -> None:
    assert find_python.probe(sys.executable) == Python(sys.executable, sys.version_info[:2])


def test_a_python_that_uv_brings_is_used_and_kept_in_the_cache(machine: Path) -> None:
    put_python(machine / "bin" / "python3", "3 9")
    python = put_python(machine / ".cache" / "edge-ocr" / "python" / "cpython" / "bin" / "python3.12", "3 12")
    put_executable(
        machine / "bin" / "uv",
        'case "$2" in find) echo "$UV_PYTHON_INSTALL_DIR/cpython/bin/python3.12";; esac',
    )
    assert find_python.find_python() == Python(str(python), (3, 12))


def test_without_any_way_the_message_says_what_was_seen_and_what_to_do(
    machine: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    put_python(machine / "bin" / "python3", "3 9")
    put_executable(machine / "bin" / "uv", 'echo "error: download refused" >&2; exit 1')
    with pytest.raises(SetUpError, match=r"seen: 3\.9.*make PYTHON="):
        find_python.find_python()
    assert "download refused" in capfd.readouterr().err


def test_uv_is_installed_by_the_second_way_where_pip_is_missing(machine: Path) -> None:
    """A Debian with python3-venv but without python3-pip."""
    home = machine / ".cache" / "edge-ocr" / find_python.UV_REQUIREMENT.replace("==", "-")
    pip = f'[ "$3" = install ] && : > "{home}/bin/uv"'
    python = put_executable(
        machine / "bin" / "python3",
        f"""[ "$2" = venv ] || {{ echo "No module named pip" >&2; exit 1; }}
        PATH=/usr/bin:/bin
        mkdir -p "$3/bin" && printf '#!/bin/sh\\n%s\\n' '{pip}' > "$3/bin/python" && chmod +x "$3/bin/python"
        """,
    )
    assert find_python.find_uv([Python(str(python), (3, 9))]) == str(home / "bin" / "uv")
    assert (home / "bin" / "uv").exists()


@pytest.mark.parametrize(("version", "reason"), [("3 10", r"is Python 3\.10.*needs 3\.12"), ("", "does not run")])
def test_an_interpreter_that_is_named_is_refused_with_the_reason(machine: Path, version: str, reason: str) -> None:
    name = str(put_python(machine / "python", version))
    put_python(machine / "bin" / "python3.12", "3 12")
    with pytest.raises(SetUpError, match=reason):
        find_python.find_python(name)


def test_an_interpreter_that_is_named_by_command_is_looked_up_on_path(machine: Path) -> None:
    python = put_python(machine / "bin" / "mypython", "3 13")
    put_python(machine / "bin" / "python3.12", "3 12")
    assert find_python.find_python("mypython").path == str(python)


def test_the_command_prints_a_path_or_one_sentence(tmp_path: Path) -> None:
    python = put_python(tmp_path / "python", "3 12")
    good = subprocess.run([sys.executable, SCRIPT, python], capture_output=True, text=True)
    assert (good.returncode, good.stdout) == (0, f"{python}\n")
    bad = subprocess.run([sys.executable, SCRIPT, os.devnull], capture_output=True, text=True)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("error: ") and bad.stderr.count("\n") == 1
