"""What tests of the converter share: the original models, and bundles with one thing wrong."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from converters.calibration import DEFAULT_PICTURES
from converters.conversion import fetch_sources
from converters.errors import SourceError
from converters.progress import Progress
from converters.tflite.graph import TFLiteGraph
from converters.zoo import load_zoo
from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE
from tests.conftest import skip

SYSTEM = "ppocrv6-tiny"

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
