"""Charsets, in each of the forms in which they are published, and what is refused as one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from converters.charsets import READERS, from_inference_yml, from_lines, from_onnx_metadata
from converters.errors import SourceError
from converters.zoo import CharsetFacts


def onnx_with(path: Path, **properties: str) -> Path:
    """An ONNX file with these metadata."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "identity", [value], [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    ])  # fmt: skip
    model = helper.make_model(graph)
    helper.set_model_props(model, properties)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("content", ["a\r\n\u3000\r\n \r\nb\r\n", "a\n\u3000\n \nb", "a\n\u3000\n \nb\n"])
def test_a_file_keeps_its_spaces(tmp_path: Path, content: str) -> None:
    """Published charsets have CRLF line ends or a last line without one, and U+3000 and the space as entries."""
    path = tmp_path / "charset.txt"
    path.write_bytes(content.encode())
    assert from_lines(path) == ("a", "\u3000", " ", "b")


def test_characters_that_python_takes_for_line_ends_are_entries(tmp_path: Path) -> None:
    path = tmp_path / "charset.txt"
    path.write_bytes("a\n\u2028\n\x85\nb".encode())
    assert from_lines(path) == ("a", "\u2028", "\x85", "b")


def test_a_charset_inside_an_onnx_file(tmp_path: Path) -> None:
    assert from_onnx_metadata(onnx_with(tmp_path / "rec.onnx", character="a\n\u3000\n\u2028\n ")) == (
        "a", "\u3000", "\u2028", " ",
    )  # fmt: skip


def test_a_charset_inside_an_inference_yml(tmp_path: Path) -> None:
    """As PaddleOCR 3 writes them: quoted where YAML needs it, and never a number or a truth value."""
    path = tmp_path / "inference.yml"
    path.write_text(
        "Global:\n  model_name: PP-OCRv5_mobile_rec\nPostProcess:\n  name: CTCLabelDecode\n  character_dict:\n"
        "  - \u3000\n  - '!'\n  - ''''\n  - \"\\xA0\"\n  - $\n  - ' '\n  - '1'\n  - n\n  - ~\n  - 🇩🇪\n",
        "utf-8",
    )
    assert from_inference_yml(path) == ("\u3000", "!", "'", "\xa0", "$", " ", "1", "n", "~", "🇩🇪")


@pytest.mark.parametrize(
    ("reader", "content", "complaint"),
    [
        (from_lines, b"a\n\nb\n", "empty or a repeated charset entry"),
        (from_lines, b"a\nb\na\n", "empty or a repeated charset entry"),
        (from_lines, b"a\n\xff\nb\n", "not a charset file in UTF-8"),
        (from_onnx_metadata, b"\xff\xff not ONNX", "not an ONNX file"),
        (from_inference_yml, b"PostProcess: [1, 2", "not YAML"),
        (from_inference_yml, b"- a\n- b\n", "no charset"),
        (from_inference_yml, b"PostProcess:\n  name: DBPostProcess\n", "no charset"),
        (from_inference_yml, b"PostProcess:\n  character_dict: [a, [b]]\n", "no charset"),
        (from_inference_yml, b"PostProcess:\n  character_dict: [a, b, a]\n", "repeated"),
    ],
)
def test_what_is_no_charset_is_refused(
    tmp_path: Path, reader: Callable[[Path], tuple[str, ...]], content: bytes, complaint: str
) -> None:
    path = tmp_path / "charset"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=complaint):
        reader(path)


def test_an_onnx_file_without_a_charset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"rec\.onnx has no charset in its metadata"):
        from_onnx_metadata(onnx_with(tmp_path / "rec.onnx", author="somebody"))


def test_a_charset_of_another_length_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "charset.txt"
    path.write_bytes(b"a\nb\n")
    with pytest.raises(SourceError, match="has 2 entries where 3 are expected"):
        CharsetFacts(3, blank=0, space_appended=True).read(path)


def test_facts_say_where_the_entries_are(tmp_path: Path) -> None:
    path = onnx_with(tmp_path / "rec.onnx", character="a\nb\nc")
    assert "onnx-metadata" in READERS
    assert CharsetFacts(3, blank=0, space_appended=True, inside="onnx-metadata").read(path) == ("a", "b", "c")


def test_the_number_of_classes_counts_blank_and_space() -> None:
    assert CharsetFacts(10, blank=0, space_appended=True).classes == 12
    assert CharsetFacts(10, blank=10, space_appended=False).classes == 11
