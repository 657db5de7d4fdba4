"""Drafts: what a killed process leaves beside a file goes away with the next write, what a live one makes stays."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from edge_ocr.atomic import held, replacing, sibling
from edge_ocr.errors import EdgeOCRError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks on Windows")

_KILLED = """
import os, pathlib, sys
from edge_ocr.atomic import replacing
with replacing(pathlib.Path(sys.argv[1])) as stream:
    stream.write(b"half")
    stream.flush()
    os._exit(9)
"""


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path) -> None:
    target = tmp_path / "pages.jsonl"
    assert subprocess.run([sys.executable, "-c", _KILLED, str(target)], check=False).returncode == 9
    assert len(list(tmp_path.iterdir())) == 1 and not target.exists()
    with replacing(target) as stream:
        stream.write(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["pages.jsonl"]
    assert target.read_bytes() == b"whole"


def test_a_folder_left_behind_goes_too(tmp_path: Path) -> None:
    (tmp_path / ".bundle.0123456789ab" / "inside").mkdir(parents=True)
    with replacing(tmp_path / "bundle") as stream:
        stream.write(b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_the_draft_of_somebody_else_stays(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with replacing(target) as slow:
        slow.write(b"last")
        with replacing(target) as fast:
            fast.write(b"first")
        assert target.read_bytes() == b"first"
    assert target.read_bytes() == b"last"


@pytest.mark.parametrize("name", [".file.old", ".file.0123456789AB", ".other.0123456789ab", "file.0123456789ab"])
def test_only_drafts_are_swept(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    with replacing(tmp_path / "file"):
        pass
    assert (tmp_path / name).read_bytes() == b"mine"


def test_a_draft_is_held_by_one(tmp_path: Path) -> None:
    draft = sibling(tmp_path / "file")
    draft.touch()
    with held(draft), pytest.raises(OSError, match="unavailable"), held(draft):
        pass
    with held(draft):
        pass


def test_where_there_are_no_locks_files_are_written_and_drafts_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on some network drives: nobody can tell whether the other draft has a maker."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr("fcntl.flock", refuse)
    other = tmp_path / ".file.0123456789ab"
    other.write_bytes(b"somebody's")
    with replacing(tmp_path / "file") as stream:
        stream.write(b"whole")
    assert (tmp_path / "file").read_bytes() == b"whole" and other.read_bytes() == b"somebody's"


def test_an_error_shows_in_one_line_whatever_the_name(tmp_path: Path) -> None:
    with pytest.raises(EdgeOCRError) as problem, replacing(tmp_path / "no\nsuch\x1b[2Jfolder" / "file"):
        pass
    assert str(problem.value).isprintable()
    assert r"no\nsuch\x1b[2Jfolder" in str(problem.value)
