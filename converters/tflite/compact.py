"""A smaller file with the same numbers.

ai-edge-quantizer writes large buffers behind the flatbuffer, one scale and one zero-point vector for every tensor
although most are equal, and long tensor names. The interpreter needs none of that.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt

from converters.tflite.graph import TFLiteGraph


class _SharingBuilder(flatbuffers.Builder):
    """A builder that stores equal number vectors once and lets every table point at that one."""

    def __init__(self) -> None:
        super().__init__(1 << 20)
        self._stored: dict[tuple[str, bytes], Any] = {}

    def CreateNumpyVector(self, x: npt.NDArray[np.generic]) -> Any:
        # Only what quantisation parameters are made of: weights are shared by buffer already, and they need an
        # alignment that the builder sees to when it packs a buffer.
        if x.dtype not in (np.float32, np.int64):
            return super().CreateNumpyVector(x)
        key = (x.dtype.str, x.tobytes())
        if key not in self._stored:
            self._stored[key] = super().CreateNumpyVector(x)
        return self._stored[key]


def compact(content: bytes) -> bytes:
    """The same model in fewer bytes: same operators, same weights, bit-identical outputs.

    Args:
        content: a TFLite file.

    Returns:
        It with buffers inside the flatbuffer, equal buffers and equal vectors stored once, inner names and the
        recorded calibration ranges (which no interpreter reads) dropped.
    """
    graph = TFLiteGraph(content)
    graph.drop_unused()
    _share_equal_buffers(graph)
    for index, tensor in enumerate(graph.subgraph.tensors):
        if index not in graph.boundary:
            tensor.name = ""
        if tensor.quantization is not None:
            tensor.quantization.min = tensor.quantization.max = None
    return packed(graph)


def packed(graph: TFLiteGraph) -> bytes:
    """The graph as a TFLite file in which equal vectors of quantisation parameters are stored once."""
    for tensor in graph.subgraph.tensors:
        if tensor.quantization is not None:
            _as_arrays(tensor.quantization)
    builder = _SharingBuilder()
    builder.Finish(graph.model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _as_arrays(quantisation: Any) -> None:
    """Lists are packed number by number; only arrays reach `CreateNumpyVector`."""
    if quantisation.scale is not None:
        quantisation.scale = np.asarray(quantisation.scale, np.float32)
    if quantisation.zeroPoint is not None:
        quantisation.zeroPoint = np.asarray(quantisation.zeroPoint, np.int64)


def _share_equal_buffers(graph: TFLiteGraph) -> None:
    first: dict[bytes, int] = {}
    for tensor in graph.subgraph.tensors:
        if tensor.buffer:
            data = bytes(graph.model.buffers[tensor.buffer].data)
            tensor.buffer = first.setdefault(data, tensor.buffer)
    graph.drop_unused()
