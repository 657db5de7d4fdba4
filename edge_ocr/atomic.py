"""Files and folders that appear whole or not at all.

They are made as a hidden draft beside their place and take it by being renamed. A draft is locked while it is made;
the lock vanishes with the process that holds it, so that the next one to write there can tell what a killed one left.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edge_ocr.errors import EdgeOCRError

if sys.platform != "win32":  # where what a killed process leaves stays
    import fcntl


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a binary stream whose content takes the place of `path` when the block ends well.

    Until then it grows in a hidden file beside `path`; an exception in the block removes that file and leaves
    `path` as it was. What is no regular file, such as /dev/stdout, cannot be replaced and is written to as it
    stands.

    Raises:
        EdgeOCRError: the place cannot be written to.
    """
    try:
        with drafted(path) as stream:
            yield stream
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise EdgeOCRError(f"cannot write {path}: {problem.strerror}; choose another place") from problem


@contextmanager
def drafted(path: Path) -> Iterator[BinaryIO]:
    """As `replacing`; OSError where the place cannot be written to."""
    # Not its real path: that of /dev/stdout may be of a pipe, which no file system knows.
    if path.exists() and not path.is_file() and not path.is_dir():
        with path.open("wb") as stream:
            yield stream
        return
    if path.is_dir():  # said now, not when all is done and the draft cannot take its place
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    target = Path(os.path.realpath(path))
    sweep(target)
    draft = sibling(target)
    try:
        with contextlib.ExitStack() as lock:  # until the draft is no draft any more; Windows renames no open file
            with draft.open("xb") as stream:
                lock.enter_context(held(draft))
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def sibling(path: Path) -> Path:
    """A hidden name beside `path` that nothing bears yet, on the same file system as `path`."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}")


@contextmanager
def held(draft: Path) -> Iterator[bool]:
    """Lock a draft, a file or a folder, and tell whether that could be done; OSError where another process holds it.

    Some network file systems have no such locks. A draft on one is made all the same, and never swept.
    """
    if sys.platform == "win32":
        yield False
        return
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        locked = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            locked = False
        yield locked
    finally:
        os.close(descriptor)


def sweep(path: Path) -> None:
    """Remove the siblings of `path` that nobody holds: their makers were killed."""
    if sys.platform == "win32":
        return
    name = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{12}}")
    with contextlib.suppress(OSError):  # no such folder yet, or one that cannot be listed
        for entry in os.listdir(path.parent):
            if name.fullmatch(entry):
                _remove_abandoned(path.parent / entry)


def _remove_abandoned(draft: Path) -> None:
    with contextlib.suppress(OSError), held(draft) as locked:
        if not locked:
            return
        if draft.is_dir() and not draft.is_symlink():
            shutil.rmtree(draft)
        else:
            draft.unlink()
