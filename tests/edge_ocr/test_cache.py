"""The cache folder: names that follow content, and entries that are whole or absent."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from edge_ocr.cache import atomic_write, cache_directory, digest_of, run_stage, sha256_of
from edge_ocr.errors import CacheError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/maker")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    monkeypatch.setenv("EDGE_OCR_CACHE", "~/mine")
    assert cache_directory() == Path("/home/maker/mine")
    monkeypatch.setenv("EDGE_OCR_CACHE", "")
    assert cache_directory() == Path("/caches/edge-ocr")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_directory() == Path("/home/maker/.cache/edge-ocr")


def test_a_file_is_named_by_its_content(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"abc")
    other.write_bytes(b"abc")
    # FIPS 180-4, appendix B.1
    assert sha256_of(one) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest_of(one) == digest_of(other)
    other.write_bytes(b"abd")
    assert digest_of(one) != digest_of(other)


def test_a_digest_stays_the_same_over_time_and_order_of_keys() -> None:
    expected = hashlib.sha256(b'["float",{"a":[1,2],"b":null}]').hexdigest()
    assert digest_of("float", {"b": None, "a": (1, 2)}) == expected
    assert digest_of("float", {"a": [1, 2], "b": None}) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [((1, 2), (12,)), (("1",), (1,)), ((b"a",), ("a",)), (([1], 2), (1, [2])), (({"a": 1},), (["a", 1],))],
)
def test_different_inputs_have_different_digests(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    assert digest_of(*one) != digest_of(*other)


def test_what_cannot_be_told_apart_over_time_has_no_digest() -> None:
    with pytest.raises(TypeError):
        digest_of(object())


def test_a_write_replaces_the_whole_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "file"
    old_mask = os.umask(0o022)
    try:
        atomic_write(target, b"a much longer first content")
        atomic_write(target, b"second")
    finally:
        os.umask(old_mask)
    assert target.read_bytes() == b"second"
    assert target.stat().st_mode & 0o777 == 0o644
    assert list(target.parent.iterdir()) == [target]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    atomic_write(target, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheError, match="No space left on device"):
        atomic_write(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CacheError, match=r"file/folder .*EDGE_OCR_CACHE"):
        atomic_write(tmp_path / "file" / "folder" / "entry", b"")


def test_a_stage_runs_once_for_one_digest() -> None:
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "model").write_bytes(b"made")

    first = run_stage("rewrite", "1234", make)
    second = run_stage("rewrite", "1234", make)
    assert first == second
    assert (first / "model").read_bytes() == b"made"
    assert len(made) == 1
    run_stage("rewrite", "5678", make)
    assert len(made) == 2


def test_an_interrupted_stage_is_repeated_from_nothing() -> None:
    def interrupted(folder: Path) -> None:
        (folder / "half").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage("rewrite", "1234", interrupted)
    folder = run_stage("rewrite", "1234", lambda folder: (folder / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]
