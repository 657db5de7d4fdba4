"""ONNX -> float TFLite: one file, any size, one XNNPACK partition, recurrent layers apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx

from converters.environments import Worker
from converters.graph import rewrite
from converters.graph.loading import load_onnx
from converters.graph.operators import assert_convertible
from converters.tflite.inspection import assert_one_partition
from converters.tflite.recurrence import attach
from converters.tflite.resizable import make_resizable
from converters.tflite.simplify import simplify
from converters.zoo import Model

FREE_AXES = {"detector": (1, 2), "recognizer": (2,), "direction": ()}
"""Kind of model -> the axes of its NHWC input that the runtime resizes."""


@dataclass(frozen=True)
class FloatModel:
    """A model as float TFLite, and what the manifest must say about it.

    Attributes:
        content: the TFLite file.
        meaning: of the output, as in a manifest.
        block: pixels on each side of the blocks that a detector's map comes in.
        border: pixels around a detector's map that are to be cropped.
        rewrites: rule -> how often it was applied.
        tools: package -> version of what had a part in the bytes.
    """

    content: bytes
    meaning: str
    block: int
    border: int
    rewrites: Mapping[str, int]
    tools: Mapping[str, str]


def to_float(model: Model, source: Path, onnx2tf: Worker, folder: Path) -> FloatModel:
    """Convert one model.

    Args:
        model: of the zoo.
        source: its ONNX file; only read.
        onnx2tf: a running worker of that environment.
        folder: for files on the way.

    Raises:
        SourceError: the file is not a whole ONNX model.
        ConversionError: the graph holds something that cannot be rewritten, or XNNPACK would not run it whole.
        WorkerError: onnx2tf failed.
    """
    rewritten = rewrite(load_onnx(source), input_shape=model.input_shape)
    assert_convertible(rewritten.model)
    onnx.save(rewritten.model, folder / "rewritten.onnx")
    result = onnx2tf.call(
        "convert",
        onnx=str(folder / "rewritten.onnx"),
        output=str(folder / "onnx2tf.tflite"),
        input_name=model.input_name,
        input_shape=list(model.input_shape),
    )
    content = simplify((folder / "onnx2tf.tflite").read_bytes())
    content = make_resizable(content, FREE_AXES[model.kind])
    if rewritten.recurrence is not None:
        content = attach(content, rewritten.recurrence)
    assert_one_partition(content, model.name)
    return FloatModel(
        content, rewritten.meaning, rewritten.block, rewritten.border, rewritten.applied, result["versions"]
    )
