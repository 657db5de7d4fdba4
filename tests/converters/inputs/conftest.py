"""A tiny zoo in a folder, and tiny models of the three kinds that look like exported ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from converters.inputs import Choices, Sources, own_sources
from converters.progress import Progress
from converters.zoo import Zoo, load_zoo

LETTERS = "abcdef"
"""The charset of the tiny zoo: with the blank and a space they make eight classes."""
HEIGHT = 32


def detector(seed: int = 0, size: str = "H,W") -> onnx.ModelProto:
    """A convolution and a sigmoid."""
    return _model("y = Sigmoid(z)", (1, 3, 1, 1), "N,1,P,Q", seed, size=size)


def direction(seed: int = 0, classes: int = 2) -> onnx.ModelProto:
    """A convolution, the mean over the picture and a softmax."""
    body = "g = GlobalAveragePool(z) f = Flatten(g) y = Softmax(f)"
    return _model(body, (classes, 3, 1, 1), f"N,{classes}", seed, size="48,192")


def recognizer(seed: int = 0, classes: int = len(LETTERS) + 2, height: int = HEIGHT) -> onnx.ModelProto:
    """A convolution as high as the picture, and a softmax over the classes of each column."""
    body = "s = Squeeze(z, two) t = Transpose<perm = [0, 2, 1]>(s) y = Softmax<axis = 2>(t)"
    model = _model(body, (classes, 3, height, 1), f"N,T,{classes}", seed, size=f"{height},W")
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([2]), "two"))
    return model


def _model(body: str, weights: tuple[int, ...], output: str, seed: int, *, size: str) -> onnx.ModelProto:
    header = '<ir_version: 8, opset_import: ["": 17]>'
    text = f"{header} tiny (float[N,3,{size}] x) => (float[{output}] y) {{z = Conv(x, w) {body}}}"
    model = onnx.parser.parse_model(text)
    array = np.random.default_rng(seed).standard_normal(weights).astype(np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(array, "w"))
    return model


@dataclass(frozen=True)
class TinyZoo:
    """Two systems, `tinyv1` and `tinyv2`, that differ in all three models; and a variant of the second, `tinyv2-abc`.

    Attributes:
        zoo: as it is read.
        files: folder that holds the files of all models, under the names of the models.
    """

    zoo: Zoo
    files: Path

    def own(self, *paths: Path, **choices: Any) -> Sources:
        """What is made of the paths, without a network."""
        return own_sources(paths, self.zoo, Choices(**{"local": self.files, **choices}), Progress())


SPECS: Mapping[str, dict[str, Any]] = {
    "detector": {
        "size": {"rule": "long-side", "long_side": 960, "multiple": 32, "minimum": 32},
        "output": {"meaning": "text-logits", "layout": "NHWC", "border": 0},
        "postprocess": {
            "threshold": 0.3, "box_threshold": 0.6, "unclip_ratio": 1.5, "minimum_side": 3, "max_candidates": 1000,
        },
    },
    "direction": {
        "size": {"rule": "fixed", "height": 48, "width": 192},
        "output": {"meaning": "class-probability", "labels": [0, 180]},
        "postprocess": {"threshold": 0.9, "voters": 3},
    },
    "recognizer": {
        "size": {
            "rule": "line-height", "height": HEIGHT, "minimum_width": 128, "maximum_width": 3200, "multiple": 8,
            "squeeze": 1.0,
        },
        "output": {"meaning": "ctc-logits", "layout": "NHWC"},
        "postprocess": {},
    },
}  # fmt: skip


@pytest.fixture
def tiny_zoo(made_zoo: TinyZoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyZoo:
    """The zoo, whose files can be had from its folder alone, and an empty cache."""
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    return made_zoo


@pytest.fixture(scope="session")
def made_zoo(tmp_path_factory: pytest.TempPathFactory) -> TinyZoo:
    """See `tiny_zoo`."""
    folder = tmp_path_factory.mktemp("zoo")
    files = folder / "files"
    files.mkdir()
    (files / "charset.txt").write_text("\n".join(LETTERS))
    rows = []
    for generation, seed in (("v1", 1), ("v2", 2)):
        for kind, model in (
            ("detector", detector(seed)),
            ("direction", direction(seed)),
            ("recognizer", recognizer(seed)),
        ):
            name = f"tiny{generation}-{kind}"
            onnx.save(model, files / f"{name}.onnx")
            rows.append(_model_rows(name, kind, f"Tiny-{generation}", files / f"{name}.onnx", seed))
    for system, generation in (("tinyv1", "v1"), ("tinyv2", "v2"), ("tinyv2-abc", "v2")):
        named = {kind: f"tiny{generation}-{kind}" for kind in SPECS}
        named["direction"] = "tinyv1-direction" if system == "tinyv2-abc" else named["direction"]
        rows.append(f"[systems.{system}]\ntitle = '{system}'\nlicence = 'MIT'\n{_toml(named)}")
    rows.append(
        "[charsets.letters]\ncount = 6\nblank = 0\nspace_appended = true\n"
        f"[charsets.letters.file]\n{_file(files / 'charset.txt')}"
    )
    (folder / "zoo.toml").write_text("\n".join(rows))
    return TinyZoo(load_zoo(folder / "zoo.toml"), files)


def _model_rows(name: str, kind: str, family: str, path: Path, seed: int) -> str:
    """A model whose pre-processing differs from that of the other generation."""
    spec = SPECS[kind]
    shape = [1, 3, spec["size"].get("height", 640), spec["size"].get("width", 320)]
    facts = {
        "layout": "NHWC", "dtype": "float32", "colour_order": "BGR", "scale": 1.0, "mean": [seed * 1.0] * 3,
        "std": [1.0] * 3,
    }  # fmt: skip
    charset = "charset = 'letters'\n" if kind == "recognizer" else ""
    return (
        f"[models.{name}]\nkind = '{kind}'\nfamily = '{family}'\nlicence = 'MIT'\nspec = '{name}'\n{charset}"
        f"graph = {{ input = 'x', shape = {shape} }}\n"
        f"[models.{name}.files.onnx]\n{_file(path)}\n"
        f"[specs.{name}.input]\n{_toml(facts)}\n[specs.{name}.input.size]\n{_toml(spec['size'])}\n"
        f"[specs.{name}.output]\n{_toml(spec['output'])}\n[specs.{name}.postprocess]\n{_toml(spec['postprocess'])}"
    )


def _file(path: Path) -> str:
    content = path.read_bytes()
    facts = {"name": path.name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return f"{_toml(facts)}\nsources = [{{ url = 'http://127.0.0.1:9/{path.name}' }}]"


def _toml(values: Mapping[str, Any]) -> str:
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items())


def saved(model: onnx.ModelProto, folder: Path) -> Path:
    """A folder of the user's with one ONNX model."""
    folder.mkdir(parents=True)
    onnx.save(model, folder / "inference.onnx")
    return folder
