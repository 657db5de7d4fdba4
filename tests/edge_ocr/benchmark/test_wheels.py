"""Wheels for another machine, from a folder in place of an index; and the runtime that is sent."""

from __future__ import annotations

import subprocess
import sys
from importlib import util
from pathlib import Path
from zipfile import ZipFile

import pytest

from edge_ocr.benchmark.host.wheels import runtime_files, site_for
from edge_ocr.errors import BenchmarkError

silent = lambda line: None  # noqa: E731


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for all there is, beside an empty cache."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    return folder


def make_wheel(index: Path, tag: str, content: str = "") -> Path:
    """A wheel of a package with one module, both named tiny."""
    file = index / f"tiny-1.0-{tag}.whl"
    with ZipFile(file, "w") as wheel:
        wheel.writestr("tiny.py", content)
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    return file


@pytest.mark.parametrize("platform", ["manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"])
def test_wheels_of_another_machine_are_kept(index: Path, platform: str) -> None:
    wheel = make_wheel(index, f"cp313-cp313-{platform}", "here = 1\n")
    heard: list[str] = []
    site = site_for(["tiny==1.0"], note=heard.append)
    assert (site / "tiny.py").read_text() == "here = 1\n"
    assert heard == ["fetching tiny==1.0 for Python 3.13 on aarch64"]
    wheel.unlink()
    assert site_for(["tiny==1.0"], note=heard.append) == site
    assert len(heard) == 1


@pytest.mark.parametrize(
    "tag",
    [
        "cp313-cp313-manylinux_2_28_x86_64",
        "cp312-cp312-manylinux_2_28_aarch64",
        "cp313-cp313-manylinux_2_31_aarch64",
        "cp313-cp313-musllinux_1_2_aarch64",
    ],
)
def test_wheels_that_would_not_run_there_are_refused(index: Path, tag: str, tmp_path: Path) -> None:
    make_wheel(index, tag)
    with pytest.raises(
        BenchmarkError, match=r"^wheels for Python 3.13 on aarch64 cannot be fetched: .*tiny==1.0.*; check"
    ):
        site_for(["tiny==1.0"], glibc_minor=28, note=silent)
    assert not [each for each in (tmp_path / "cache/stages/sites").iterdir() if each.suffix != ".lock"]


def test_without_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    with pytest.raises(BenchmarkError, match=r"has no pip to fetch wheels with; run: .* -m ensurepip"):
        site_for(["tiny==1.0"], note=silent)


def test_the_runtime_is_whole_without_what_stays_here(tmp_path: Path) -> None:
    files = runtime_files()
    assert {"edge_ocr/__init__.py", "edge_ocr/ocr.py", "edge_ocr/benchmark/probe.py"} <= set(files)
    assert not [name for name in files if "host/" in name or "models/" in name or "__pycache__" in name]
    for name, file in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(file.read_bytes())
    for module in ("probe", "counting"):
        program = [sys.executable, "-m", f"edge_ocr.benchmark.{module}", "--help"]
        assert b"usage" in subprocess.run(program, cwd=tmp_path, capture_output=True, check=True).stdout
