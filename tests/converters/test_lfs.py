"""Git LFS pointers in place of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.errors import SourceError
from converters.lfs import check_no_pointer

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"  # fmt: skip # noqa: E501


@pytest.mark.parametrize("content", [POINTER, POINTER.replace(b"\n", b"\r\n")])
def test_a_pointer_is_refused_with_the_command_that_gets_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"model\.onnx is a Git LFS pointer.*`git lfs pull`"):
        check_no_pointer(path)


@pytest.mark.parametrize(
    "content", [b"", b"version", b"version https://example.org/spec/v1\n", b"\x08\x07\x12\x07pytorch"]
)
def test_any_other_file_passes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    check_no_pointer(path)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="none cannot be read"):
        check_no_pointer(tmp_path / "none")
