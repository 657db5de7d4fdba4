"""A model of the user's own on the whole road: `convert` without a system's name, then `verify --original`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.cli import main
from converters.evaluation.datasets import find_dataset
from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE
from tests.converters.conftest import Damage


@pytest.fixture
def own_model(reference: Bundle, tmp_path: Path) -> Path:
    """A recognizer as somebody has it on his disk, with what he changed about it."""
    folder = tmp_path / "My_PP-OCRv6_rec"
    folder.mkdir()
    (folder / "best.onnx").write_bytes(reference.model_bytes("recognizer"))
    entries = [*reference.charset[:-1], "\u2603"]
    (folder / "keys.txt").write_text("\n".join(entries), encoding="utf-8")
    return folder


@pytest.mark.conversion
def test_a_folder_becomes_a_bundle_that_is_verified_against_it(
    own_model: Path,
    few_labelled: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("converters.commands.convert.evaluation_datasets", lambda: [find_dataset(few_labelled[0])])
    out, workers = tmp_path / "out", ["--workers", "1", "--limit", "6"]
    assert main(["convert", str(own_model), "--precision", "float", "-o", str(out), *workers]) == 0
    told = capsys.readouterr().err
    assert "like ppocrv6-tiny-rec, as it has the same weights; its 6,904 characters are from keys.txt" in told
    manifest = Bundle.open(out).manifest
    assert (manifest.name, manifest.licence) == ("my_pp-ocrv6_rec", "Apache-2.0")
    assert Bundle.open(out).charset[-1] == "\u2603"
    files = {(entry["model"], entry["role"]): entry for entry in manifest.provenance["sources"]}
    assert files["my_pp-ocrv6_rec", "onnx"]["name"] == "best.onnx" and files["my_pp-ocrv6_rec", "onnx"]["from"] == []
    assert files["ppocrv6-tiny-det", "onnx"]["from"]
    assert json.loads((out / "verification.json").read_text())["overall"]["lines"] == 6

    verify = ["verify", str(out), str(few_labelled[0]), *workers]
    assert main([*verify, "--original", str(own_model)]) == 0
    assert main(verify) == 2
    assert "name the models that the bundle was made of with --original" in capsys.readouterr().err


def test_another_original_is_seen_in_what_it_reads(
    own_model: Path,
    few_labelled: tuple[Path, Path],
    damaged: Callable[[Damage], Path],
    tmp_path: Path,
) -> None:
    """The default bundle under another name, held against an original that spells every character as its neighbour."""
    bundle, figures = damaged(lambda manifest, _: manifest.update(name="renamed")), tmp_path / "figures.json"
    arguments = ["verify", str(bundle), str(few_labelled[0]), "--workers", "1", "--max-drop", "20"]
    arguments += ["--original", str(own_model), "--json", str(figures)]
    assert main(arguments) == 0
    keys = own_model / "keys.txt"
    entries = keys.read_text(encoding="utf-8").split("\n")
    keys.write_text("\n".join([entries[-1], *entries[:-1]]), encoding="utf-8")
    assert main(arguments) == 1
    assert json.loads(figures.read_text())["overall"]["exact_match"]["reference"] == 0


def test_what_is_said_about_own_models_needs_some(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("verify", "evaluate"):
        assert main([command, str(DEFAULT_BUNDLE), "--like", "ppocrv6-tiny-det"]) == 2
        assert "--like is about models of your own; give their paths (--original)" in capsys.readouterr().err
