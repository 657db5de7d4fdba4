"""ONNX models on onnxruntime: what a conversion is held against, and a way to run a model unconverted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edge_ocr.engines.base import Array, Result, TensorType, first_line, import_package
from edge_ocr.errors import EngineError

PACKAGES = {"onnxruntime": "onnxruntime"}
"""Distribution -> module that holds its `InferenceSession`."""
_ERRORS = 3
"""Of onnxruntime's levels of logging: errors, and no warnings."""


class OnnxRuntime:
    """See `edge_ocr.engines.base.Engine`."""

    name = "onnx"
    format = "onnx"

    def __init__(self, package: str, *, optimised: bool = True) -> None:
        """The installed onnxruntime.

        Args:
            package: its name.
            optimised: whether it may change a graph before running it, which is faster; as the graph stands, it rounds
                less on large pictures.

        Raises:
            EngineError: it cannot be imported.
        """
        self.package = package
        self._optimised = optimised
        self._module, self.version = import_package(package, PACKAGES[package])

    def load(self, model: bytes, *, name: str, threads: int = 1) -> OnnxNetwork:
        """See `edge_ocr.engines.base.Engine.load`."""
        options = self._module.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        if not self._optimised:
            options.graph_optimization_level = self._module.GraphOptimizationLevel.ORT_DISABLE_ALL
        # Published graphs declare one width and are run at any, which it else complains of with every line.
        options.log_severity_level = _ERRORS
        try:
            session = self._module.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as problem:  # its exceptions have no public base class
            raise EngineError(
                f"{self.package} {self.version} refuses the {name} model ({first_line(problem)}); "
                "use a bundle made for this engine"
            ) from problem
        return OnnxNetwork(session, name)


class OnnxNetwork:
    """See `edge_ocr.engines.base.Network`."""

    def __init__(self, session: Any, name: str) -> None:
        """Take over a session."""
        inputs, outputs = session.get_inputs(), session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1 or {inputs[0].type, outputs[0].type} != {"tensor(float)"}:
            raise EngineError(
                f"the {name} model does not take one float tensor and give one; use a model of the PP-OCR family"
            )
        self.name = name
        self.input = self.output = TensorType(np.dtype(np.float32))
        self._session = session
        self._input_name = inputs[0].name
        self._tensor = np.zeros(0, np.float32)

    def run(self, shape: tuple[int, ...], fill: Callable[[Array], None], take: Callable[[Array], Result]) -> Result:
        """See `edge_ocr.engines.base.Network.run`."""
        if self._tensor.shape != shape:
            self._tensor = np.zeros(shape, np.float32)
        fill(self._tensor)
        try:
            (output,) = self._session.run(None, {self._input_name: self._tensor})
        except Exception as problem:  # its exceptions have no public base class
            raise EngineError(
                f"the {self.name} model does not accept an input of shape {shape} ({first_line(problem)})"
            ) from problem
        return take(output)
