"""ncnn as an engine of edge_ocr: the same stages around the same models, run by a peer's kernels.

Runs on the emulated CPU, where the package ncnn is installed; the models are made by `emulated.ncnn_models`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ncnn  # type: ignore[import-not-found]  # it is in a peer's own folder of packages only
import numpy as np

from edge_ocr.engines.base import Array, Result, TensorType
from edge_ocr.errors import EngineError

_INPUT, _OUTPUT = "in0", "out0"
"""Names of the tensors, as pnnx gives them."""


class Ncnn:
    """See `edge_ocr.engines.base.Engine`."""

    name = package = "ncnn"
    version = ncnn.__version__
    format = "onnx"

    def __init__(self, models: Path, *, half: bool) -> None:
        """Run models that pnnx has converted.

        Args:
            models: folder of them, each called like the SHA-256 of the ONNX file that it was made from.
            half: whether ncnn may compute in fp16 where the CPU can, which is its default; else all is fp32.
        """
        self._models = models
        self._half = half

    def load(self, model: bytes, *, name: str, threads: int = 1) -> NcnnNetwork:
        """See `edge_ocr.engines.base.Engine.load`; `model` is the ONNX file, of which the conversion is loaded."""
        net = ncnn.Net()
        net.opt.num_threads = threads
        net.opt.use_vulkan_compute = False
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = self._half
        file = self._models / hashlib.sha256(model).hexdigest()
        if net.load_param(f"{file}.param") or net.load_model(f"{file}.bin"):
            raise EngineError(f"ncnn {self.version} refuses the {name} model {file}; convert it again")
        return NcnnNetwork(net, name)


class NcnnNetwork:
    """See `edge_ocr.engines.base.Network`."""

    def __init__(self, net: Any, name: str) -> None:
        """Take over a loaded net."""
        self.name = name
        self.input = self.output = TensorType(np.dtype(np.float32))
        self._net = net
        self._tensor: Array = np.zeros(0, np.float32)

    def run(self, shape: tuple[int, ...], fill: Callable[[Array], None], take: Callable[[Array], Result]) -> Result:
        """See `edge_ocr.engines.base.Network.run`."""
        if self._tensor.shape != shape:
            self._tensor = np.zeros(shape, np.float32)
        fill(self._tensor)
        return take(np.stack([self._infer(sample) for sample in self._tensor]))

    def _infer(self, sample: Array) -> Array:
        """One sample of the batch, which ncnn's nets do not know, without a copy of either tensor."""
        with self._net.create_extractor() as extractor:
            failed = extractor.input(_INPUT, ncnn.Mat(sample))
            if not failed:
                failed, output = extractor.extract(_OUTPUT)
            if failed:
                raise EngineError(f"the {self.name} model fails under ncnn on an input of shape {sample.shape}")
            return np.asarray(output)
