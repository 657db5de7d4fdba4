"""Git LFS pointers: the few lines of text that a clone without Git LFS has in place of a large file."""

from __future__ import annotations

from pathlib import Path

from converters.errors import SourceError

_BEGINNING = b"version https://git-lfs.github.com/spec/v1"
"""Of each: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md"""


def check_no_pointer(path: Path) -> None:
    """Refuse a file that only says where its content is.

    Raises:
        SourceError: it does, or it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            beginning = stream.read(len(_BEGINNING))
    except OSError as problem:
        raise SourceError(f"{path} cannot be read ({problem.strerror}); give a file that can") from problem
    if beginning == _BEGINNING:
        raise SourceError(
            f"{path} is a Git LFS pointer and not the file; run `git lfs pull` in its repository, or download the file"
        )
