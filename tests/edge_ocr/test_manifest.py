"""The manifest: read strictly, refused with the place and the value, written back unchanged."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_ocr.errors import BundleError
from edge_ocr.manifest import MAXIMUM_MANIFEST_BYTES, FixedSize, LineHeight, LongSide, Manifest
from tests.edge_ocr.paper_bundle import manifest_json


def put(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The document with one value replaced."""
    *parents, last = path.split(".")
    place = document
    for key in parents:
        place = place[key]
    place[last] = value
    return document


def test_every_value_is_read() -> None:
    manifest = Manifest.from_json(manifest_json())
    detector, direction, recognizer = (
        manifest.models.detector,
        manifest.models.direction,
        manifest.models.recognizer,
    )
    assert (manifest.name, manifest.format, manifest.precision) == ("paper", "tflite", "int8")
    assert detector.input.mean == (0.485, 0.456, 0.406)
    assert detector.input.size == LongSide(long_side=960, multiple=32, minimum=32)
    assert detector.postprocess.unclip_ratio == 1.4
    assert detector.output.border == 4
    assert detector.operators == {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 3}
    assert direction is not None
    assert direction.input.size == FixedSize(48, 192)
    assert direction.output.labels == (0, 180)
    assert recognizer.input.size == LineHeight(48, 128, 3200, 8, 0.85)
    assert recognizer.postprocess is None
    assert manifest.charset.space_appended
    assert manifest.provenance["tools"] == {"converter": "0.1.0"}


def test_written_back_unchanged() -> None:
    manifest = Manifest.from_json(manifest_json())
    assert manifest.to_json() == manifest_json()
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest


def test_without_direction_classifier() -> None:
    document = manifest_json()
    del document["models"]["direction"]
    manifest = Manifest.from_json(document)
    assert list(manifest.models.by_kind()) == ["detector", "recognizer"]
    assert manifest.to_json() == document


WRONG = [
    ("models.detector.input.mean", [0.5, 0.5], "expected 3 numbers, got [0.5, 0.5]"),
    ("models.detector.input.mean", [0.5, "0.5", 0.5], 'mean[1]: expected a number, got "0.5"'),
    ("models.detector.input.std", [0.5, -0.1, 0.5], "std[1]: expected a number from 1e-06 to 1000, got -0.1"),
    ("models.detector.input.scale", float("nan"), "expected a number from"),
    ("models.detector.input.scale", True, "expected a number, got true"),
    ("models.detector.input.layout", "HWC", 'expected NHWC or NCHW, got "HWC"'),
    ("models.detector.input.size.long_side", 10**9, "expected an integer from 1 to 16384, got 1000000000"),
    ("models.detector.input.size.multiple", 1024, "expected an integer from 1 to 960"),
    ("models.detector.input.size.minimum", 48, "expected a multiple of 32, got 48"),
    ("models.detector.input.size.rule", "fixed", 'expected long-side, got "fixed"'),
    ("models.detector.output.meaning", "ctc-logits", "expected text-logits or text-probability"),
    ("models.detector.postprocess.threshold", 1.5, "expected a number from 0 to 1, got 1.5"),
    ("models.detector.postprocess.max_candidates", 3.5, "expected an integer"),
    ("models.detector.file", "../detector.tflite", "expected a plain file name"),
    ("models.detector.file", "/etc/passwd", "expected a plain file name"),
    ("models.detector.file", "C:\\detector", "expected a plain file name"),
    ("models.detector.file", "manifest.json", "expected a name other than manifest.json"),
    ("models.detector.file", "charset.txt", "expected a file of its own for each model"),
    ("models.detector.sha256", "ABC", "expected 64 lower-case hexadecimal digits"),
    ("models.detector.bytes", 10**12, "expected an integer from 1 to"),
    ("models.detector.operators", {"CONV\x1b[2J": 1}, "expected plain names as keys"),
    ("models.direction.output.labels", [0, 90], "expected 0 and 180"),
    ("models.recognizer.input.size.minimum_width", 4000, "expected an integer from 1 to 3200"),
    ("models.recognizer.postprocess", {"beam": 5}, 'postprocess: expected no keys, got "beam"'),
    ("charset.count", 200_001, "expected an integer from 1 to 200000"),
    ("charset.blank", 6, "expected an index up to 5, got 6"),
    ("title", "clear\x1b[2J", "expected a text of 1 to 500 printable characters"),
    ("name", "../paper", "expected a name"),
    ("target", "arm", "expected arm or x86 for paddle-lite and null"),
    ("min_runtime", {"ai-edge-litert": "new"}, "expected a version such as 1.4.0"),
    ("colour", "red", 'manifest.json: expected only the keys format_version, name'),
    ("models.rotator", {}, 'models: expected only the keys detector, direction, recognizer, got "rotator"'),
    ("models", [], "models: expected an object, got []"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "sentence"), WRONG)
def test_wrong_value_is_named_with_its_place(path: str, value: Any, sentence: str) -> None:
    with pytest.raises(BundleError) as caught:
        Manifest.from_json(put(manifest_json(), path, value))
    assert sentence in str(caught.value)
    if "file of its own" not in sentence and "keys" not in sentence:
        assert str(caught.value).startswith(path)


def test_the_blank_may_be_the_last_class() -> None:
    assert Manifest.from_json(put(manifest_json(), "charset.blank", 5)).charset.blank == 5
    document = put(manifest_json(), "charset.space_appended", False)
    assert Manifest.from_json(put(document, "charset.blank", 4)).charset.blank == 4
    with pytest.raises(BundleError, match=r"^charset\.blank: expected an index up to 4, got 5"):
        Manifest.from_json(put(document, "charset.blank", 5))


def test_files_that_are_too_large_together() -> None:
    document = manifest_json()
    for kind in ("detector", "direction", "recognizer"):
        put(document, f"models.{kind}.bytes", 100 << 20)
    with pytest.raises(BundleError, match=r"^models: expected files of at most 268435456 bytes in all, got 3145"):
        Manifest.from_json(document)


def test_missing_key_is_named() -> None:
    document = manifest_json()
    del document["models"]["recognizer"]["input"]["std"]
    with pytest.raises(BundleError, match=r"^models\.recognizer\.input\.std is missing"):
        Manifest.from_json(document)


def test_newer_version_says_update() -> None:
    document = put(manifest_json(), "format_version", 2)
    document["unheard_of"] = 1
    with pytest.raises(BundleError, match=r"format_version is 2, .*up to version 1; update edge-ocr"):
        Manifest.from_json(document)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b'{"a": 1e}'])
def test_not_json(data: bytes) -> None:
    with pytest.raises(BundleError):
        Manifest.from_bytes(data)


def test_oversized_manifest() -> None:
    with pytest.raises(BundleError, match="more than"):
        Manifest.from_bytes(b" " * (MAXIMUM_MANIFEST_BYTES + 1))


def test_digest_is_that_of_the_canonical_json_without_provenance() -> None:
    document = manifest_json()
    digest = Manifest.from_json(document).digest
    del document["provenance"]
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    assert digest == hashlib.sha256(canonical.encode()).hexdigest()


def test_digest_follows_what_is_read_and_not_who_made_it() -> None:
    digest = Manifest.from_json(manifest_json()).digest
    assert Manifest.from_json(put(manifest_json(), "provenance", {"date": "today"})).digest == digest
    assert Manifest.from_json(put(manifest_json(), "charset.sha256", "0" * 64)).digest != digest


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to each value of a document."""
    if isinstance(value, dict):
        return [path, *(place for key in value for place in places(value[key], (*path, key)))]
    if isinstance(value, list):
        return [path, *(place for index, each in enumerate(value) for place in places(each, (*path, index)))]
    return [path]


PLACES = places(manifest_json())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=6,
)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_broken_manifests_only_raise_bundle_errors(changes: list[tuple[tuple[str | int, ...], Any]]) -> None:
    document: Any = manifest_json()
    for path, value in changes:
        if not path:
            document = value
            continue
        place = document
        try:
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
        except (TypeError, KeyError, IndexError):
            continue
    try:
        manifest = Manifest.from_json(document)
    except BundleError as problem:
        assert len(str(problem)) < 600 and "\n" not in str(problem)
    else:
        again = Manifest.from_json(manifest.to_json())
        # as text: a NaN, which provenance may hold, does not equal itself
        assert json.dumps(again.to_json()) == json.dumps(manifest.to_json())


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_any_bytes_only_raise_bundle_errors(data: bytes) -> None:
    with pytest.raises(BundleError):
        Manifest.from_bytes(data)
