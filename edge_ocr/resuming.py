"""A file of JSON lines that a second run carries on where the first was stopped.

Each page is a line, written by one call when it has been read. A run that is killed therefore leaves whole lines and
at most one torn one at the end, which the next run cuts off and reads again.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from edge_ocr.errors import EdgeOCRError

PageKey = tuple[str, "int | None"]
"""Name of a file as it stands in the output, and the number of the page if the file has several."""

_BEGINNING = b'{"file": '


def repair(path: Path) -> set[PageKey]:
    """Cut off a torn last line.

    Returns:
        The pages in the file; none where there is no file.

    Raises:
        EdgeOCRError: it cannot be read or changed, or holds something else.
    """
    try:
        if path.exists() and not path.is_file():
            raise EdgeOCRError(f"{path} is no regular file, which --resume needs; name one with -o")
        with path.open("r+b") as stream:
            done: set[PageKey] = set()
            whole = 0
            for number, row in enumerate(stream, start=1):
                if not row.endswith(b"\n") and (done or row.startswith(_BEGINNING) or _BEGINNING.startswith(row)):
                    stream.truncate(whole)
                    break
                done.add(_key(row, number, path))
                whole += len(row)
            return done
    except FileNotFoundError:
        return set()
    except OSError as problem:
        raise EdgeOCRError(f"cannot carry on {path}: {problem.strerror}; choose another place") from problem


def _key(row: bytes, number: int, path: Path) -> PageKey:
    try:
        page = json.loads(row)
        key = str(page["file"]), page.get("page")
        hash(key)
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise EdgeOCRError(
            f"line {number} of {path} is no page that edge-ocr wrote with --format jsonl; name another file with -o"
        ) from problem
    return key


class Appender:
    """Adds lines to a file, which appears with the first one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def append(self, row: str) -> None:
        """Write a line, all of it or, as on a full disk, nothing; EdgeOCRError where that fails."""
        content = row.encode("utf-8", errors="replace")
        try:
            if self._descriptor is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
                self._descriptor = os.open(self._path, flags, 0o666)
            end = os.fstat(self._descriptor).st_size
            try:
                written = 0
                while written < len(content):
                    written += os.write(self._descriptor, content[written:])
            except BaseException:  # Ctrl-C as well
                os.ftruncate(self._descriptor, end)
                raise
        except OSError as problem:
            raise EdgeOCRError(
                f"cannot write {self._path}: {problem.strerror}; make room or choose another place, and run it again"
            ) from problem

    def close(self) -> None:
        """Close the file, if it has been opened."""
        if self._descriptor is not None:
            os.close(self._descriptor)
