"""The command line: results on standard output, one sentence on standard error, and the exit status."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import edge_ocr
from edge_ocr.bundle import Bundle
from edge_ocr.bundle_writing import pack, write_bundle
from edge_ocr.cli import main
from edge_ocr.doctor import SAMPLE, SAMPLE_TEXT
from edge_ocr.engines import litert, onnx
from edge_ocr.errors import EngineError
from edge_ocr.manifest import Manifest
from edge_ocr.threads import default_threads
from tests.conftest import ROOT
from tests.edge_ocr.paper_bundle import FILES, manifest_json

DEMO = ROOT / "calibration_data" / "demo.jpg"

Run = Callable[..., int]


@pytest.fixture
def read(bundle_folder: Path) -> Run:
    """`edge-ocr read` with the tests' bundle, in this process."""
    return lambda *arguments: main(["read", "--bundle", str(bundle_folder), *map(str, arguments)])


def assert_one_sentence(error: str) -> None:
    assert error.startswith("error: ") and error.count("\n") == 1 and error.endswith("\n")
    assert "Traceback" not in error


def picture(path: Path, kind: str = "PNG", mode: str = "RGB", **options: Any) -> Path:
    """The sample with its known text, saved in another way."""
    Image.open(SAMPLE).convert(mode).save(path, kind, **options)
    return path


def test_reads_a_picture(read: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert read(SAMPLE) == 0
    out, err = capfd.readouterr()
    assert out == SAMPLE_TEXT + "\n" and err == ""


def rotated(path: Path) -> Path:
    """Stored lying on its side, with a note of it: a telephone's way."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(SAMPLE).transpose(Image.Transpose.ROTATE_90).save(path, "JPEG", quality=95, exif=exif)
    return path


def deep(path: Path) -> Path:
    levels = np.asarray(Image.open(SAMPLE).convert("L")).astype(np.uint16) * 257
    Image.fromarray(levels).save(path)
    return path


def transparent(path: Path) -> Path:
    """Black letters on nothing."""
    letters = Image.new("RGBA", Image.open(SAMPLE).size, "black")
    letters.putalpha(Image.eval(Image.open(SAMPLE).convert("L"), lambda level: 255 - level))
    letters.save(path)
    return path


def animated(path: Path) -> Path:
    first = Image.open(SAMPLE).convert("L")
    first.save(path, save_all=True, append_images=[Image.new("L", first.size, 0)])
    return path


UNUSUAL: dict[str, Callable[[Path], Path]] = {
    "photo.jpg": rotated,
    "deep.png": deep,
    "alpha.png": transparent,
    "animation.gif": animated,
    "cmyk.jpg": lambda path: picture(path, "JPEG", "CMYK", quality=95),
    "palette.png": lambda path: picture(path, mode="P"),
    "fax.tif": lambda path: picture(path, "TIFF", "1", compression="group4"),
    "no_suffix": picture,
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_reads_pictures_of_every_kind(read: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str) -> None:
    assert read(UNUSUAL[name](tmp_path / name)) == 0
    assert capfd.readouterr().out == SAMPLE_TEXT + "\n"


@pytest.mark.parametrize("size", [(1, 1), (2_000, 40), (300, 200)])
def test_picture_without_text(
    read: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str], size: tuple[int, int]
) -> None:
    Image.new("RGB", size, "white").save(tmp_path / "blank.png")
    assert read(tmp_path / "blank.png", "--format", "json") == 0
    out, err = capfd.readouterr()
    (page,) = json.loads(out)["pages"]
    assert (page["width"], page["height"], page["lines"], err) == (*size, [], "")


def test_what_is_left_out_is_noted(read: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A picture that is shrunk until no text is left of it."""
    Image.new("RGB", (3_000, 2_000), "white").save(tmp_path / "map.png")
    assert read(tmp_path / "map.png", "--det-side", "320") == 0
    err = capfd.readouterr().err
    assert err.startswith(f"note: {tmp_path / 'map.png'} has 3000 x 2000 pixels but was looked at 9 times smaller")
    assert err.count("\n") == 1 and "--det-side" in err
    assert read(tmp_path / "map.png") == 0
    assert capfd.readouterr().err == ""


def nothing(_: Path) -> None: ...


def truncated(path: Path) -> None:
    picture(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-300])


def garbled(path: Path) -> None:
    """A PNG file whose pixels are not what their checksum says, and the decoder of which would write about it."""
    content = bytearray(picture(path).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 9] = b"garbled!!"
    path.write_bytes(content)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing.png": (nothing, "does not exist"),
    "empty.png": (Path.touch, "is empty"),
    "truncated.jpg": (truncated, "is truncated or damaged"),
    "garbled.png": (garbled, "is truncated or damaged"),
    "notes.txt": (lambda path: path.write_text("no picture"), "is not a picture that can be read"),
    "folder.png": (Path.mkdir, "has no pictures"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_picture_is_one_sentence_and_no_output(
    read: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    make, sentence = BAD[name]
    make(tmp_path / name)
    before = sorted(tmp_path.iterdir())
    assert read(tmp_path / name, "--format", "json", "-o", tmp_path / "out.json") == 2
    out, err = capfd.readouterr()
    assert out == "" and sentence in err and name in err
    assert_one_sentence(err)
    assert sorted(tmp_path.iterdir()) == before


def test_one_bad_picture_among_good_ones(read: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert read(SAMPLE, tmp_path / "none.png", SAMPLE) == 1
    out, err = capfd.readouterr()
    assert out == f"{SAMPLE_TEXT}\n\f{SAMPLE_TEXT}\n"
    assert "none.png does not exist" in err
    assert_one_sentence(err)


def test_a_fault_of_the_engine_is_told_once(
    read: Run, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise EngineError("the engine is out of order")

    monkeypatch.setattr("edge_ocr.ocr.OCR.read", fail)
    assert read(SAMPLE, SAMPLE, SAMPLE) == 2
    assert_one_sentence(capfd.readouterr().err)


def test_an_empty_name_is_no_folder(read: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert read("") == 2
    err = capfd.readouterr().err
    assert "name of a picture is empty" in err
    assert_one_sentence(err)


def test_a_folder_that_cannot_be_listed_is_named(
    read: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.listdir", refuse)  # the tests may run as root, who may list everything
    assert read(tmp_path) == 2
    out, err = capfd.readouterr()
    assert out == "" and f"the folder {tmp_path} cannot be read: Permission denied" in err
    assert_one_sentence(err)


def test_folder_and_pattern_and_name(
    read: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b.png", "a.PNG", "[1].png"):
        picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not asked for")
    monkeypatch.chdir(tmp_path)

    def files(*arguments: object) -> list[str]:
        assert read("--format", "jsonl", *arguments) == 0
        return [json.loads(row)["file"] for row in capfd.readouterr().out.splitlines()]

    assert files(tmp_path) == [str(tmp_path / name) for name in ("[1].png", "a.PNG", "b.png")]
    assert files("*.png") == ["[1].png", "b.png"]
    assert files("[1].png") == ["[1].png"]


def test_standard_input(
    read: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").touch()  # a file of that name is not meant
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SAMPLE.read_bytes())))
    assert read("-", "--format", "jsonl") == 0
    page = json.loads(capfd.readouterr().out)
    assert page["file"] == "-" and len(page["lines"]) == 2
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    assert read("-") == 2
    assert "is empty" in capfd.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_named_pipe(bundle_folder: Path) -> None:
    """As in `edge-ocr read <(curl ...)`: it can be read only once."""
    script = f'exec "$@" <(cat {SAMPLE})'
    arguments = [sys.executable, "-m", "edge_ocr", "read", "--bundle", str(bundle_folder)]
    done = subprocess.run(["bash", "-c", script, "bash", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, SAMPLE_TEXT + "\n", "")


def test_output_file_is_utf8_and_whole(read: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "文.json"
    target.write_text("old")
    named = picture(tmp_path / "图.png")
    assert read(named, "--format", "json", "-o", target) == 0
    assert capfd.readouterr().out == ""
    assert json.loads(target.read_bytes().decode("utf-8"))["pages"][0]["file"] == str(named)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["图.png", "文.json"]


def test_failure_leaves_the_old_output_file(read: Run, tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("old")
    assert read(tmp_path / "none.png", "-o", tmp_path / "out.txt") == 2
    assert (tmp_path / "out.txt").read_text() == "old"


@pytest.mark.parametrize(("place", "reason"), [("none/out.txt", "No such file"), ("", "Is a directory")])
def test_output_in_a_place_for_no_file(
    read: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str], place: str, reason: str
) -> None:
    """It is refused before the first picture, of which nothing is said."""
    assert read(tmp_path / "none.png", "-o", tmp_path / place) == 2
    err = capfd.readouterr().err
    assert reason in err
    assert_one_sentence(err)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A folder with two pictures of one stem."""
    folder = tmp_path / "ours"
    folder.mkdir()
    picture(folder / "a.jpg", "JPEG", quality=95)
    picture(folder / "a.png")
    return folder


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_annotated_file(read: Run, tmp_path: Path) -> None:
    for _ in range(2):  # a file that is named is replaced
        assert read(SAMPLE, "--save-annotated", tmp_path / "seen.jpg") == 0
        assert Image.open(tmp_path / "seen.jpg").size == (480, 280)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("place", ["seen", "seen/", "new/seen/", "version.2/"])
def test_annotated_folder(read: Run, tmp_path: Path, ours: Path, place: str) -> None:
    """A name without an ending, or with a slash, is a folder: for one picture as for several."""
    assert read(ours / "a.png", "--save-annotated", f"{tmp_path}/{place}") == 0
    assert read(ours, "--save-annotated", f"{tmp_path}/{place}") == 0
    assert sorted(files_in(tmp_path / place)) == ["a-2.png", "a-3.png", "a.png"]


@pytest.mark.parametrize("place", ["", "/"])
def test_annotated_folder_that_holds_the_pictures_replaces_none(read: Run, ours: Path, place: str) -> None:
    before = files_in(ours)
    assert read(ours, "--save-annotated", f"{ours}{place}") == 0
    after = files_in(ours)
    assert after.items() > before.items() and sorted(after) == ["a-2.png", "a-3.png", "a.jpg", "a.png"]


@pytest.mark.parametrize("option", ["-o", "--save-annotated"])
def test_no_picture_is_ever_overwritten(read: Run, ours: Path, capfd: pytest.CaptureFixture[str], option: str) -> None:
    before = files_in(ours)
    (ours / "link.png").symlink_to("a.png")
    for target in (ours / "a.png", ours / "link.png", ours / ".." / "ours" / "a.png"):
        assert read(ours / "a.png", option, target) == 2
        assert read(ours / "link.png", option, target) == 2
        out, err = capfd.readouterr()
        assert out == "" and err.count("is one of the pictures and would be overwritten") == 2
    (ours / "link.png").unlink()
    assert files_in(ours) == before


def test_one_file_for_several_annotated_pictures_is_refused(
    read: Run, tmp_path: Path, ours: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = files_in(tmp_path)
    assert read(ours, "--save-annotated", tmp_path / "both.png") == 2
    out, err = capfd.readouterr()
    assert out == "" and "both.png is one file, for 2 annotated pictures" in err
    assert_one_sentence(err)
    assert files_in(tmp_path) == before and not (tmp_path / "both.png").exists()


def test_no_annotated_picture_no_folder(read: Run, tmp_path: Path) -> None:
    assert read(tmp_path / "none.png", tmp_path / "no.png", "--save-annotated", tmp_path / "seen") == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["file/seen/", "file/seen.png", "none/seen.png", "n" * 300 + ".png", "n" * 300])
def test_failed_annotation_does_not_cost_the_text(
    read: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str], place: str
) -> None:
    (tmp_path / "file").touch()
    assert read(SAMPLE, "--save-annotated", f"{tmp_path}/{place}") == 1
    out, err = capfd.readouterr()
    assert out == SAMPLE_TEXT + "\n" and place.rstrip("/") in err and "standard output" not in err
    assert_one_sentence(err)


def test_annotation_with_an_unknown_ending_is_refused_at_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", str(SAMPLE), "--save-annotated", str(tmp_path / "seen.gif")]) == 2
    assert_one_sentence(capfd.readouterr().err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--threads", "0"],
        ["--threads", "many"],
        ["--det-side", "-5"],
        ["--det-side", "1000000000"],
        ["--min-score", "1.5"],
        ["--min-score", "nan"],
        ["--format", "pdf"],
    ],
)
def test_options_out_of_range(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["read", str(SAMPLE), *arguments])
    assert caught.value.code == 2
    assert arguments[0] in capfd.readouterr().err


def test_minimum_score_and_size_and_direction_are_passed_on(read: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert read(SAMPLE, "--min-score", "1") == 0
    assert capfd.readouterr().out == ""
    assert read(DEMO, "--no-direction", "--threads", "2") == 0
    lines = capfd.readouterr().out.splitlines()
    assert read(DEMO, "--det-side", "128") == 0
    assert len(capfd.readouterr().out.splitlines()) < 2 / 3 * len(lines)  # the small print is too small now


def test_unknown_engine(read: Run, capfd: pytest.CaptureFixture[str]) -> None:
    assert read(SAMPLE, "--engine", "abacus") == 2
    err = capfd.readouterr().err
    assert "abacus" in err
    assert_one_sentence(err)


def test_help_names_the_engines(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["read", "--help"])
    words = capfd.readouterr().out.replace(",", " ").split()
    assert {"litert", "onnx", *litert.PACKAGES, *onnx.PACKAGES} <= set(words)


def test_side_too_short_for_the_bundle(bundle_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def widen(document: dict[str, Any]) -> None:
        document["models"]["detector"]["input"]["size"]["minimum"] = 64

    wide = altered(bundle_folder, tmp_path / "wide", {}, widen)
    assert main(["read", str(SAMPLE), "--bundle", str(wide), "--det-side", "32"]) == 2
    out, err = capfd.readouterr()
    assert out == "" and "32 px; the detector needs at least 64" in err
    assert_one_sentence(err)


def altered(
    bundle_folder: Path,
    destination: Path,
    exchange: dict[str, str],
    change: Callable[[dict[str, Any]], object] = lambda document: None,
) -> Path:
    """A bundle that is whole by its hashes, with the files of some models taken from others, or another manifest."""
    bundle = Bundle.open(bundle_folder)
    document = bundle.manifest.to_json()
    specs = bundle.manifest.models.by_kind()
    files = {spec.file: bundle.model_bytes(kind) for kind, spec in specs.items()}
    for kind, other in exchange.items():
        content = bundle.model_bytes(other)
        files[specs[kind].file] = content
        digest = hashlib.sha256(content).hexdigest()
        document["models"][kind].update(bytes=len(content), sha256=digest)
    change(document)
    charset = bundle.manifest.charset.file
    files[charset] = (bundle_folder / charset).read_bytes()
    write_bundle(destination, Manifest.from_json(document), files)
    return destination


@pytest.mark.parametrize(
    "exchange", [{"detector": "direction"}, {"recognizer": "detector"}, {"direction": "recognizer"}]
)
def test_model_with_the_wrong_shape(
    bundle_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], exchange: dict[str, str]
) -> None:
    wrong = altered(bundle_folder, tmp_path / "wrong", exchange)
    assert main(["read", str(SAMPLE), "--bundle", str(wrong)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert_one_sentence(err)
    assert next(iter(exchange)) in err


def test_model_that_is_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_bundle(tmp_path / "paper", Manifest.from_json(manifest_json()), FILES)
    assert main(["read", str(SAMPLE), "--bundle", str(tmp_path / "paper")]) == 2
    out, err = capfd.readouterr()
    assert out == "" and "detector" in err
    assert_one_sentence(err)


def test_damaged_bundle(bundle_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    broken = altered(bundle_folder, tmp_path / "broken", {})
    with (broken / "detector.tflite").open("r+b") as file:
        file.seek(1000)
        file.write(b"altered")
    for command in (["read", str(SAMPLE), "--bundle", str(broken)], ["info", str(broken)]):
        assert main(command) == 2
        err = capfd.readouterr().err
        assert "detector.tflite has SHA-256" in err
        assert_one_sentence(err)
    assert main(["doctor", str(broken)]) == 1
    assert "FAIL" in capfd.readouterr().out


def test_info(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    document = manifest_json()
    document["provenance"]["note"] = "clear\x1b[2J"
    document["provenance"]["sources"] = [{"file": "a.onnx", "bytes": 10}, "b.onnx"]
    write_bundle(tmp_path / "paper", Manifest.from_json(document), FILES)
    pack(tmp_path / "paper", tmp_path / "paper.ocrbundle")
    assert main(["info", str(tmp_path / "paper.ocrbundle")]) == 0
    out = capfd.readouterr().out
    facts = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert facts["edge-ocr"] == edge_ocr.__version__
    assert facts["bundle"] == "paper (Paper: 文)"
    assert facts["precision"] == "int8"
    assert facts["digest"] == Manifest.from_json(document).digest
    assert facts["detector"].startswith("detector.tflite, 10 bytes, sha256 ")
    assert facts["characters"] == "4"
    assert facts["provenance.tools.converter"] == "0.1.0"
    assert facts["provenance.note"] == "clear\ufffd[2J"
    assert facts["provenance.sources.1.file"] == "a.onnx" and facts["provenance.sources.2"] == "b.onnx"


def test_doctor(bundle_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(bundle_folder)]) == 0
    rows = capfd.readouterr().out.splitlines()
    assert len(rows) == 7 and all(row.startswith(("OK ", "NOTE ")) for row in rows)
    assert f"{default_threads()} threads by default" in rows[0]


def test_doctor_tells_what_only_some_need(
    bundle_folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    monkeypatch.setattr("edge_ocr.output.annotated._FONT_FOLDERS", ())
    assert main(["doctor", str(bundle_folder)]) == 0
    notes = [row for row in capfd.readouterr().out.splitlines() if row.startswith("NOTE ")]
    assert "pip install 'edge-ocr[pdf]'" in notes[0] and "Noto Sans CJK" in notes[1]


def test_doctor_finds_a_bundle_that_reads_wrong(
    bundle_folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_ocr.doctor.SAMPLE_TEXT", "something else")
    assert main(["doctor", str(bundle_folder)]) == 1
    assert "FAIL  the built-in picture says 'something else', but was read as" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("machine", "bits", "advice"),
    [
        ("armv7l", 32, "install a 64-bit system"),
        ("aarch64", 32, "install a 64-bit system"),  # the usual kernel below Raspberry Pi OS of 32 bits
        ("arm64", 64, "pip install ai-edge-litert"),  # macOS
        ("x86_64", 64, "pip install ai-edge-litert"),
    ],
)
def test_doctor_without_an_engine(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, machine: str, bits: int, advice: str
) -> None:
    monkeypatch.setattr("edge_ocr.doctor._bits", lambda: bits)
    monkeypatch.setattr("edge_ocr.engines.find_spec", lambda module: None)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert main(["doctor"]) == 1
    last = capfd.readouterr().out.splitlines()[-1]
    assert last.startswith("FAIL  ai-edge-litert or ") and "not installed" in last
    assert last.endswith(advice) if bits == 64 else advice in last


def test_doctor_asks_for_the_engine_that_the_bundle_needs(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some engine is there, but none for this bundle; or the one for it is there and broken."""
    only_onnx = {"onnxruntime": object()}
    with monkeypatch.context() as patch:
        patch.setattr("edge_ocr.engines.find_spec", only_onnx.get)
        assert main(["doctor"]) == 1
    assert capfd.readouterr().out.splitlines()[-1].startswith("FAIL  ai-edge-litert or ")
    for module in litert.PACKAGES.values():
        monkeypatch.setitem(sys.modules, module, None)
    assert main(["doctor"]) == 1
    rows = capfd.readouterr().out.splitlines()
    assert "installed but cannot be used" in rows[-1] and not any(row.startswith("OK    engine") for row in rows)


def command(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """`edge-ocr` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "edge_ocr", *map(str, arguments)], capture_output=True, check=False, **options
    )


def test_version_and_help_need_no_libraries() -> None:
    code = "import sys; from edge_ocr.cli import main\ntry: main(sys.argv[1:])\nexcept SystemExit: pass\n"
    code += "sys.exit(bool({'numpy', 'cv2', 'PIL'} & set(sys.modules)))"
    for arguments in (["--help"], ["read", "--help"], ["--version"]):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, check=False)
        assert done.returncode == 0 and done.stdout and not done.stderr
    assert command("--version").stdout.decode() == f"edge-ocr {edge_ocr.__version__}\n"


def test_output_is_utf8_whatever_the_locale(tmp_path: Path, bundle_folder: Path) -> None:
    named = picture(tmp_path / "图.png")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = command("read", named, "--bundle", bundle_folder, "--format", "jsonl", env=environment)
    assert done.returncode == 0
    assert "图.png" in done.stdout.decode("utf-8")


@pytest.mark.skipif(os.name == "nt", reason="shells of Windows have no such pipes")
def test_reader_that_goes_away(bundle_folder: Path) -> None:
    script = '"$@" | head -c 1; exit "${PIPESTATUS[0]}"'
    arguments = [sys.executable, "-m", "edge_ocr", "read", *[str(SAMPLE)] * 4, "--bundle", str(bundle_folder)]
    done = subprocess.run(["bash", "-c", script, "bash", *arguments], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (141, b"H", b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "arguments", [["read", SAMPLE, "--bundle"], ["info"], ["doctor"], ["--help"]], ids=lambda each: each[0]
)
def test_full_disk(bundle_folder: Path, arguments: list[str | Path]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "edge_ocr", *arguments, bundle_folder],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert_one_sentence(done.stderr.decode())


@pytest.mark.skipif(os.name == "nt", reason="shells of Windows close no streams")
@pytest.mark.parametrize(
    ("closed", "picture", "status", "error"),
    [
        ("<&-", "-", 2, "standard input cannot be read"),
        (">&-", str(SAMPLE), 2, "cannot write to standard output"),
        ("2>&-", "none.png", 2, None),
        ("<&- >&- 2>&-", str(SAMPLE), 2, None),
        ("<&- 2>&-", str(SAMPLE), 0, None),
    ],
)
def test_standard_streams_that_are_closed(
    bundle_folder: Path, closed: str, picture: str, status: int, error: str | None
) -> None:
    script = f'exec "$@" {closed}'
    arguments = [sys.executable, "-m", "edge_ocr", "read", picture, "--bundle", str(bundle_folder)]
    done = subprocess.run(["bash", "-c", script, "bash", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert done.stdout == (SAMPLE_TEXT + "\n" if status == 0 else "")
    if error is None:
        assert done.stderr == ""
    else:
        assert error in done.stderr
        assert_one_sentence(done.stderr)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_progress_only_on_a_terminal(bundle_folder: Path, tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    wide = picture(tmp_path / f"{40 * '图'}\n.png")
    arguments = ["read", SAMPLE, wide, "--bundle", bundle_folder, "-o", tmp_path / "out.txt"]
    done = subprocess.run([sys.executable, "-m", "edge_ocr", *map(str, arguments)], stderr=theirs, check=False)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "] 0/2 " in shown and shown.endswith("\r\x1b[K")
    assert re.search(r"\] 1/2 \d+\.\d/s 0:\d\d left 图+\r", shown), "no longer than the terminal is wide"
    assert shown.count("图") < 40 and "\n" not in shown
    assert command(*arguments).stderr == b""


def test_public_names() -> None:
    assert set(edge_ocr.__all__) <= set(dir(edge_ocr))
    for name in edge_ocr.__all__:
        assert getattr(edge_ocr, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Abacus'"):
        _ = edge_ocr.Abacus
