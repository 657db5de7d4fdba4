"""Bundles: what is whole is read, what is not is refused first, and writing is all or nothing."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import edge_ocr.models
from edge_ocr.bundle import Bundle
from edge_ocr.bundle_writing import pack, write_bundle
from edge_ocr.errors import BundleError, EdgeOCRError
from edge_ocr.manifest import Manifest
from tests.edge_ocr.paper_bundle import FILES, manifest_json


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "paper"
    write_bundle(path, Manifest.from_json(manifest_json()), FILES)
    return path


def zipped(path: Path, entries: Mapping[str, bytes], change: Callable[[zipfile.ZipInfo], None] | None = None) -> Path:
    """An archive with these entries; `change` may alter what the archive says of `detector.tflite`."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            if change and name == "detector.tflite":
                change(entry)
            archive.writestr(entry, data)
    return path


def whole() -> dict[str, bytes]:
    return {"manifest.json": Manifest.from_json(manifest_json()).to_bytes(), **FILES}


def test_folder_and_archive_give_the_same(folder: Path, tmp_path: Path) -> None:
    packed = tmp_path / "paper.ocrbundle"
    pack(folder, packed)
    for bundle in (Bundle.open(folder), Bundle.open(str(packed))):
        assert bundle.name == "paper"
        assert bundle.model_bytes("detector") == b"a detector"
        assert bundle.model_bytes("direction") == b"a direction classifier"
        assert bundle.charset == ("!", " ", "\u3000", "文")
        assert bundle.digest == Manifest.from_json(manifest_json()).digest


def test_packing_is_deterministic_and_readable_by_others(folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.ocrbundle", tmp_path / "2.ocrbundle"
    pack(folder, first)
    for file in folder.iterdir():
        os.utime(file, (1, 1))
    pack(folder, second)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == whole()


def test_model_that_is_not_there(folder: Path) -> None:
    with pytest.raises(BundleError, match="has no rotator model; it has detector, direction, recognizer"):
        Bundle.open(folder).model_bytes("rotator")


def test_wrong_hash(folder: Path) -> None:
    (folder / "detector.tflite").write_bytes(b"A detector")
    found = hashlib.sha256(b"A detector").hexdigest()[:12]
    with pytest.raises(BundleError, match=rf"detector\.tflite has SHA-256 {found}\.\.\., but the manifest says"):
        Bundle.open(folder)


@pytest.mark.parametrize(("content", "sentence"), [(b"short", "has 5 bytes, but"), (b"long" * 9, "more than 10 bytes")])
def test_wrong_size(folder: Path, content: bytes, sentence: str) -> None:
    (folder / "detector.tflite").write_bytes(content)
    with pytest.raises(BundleError, match=sentence):
        Bundle.open(folder)


@pytest.mark.parametrize("name", ["detector.tflite", "charset.txt", "manifest.json"])
def test_missing_file(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is missing"):
        Bundle.open(folder)
    entries = {key: data for key, data in whole().items() if key != name}
    with pytest.raises(BundleError, match=f"{name} is missing"):
        Bundle.open(zipped(tmp_path / "x.ocrbundle", entries))


def test_folder_instead_of_a_file(folder: Path) -> None:
    (folder / "detector.tflite").unlink()
    (folder / "detector.tflite").mkdir()
    with pytest.raises(BundleError, match=r"detector\.tflite is not a file"):
        Bundle.open(folder)


def test_newer_format_version(folder: Path) -> None:
    text = (folder / "manifest.json").read_text().replace('"format_version": 1', '"format_version": 2')
    (folder / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match="update edge-ocr"):
        Bundle.open(folder)


@pytest.mark.parametrize("count", [3, 5])
def test_charset_count(tmp_path: Path, count: int) -> None:
    document = manifest_json()
    document["charset"]["count"] = count
    write_bundle(tmp_path / "b", Manifest.from_json(document), FILES)
    with pytest.raises(BundleError, match=f"has 4 entries, but the manifest says {count}"):
        Bundle.open(tmp_path / "b")


def test_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "detector.tflite").rename(folder / "other")
    (folder / "detector.tflite").symlink_to("other")
    assert Bundle.open(folder).model_bytes("detector") == b"a detector"


def test_link_that_leaves_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "detector.tflite").rename(tmp_path / "secret")
    (folder / "detector.tflite").symlink_to("../secret")
    with pytest.raises(BundleError, match=r"detector\.tflite is a link that leaves"):
        Bundle.open(folder)


def test_links_in_a_circle(folder: Path) -> None:
    (folder / "detector.tflite").unlink()
    (folder / "detector.tflite").symlink_to("detector.tflite")
    with pytest.raises(BundleError, match=r"detector\.tflite"):
        Bundle.open(folder)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/b", "C:\\evil", "..", "a\\b"])
def test_archive_entry_that_escapes(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="not a plain file name"):
        Bundle.open(zipped(tmp_path / "x.ocrbundle", {**whole(), name: b"x"}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.ocrbundle"]


def test_archive_with_a_link(tmp_path: Path) -> None:
    def link(entry: zipfile.ZipInfo) -> None:
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16

    with pytest.raises(BundleError, match="is a link"):
        Bundle.open(zipped(tmp_path / "x.ocrbundle", whole(), link))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archive_with_an_entry_twice(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.ocrbundle", whole())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("detector.tflite", b"another one")
    with pytest.raises(BundleError, match="is there twice"):
        Bundle.open(path)


def test_archive_with_an_encrypted_entry(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "x.ocrbundle", whole()).read_bytes())
    directory = data.rindex(b"PK\x01\x02", 0, data.rindex(b"detector.tflite"))
    data[directory + 8] |= 1
    (tmp_path / "x.ocrbundle").write_bytes(data)
    with pytest.raises(BundleError, match="is encrypted"):
        Bundle.open(tmp_path / "x.ocrbundle")


def test_archive_of_another_compression(tmp_path: Path) -> None:
    def bzip2(entry: zipfile.ZipInfo) -> None:
        entry.compress_type = zipfile.ZIP_BZIP2

    with pytest.raises(BundleError, match="neither stored nor deflated"):
        Bundle.open(zipped(tmp_path / "x.ocrbundle", whole(), bzip2))


def test_archive_with_too_many_entries(tmp_path: Path) -> None:
    extras = {f"extra{index}": b"" for index in range(200)}
    with pytest.raises(BundleError, match="at most 100"):
        Bundle.open(zipped(tmp_path / "x.ocrbundle", {**whole(), **extras}))


def test_zip_bomb_is_refused_by_its_stated_size(tmp_path: Path) -> None:
    bomb = {**whole(), "detector.tflite": bytes(64 << 20)}
    with pytest.raises(BundleError, match=r"detector\.tflite has more than 10 bytes"):
        Bundle.open(zipped(tmp_path / "x.ocrbundle", bomb))


def test_zip_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    """The directory states 10 bytes, 64 MiB would come out: no more than those 10 are ever unpacked."""
    data = bytearray(zipped(tmp_path / "x.ocrbundle", {**whole(), "detector.tflite": bytes(64 << 20)}).read_bytes())
    directory = data.rindex(b"PK\x01\x02", 0, data.rindex(b"detector.tflite"))
    data[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    (tmp_path / "x.ocrbundle").write_bytes(data)
    with pytest.raises(BundleError, match=r"detector\.tflite"):
        Bundle.open(tmp_path / "x.ocrbundle")


def test_zip_bomb_with_the_right_hashes(tmp_path: Path) -> None:
    zeros = bytes(1 << 20)
    document = manifest_json()
    document["models"]["detector"] |= {"bytes": len(zeros), "sha256": hashlib.sha256(zeros).hexdigest()}
    manifest = Manifest.from_json(document)
    bomb = {**whole(), "detector.tflite": zeros, "manifest.json": manifest.to_bytes()}
    with pytest.raises(BundleError, match=r"detector\.tflite is packed to less than a 100th of its size"):
        Bundle.open(zipped(tmp_path / "x.ocrbundle", bomb))
    write_bundle(tmp_path / "b", manifest, {**FILES, "detector.tflite": zeros})
    assert Bundle.open(tmp_path / "b").model_bytes("detector") == zeros


def test_endless_directory_is_refused_before_it_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extras = {f"{index:0>60}": b"" for index in range(1000)}
    path = zipped(tmp_path / "x.ocrbundle", {**whole(), **extras})
    monkeypatch.setattr(zipfile, "ZipFile", lambda _: pytest.fail("parsed"))
    with pytest.raises(BundleError, match="its directory has more than 102400 bytes"):
        Bundle.open(path)


def test_oversized_manifest_in_an_archive(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json has more than"):
        Bundle.open(zipped(tmp_path / "x.ocrbundle", {**whole(), "manifest.json": b" " * (2 << 20)}))


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
def test_file_that_is_no_bundle(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ocrbundle"
    path.write_bytes(content)
    with pytest.raises(BundleError):
        Bundle.open(path)


_ARCHIVE = io.BytesIO()
with zipfile.ZipFile(_ARCHIVE, "w", zipfile.ZIP_DEFLATED) as _archive:
    for _name, _data in whole().items():
        _archive.writestr(_name, _data)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, len(_ARCHIVE.getvalue()) - 1), st.integers(0, 255)), min_size=1))
def test_damaged_archives_only_raise_bundle_errors(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    data = bytearray(_ARCHIVE.getvalue())
    for place, value in changes:
        data[place] = value
    path = tmp_path / "x.ocrbundle"
    path.write_bytes(data)
    try:
        bundle = Bundle.open(path)
    except BundleError:
        return
    assert bundle.model_bytes("recognizer") == b"a recognizer"


def test_unknown_name_lists_what_is_installed() -> None:
    with pytest.raises(BundleError, match=r"there is no bundle 'nonesuch'.*installed: none"):
        Bundle.open("nonesuch")


def test_installed_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `pip install edge-ocr-bundle-paper` leaves behind: a package that is the bundle, and an entry point."""
    write_bundle(tmp_path / "edge_ocr_bundle_paper", Manifest.from_json(manifest_json()), FILES)
    (tmp_path / "edge_ocr_bundle_paper" / "__init__.py").touch()
    facts = tmp_path / "edge_ocr_bundle_paper-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: edge-ocr-bundle-paper\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[edge_ocr.bundles]\npaper = edge_ocr_bundle_paper\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)
    assert Bundle.open("paper").name == "paper"
    with pytest.raises(BundleError, match="installed: paper"):
        Bundle.open("papyrus")


def test_default_bundle_is_pinned(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_ocr.models, "DEFAULT_BUNDLE", folder)
    monkeypatch.setattr(edge_ocr.models, "DEFAULT_DIGEST", Bundle.open(folder).digest)
    assert Bundle.open().name == "paper"
    monkeypatch.setattr(edge_ocr.models, "DEFAULT_DIGEST", "0" * 64)
    with pytest.raises(BundleError, match="not the one that ships with this version"):
        Bundle.open()


def test_missing_default_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_ocr.models, "DEFAULT_BUNDLE", tmp_path / "default")
    with pytest.raises(BundleError, match="reinstall edge-ocr"):
        Bundle.open()


def test_new_bundle_replaces_the_old_one_and_leaves_nothing_else(folder: Path) -> None:
    document = manifest_json()
    document["title"] = "Second edition"
    write_bundle(folder, Manifest.from_json(document), {**FILES, "REPORT.md": b"fine"})
    assert Bundle.open(folder).manifest.title == "Second edition"
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "REPORT.md", "manifest.json"])
    assert [path.name for path in folder.parent.iterdir()] == ["paper"]


def test_failed_writing_leaves_the_old_bundle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    document = manifest_json()
    document["title"] = "Second edition"
    with pytest.raises(BundleError, match=r"cannot write bundle .*: No space left on device"):
        write_bundle(folder, Manifest.from_json(document), FILES)
    monkeypatch.undo()
    assert Bundle.open(folder).manifest.title == "Paper: 文"
    assert [path.name for path in folder.parent.iterdir()] == ["paper"]


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.mkdir", "shutil.rmtree"])
def test_killed_writing_leaves_the_old_bundle_or_the_new_one(folder: Path, call: str) -> None:
    """The process ends at once, as by SIGKILL, when it comes to that call."""
    code = f"""if True:
        import os, pathlib, shutil, sys
        from edge_ocr.bundle_writing import write_bundle
        from edge_ocr.manifest import Manifest
        from tests.edge_ocr.paper_bundle import FILES, manifest_json
        document = dict(manifest_json(), title="Second edition")
        {call} = lambda *_, **__: os._exit(9)
        write_bundle(pathlib.Path(sys.argv[1]), Manifest.from_json(document), FILES)
    """
    assert subprocess.run([sys.executable, "-c", code, str(folder)], check=False).returncode == 9
    assert Bundle.open(folder).manifest.title == ("Second edition" if call == "shutil.rmtree" else "Paper: 文")


def test_writing_never_replaces_another_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")
    with pytest.raises(BundleError, match="exists and is not a bundle"):
        write_bundle(tmp_path / "thesis", Manifest.from_json(manifest_json()), FILES)
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "years of work"


def test_writing_checks_what_it_writes(tmp_path: Path) -> None:
    manifest = Manifest.from_json(manifest_json())
    with pytest.raises(BundleError, match=r"detector\.tflite has SHA-256"):
        write_bundle(tmp_path / "b", manifest, {**FILES, "detector.tflite": b"A detector"})
    with pytest.raises(BundleError, match=r"charset\.txt is missing"):
        write_bundle(tmp_path / "b", manifest, {k: v for k, v in FILES.items() if k != "charset.txt"})
    with pytest.raises(BundleError, match="cannot stand in a bundle"):
        write_bundle(tmp_path / "b", manifest, {**FILES, "../REPORT.md": b""})
    assert list(tmp_path.iterdir()) == []


def test_packing_into_a_missing_folder(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgeOCRError, match=r"cannot write .*: No such file or directory"):
        pack(folder, tmp_path / "missing" / "x.ocrbundle")


def test_packing_refuses_what_does_not_belong(folder: Path, tmp_path: Path) -> None:
    (folder / "notes").mkdir()
    with pytest.raises(BundleError, match="notes does not belong in a bundle"):
        pack(folder, tmp_path / "x.ocrbundle")
    assert not (tmp_path / "x.ocrbundle").exists()
