"""The cache folder: where it is, how its entries are named, and how a kill leaves none of them half written.

Locks are POSIX advisory locks: they vanish with the process that holds them, however it ends.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edge_ocr.atomic import drafted
from edge_ocr.errors import CacheError


def cache_directory() -> Path:
    """Folder of everything that can be made or fetched again.

    $EDGE_OCR_CACHE, else $XDG_CACHE_HOME/edge-ocr, else ~/.cache/edge-ocr; an empty variable counts as unset,
    as the XDG base directory specification asks. The folder need not exist yet.
    """
    if chosen := os.environ.get("EDGE_OCR_CACHE"):
        return Path(chosen).expanduser().absolute()
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return Path(caches).absolute() / "edge-ocr"
    return Path.home() / ".cache" / "edge-ocr"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def digest_of(*parts: object) -> str:
    """SHA-256 (64 hex digits) of `parts` in their order: the name of the cache entry made from them.

    A part is any JSON value, or bytes, or a Path, which stands for its file's content and not for its name;
    mappings and sequences of these too. Order of keys does not count, and a tuple equals a list.

    Raises:
        TypeError: a part is none of these.
    """
    text = json.dumps([_canonical(part) for part in parts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(part: object) -> object:
    """`part` as a JSON value in which content stands for files and bytes."""
    if isinstance(part, Path):
        return {"sha256": sha256_of(part)}
    if isinstance(part, bytes):
        return {"sha256": hashlib.sha256(part).hexdigest()}
    if isinstance(part, Mapping):
        return {str(key): _canonical(value) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_canonical(value) for value in part]
    return part


def atomic_write(path: Path, data: bytes) -> None:
    """Write `data` to `path`, making its folder if needed; a kill at any moment leaves the old file or none.

    Raises:
        CacheError: the folder cannot be made or written.
    """
    with writing_to(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with drafted(path) as stream:
            stream.write(data)


def stage_directory(stage: str, digest: str) -> Path:
    """Folder of what `stage` made from the inputs of that `digest`; it exists once the stage has finished."""
    return cache_directory() / "stages" / stage / digest


def run_stage(stage: str, digest: str, make: Callable[[Path], None]) -> Path:
    """The stage's folder, filled by `make(folder)` unless an earlier run with the same digest has filled it.

    `make` gets an empty folder that takes its final name only when `make` returns, so an interrupted stage is
    repeated and never half used. Two processes that ask for the same folder at once make it once.

    Raises:
        CacheError: the cache folder cannot be written.
    """
    folder = stage_directory(stage, digest)
    with locked(folder.with_name(f"{digest}.lock")):
        if not folder.is_dir():
            unfinished = folder.with_name(f"{digest}.part")
            shutil.rmtree(unfinished, ignore_errors=True)
            with writing_to(unfinished):
                unfinished.mkdir()
            try:
                make(unfinished)
                unfinished.rename(folder)
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                with writing_to(unfinished):
                    raise
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
    return folder


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors that are the cache's, whatever a stage does."""


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the lock file `path`, waiting while another process holds it; yields its file descriptor.

    A program that inherits the descriptor holds the lock too, for as long as it runs.

    Raises:
        CacheError: the lock file cannot be made.
    """
    with writing_to(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn a failure to write below `folder` (read-only, full, no folder) into a CacheError that says so."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise CacheError(
            f"cannot write to {folder} ({reason}); make room or leave to write there, "
            "or set EDGE_OCR_CACHE to another folder"
        ) from error
