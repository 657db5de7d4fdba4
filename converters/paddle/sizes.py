"""Which sizes of its input a model really needs.

Paddle's programs declare the size that they were exported with, also where nothing in them depends on it: the
recognizers of PP-OCR v1 say 32x100 and read lines of any width, its detector says 640x640.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
from onnx import shape_inference

from converters.errors import ConversionError
from edge_ocr.engines.base import first_line

_AXES = {0: "batch", 2: "height", 3: "width"}
"""The axes of the input that may be open."""
_HEIGHTS = (64, 48, 32)
"""Tried where a program leaves the height open: detectors halve it five times, recognizers are made for one height."""
_WIDTH = 320
_LARGEST_SIDE = 2048
"""Pixels; the programs of PP-OCR that declare a size say 960 at most."""
_LARGEST_TENSOR = 1 << 28
"""Elements of a tensor inside the model at the sizes tried: 1 GB of float32."""
_SILENT = 4
"""Level of onnxruntime's log: the sizes that a model does not run at are no news."""


def open_sizes(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose input leaves open its batch, height and width, but for one that the model does not run at twice of.

    Args:
        model: with one input, (N, C, H, W) float32.

    Raises:
        ConversionError: the input has another form or is too large, or onnxruntime does not run the model at the size
            that it declares.
    """
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    declared = _declared_sizes(opened)
    _forget_shapes(opened)
    trials = _Trials(opened)
    shape = trials.first_that_runs(declared)
    dimensions = opened.graph.input[0].type.tensor_type.shape.dim
    for axis in _AXES:
        doubled = [2 * size if other == axis else size for other, size in enumerate(shape)]
        if declared[axis] > 0 and trials.reason_not_to_run(doubled):
            dimensions[axis].dim_value = declared[axis]
    return shape_inference.infer_shapes(opened)


def _declared_sizes(model: onnx.ModelProto) -> list[int]:
    """The input's sizes; 0 or less where they are open."""
    inputs = list(model.graph.input)
    tensor = inputs[0].type.tensor_type if inputs else onnx.TypeProto.Tensor()
    sizes = [dimension.dim_value for dimension in tensor.shape.dim]
    if len(inputs) != 1 or tensor.elem_type != onnx.TensorProto.FLOAT or len(sizes) != 4 or sizes[1] < 1:
        raise ConversionError(
            f"the model has {len(inputs)} inputs, the first of {sizes}, in place of one (N, C, H, W) of float32; "
            "give a detector, direction classifier or recognizer"
        )
    if max(sizes) > _LARGEST_SIDE:
        raise ConversionError(f"the model's input is {sizes}; give one of at most {_LARGEST_SIDE} pixels a side")
    return sizes


def _forget_shapes(model: onnx.ModelProto) -> None:
    """Open every size that may be open, and drop the shapes that followed from them."""
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    for axis, name in _AXES.items():
        dimensions[axis].dim_param = name


class _Trials:
    """Runs of a model whose sizes are open, on nothing but zeros."""

    def __init__(self, model: onnx.ModelProto) -> None:
        """Load `model`; ConversionError where onnxruntime refuses it."""
        self._model = model
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _SILENT
        options.intra_op_num_threads = 1
        content = model.SerializeToString()
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as problem:  # its exceptions have no public base class
            raise ConversionError(
                f"onnxruntime refuses the model ({first_line(problem)}); give the files of one archive, whole"
            ) from problem

    def first_that_runs(self, declared: Sequence[int]) -> list[int]:
        """A shape at which the model runs: as declared, with sizes of our own where it is open."""
        batch, channels, height, width = declared
        reasons = []
        for tried in (height,) if height > 0 else _HEIGHTS:
            shape = [max(batch, 1), channels, tried, width if width > 0 else _WIDTH]
            reason = self.reason_not_to_run(shape)
            if not reason:
                return shape
            reasons.append(f"at {shape}: {reason}")
        raise ConversionError(f"the model does not run ({'; '.join(reasons)}); give the files of one archive, whole")

    def reason_not_to_run(self, shape: Sequence[int]) -> str:
        """Why the model does not run on an input of `shape`; empty where it does."""
        options = onnxruntime.RunOptions()
        options.log_severity_level = _SILENT
        try:
            if (elements := self._largest_tensor(shape)) > _LARGEST_TENSOR:
                return f"it makes a tensor of {elements} elements"
            outputs = self._session.run(
                None, {self._session.get_inputs()[0].name: np.zeros(shape, np.float32)}, options
            )
            # A reshape to a fixed size takes what is too much as further pictures.
            if any(output.shape[:1] != (shape[0],) for output in outputs):
                return f"it gives {outputs[0].shape[:1]} results for {shape[0]} pictures"
        except Exception as problem:  # its exceptions and those of onnx have no public base class
            return first_line(problem)
        return ""

    def _largest_tensor(self, shape: Sequence[int]) -> int:
        """Elements of the largest tensor, of those whose size follows from the input's."""
        fixed = onnx.ModelProto()
        fixed.CopyFrom(self._model)
        for dimension, size in zip(fixed.graph.input[0].type.tensor_type.shape.dim, shape, strict=True):
            dimension.dim_value = size
        graph = shape_inference.infer_shapes(fixed, data_prop=True).graph
        shapes = [tensor.type.tensor_type.shape.dim for tensor in (*graph.value_info, *graph.output)]
        return max(math.prod(dimension.dim_value for dimension in shape) for shape in shapes)
