"""ONNX models made into ncnn's by pnnx, the converter that ncnn's own documentation names."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from edge_ocr.benchmark.host.tools import run_tool
from edge_ocr.bundle import Bundle
from edge_ocr.cache import digest_of, run_stage
from edge_ocr.errors import BenchmarkError
from edge_ocr.manifest import AnySpec, FixedSize, LineHeight

PNNX = "pnnx==20261020"

_RECIPE = 1
"""Counts how the models are made, so that those made otherwise are not used again."""


def convert_to_ncnn(bundle: Bundle, note: Callable[[str], None]) -> Path:
    """Folder of a bundle's models for ncnn, kept in the cache: `SHA256.param` and `SHA256.bin` for each ONNX file.

    All as pnnx does it unless told otherwise: weights are stored in fp16.

    Args:
        bundle: of format "onnx".
        note: told, in a line each, what takes a while.

    Raises:
        BenchmarkError: pnnx cannot be fetched or does not convert a model.
        CacheError: the cache folder cannot be written.
    """

    def make(folder: Path) -> None:
        pnnx = _pnnx(note)
        for kind, spec in specs.items():
            note(f"converting the {kind} for ncnn")
            content = bundle.model_bytes(kind)
            file = folder / hashlib.sha256(content).hexdigest()
            with tempfile.TemporaryDirectory(dir=folder) as scratch:  # pnnx leaves five more files beside its input
                model = Path(scratch) / "model.onnx"
                model.write_bytes(content)
                products = [f"ncnn{part}={file}.{part}" for part in ("param", "bin")]
                run_tool(str(pnnx), str(model), *products, *_shapes(spec))
            if not file.with_suffix(".bin").exists():
                raise BenchmarkError(f"{PNNX} gave no {kind} for ncnn, nor said why; try another version of it")

    specs = bundle.manifest.models.by_kind()
    models = {kind: [bundle.model_bytes(kind), _shapes(spec)] for kind, spec in specs.items()}
    return run_stage("ncnn", digest_of(_RECIPE, PNNX, models), make)


def _shapes(spec: AnySpec) -> list[str]:
    """Inputs as pnnx is told of them: two sizes where the model must take any."""
    size = spec.input.size
    if isinstance(size, FixedSize):
        return [f"inputshape=[1,3,{size.height},{size.width}]f32"]
    one, other = ((size.height, 320), (size.height, 640)) if isinstance(size, LineHeight) else ((640, 640), (320, 480))
    return [f"inputshape=[1,3,{one[0]},{one[1]}]f32", f"inputshape2=[1,3,{other[0]},{other[1]}]f32"]


def _pnnx(note: Callable[[str], None]) -> Path:
    """The program pnnx, kept in the cache.

    Its package asks for PyTorch, 5 GB, which only its Python functions need; the program stands by itself.
    """

    def make(folder: Path) -> None:
        note(f"fetching {PNNX}")
        run_tool(
            sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary=:all:", "--target", str(folder), PNNX,
        )  # fmt: skip

    return run_stage("pnnx", digest_of(_RECIPE, PNNX), make) / "pnnx" / "pnnx"
