"""Leave for the layers that stay float to compute in half precision where the CPU can.

XNNPACK computes a model's float32 operators in IEEE half precision if the model carries the metadata
`reduced_precision_support` and the CPU has that arithmetic: ARMv8.2-A with FP16, such as Cortex-A55, A76 and newer;
not Cortex-A53 and A72, and not x86 in ai-edge-litert 2.3.0. There a vector holds twice as many numbers, so that these
layers take half the instructions. Integer operators are not touched. Source: TensorFlow,
lite/tools/optimize/reduced_precision_metadata.h.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite.compact import packed
from converters.tflite.flat_padding import flatten_padding
from converters.tflite.graph import TFLiteGraph

KEY = "reduced_precision_support"
HALF_PRECISION = "fp16accfp16"
"""Numbers and sums in half precision: XNNPACK takes no leave that asks for float32 sums."""


def allow_half_precision(content: bytes) -> bytes:
    """The same TFLite file with that leave, bit by bit the same numbers where the CPU has no such arithmetic.

    A file without a float operator stays as it is.
    """
    graph = TFLiteGraph(content)
    if not any(graph.is_float(index) for operator in graph.operators for index in operator.outputs):
        return content
    flatten_padding(graph)
    graph.drop_unused()
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(HALF_PRECISION.encode(), np.uint8)
    graph.model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = KEY, len(graph.model.buffers) - 1
    graph.model.metadata = [entry]
    return packed(graph)
