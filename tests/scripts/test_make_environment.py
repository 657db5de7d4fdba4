"""Making the virtual environment from Pythons that are whole, and from Debian's that lack ensurepip."""

from __future__ import annotations

import sys
from pathlib import Path

import make_environment
import pytest
from find_python import Python, SetUpError
from make_environment import create, is_usable

RUNNING = Python(sys.executable, (sys.version_info.major, sys.version_info.minor))


@pytest.fixture
def python_without_ensurepip(tmp_path: Path) -> Python:
    """The running Python behind a script that refuses ensurepip, as Debian's does without python3-venv."""
    script = tmp_path / "python-without-ensurepip"
    script.write_text(
        f'#!/bin/sh\ncase "$*" in *ensurepip*) echo "No module named ensurepip" >&2; exit 1;; esac\n'
        f'exec {sys.executable} "$@"\n'
    )
    script.chmod(0o755)
    return Python(str(script), RUNNING.version)


def test_a_whole_python_makes_a_usable_environment_in_place_of_a_broken_one(tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(tmp_path / "removed")
    assert not is_usable(environment)
    create(RUNNING, environment)
    assert is_usable(environment)


def test_without_ensurepip_uv_makes_the_environment(
    tmp_path: Path, python_without_ensurepip: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\necho "$*" > "$(dirname "$0")/asked"\n')
    uv.chmod(0o755)
    monkeypatch.setattr(make_environment, "find_uv", lambda pythons: str(uv))
    create(python_without_ensurepip, tmp_path / "environment")
    asked = (tmp_path / "asked").read_text().split()
    assert asked[0] == "venv" and "--seed" in asked
    assert asked[-2:] == [python_without_ensurepip.path, str(tmp_path / "environment")]


def test_without_ensurepip_and_uv_the_message_names_the_package(
    tmp_path: Path, python_without_ensurepip: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_environment, "find_uv", lambda pythons: None)
    with pytest.raises(SetUpError, match=r"apt install python3\.\d+-venv"):
        create(python_without_ensurepip, tmp_path / "environment")
