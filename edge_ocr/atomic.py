"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edge_ocr.errors import EdgeOCRError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a binary stream whose content takes the place of `path` when the block ends well.

    Until then it grows in a hidden file beside `path`; an exception in the block removes that file and leaves
    `path` as it was. What is no regular file, such as /dev/stdout, cannot be replaced and is written to as it
    stands.

    Raises:
        EdgeOCRError: the place cannot be written to.
    """
    target = Path(os.path.realpath(path))
    try:
        # Not `target`: the real path of /dev/stdout may be that of a pipe, which no file system knows.
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as stream:
                yield stream
            return
        draft = sibling(target)
        try:
            with draft.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise EdgeOCRError(f"cannot write {path}: {problem.strerror}; choose another place") from problem


def sibling(path: Path) -> Path:
    """A hidden name beside `path` that nothing bears yet, on the same file system as `path`."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}")
