"""An ONNX file, and the files beside it that hold its weights, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from onnx.checker import ValidationError
from onnx.external_data_helper import load_external_data_for_model, uses_external_data

from converters.errors import SourceError
from edge_ocr.engines.base import first_line


def load_onnx(path: Path) -> onnx.ModelProto:
    """Read a model whole.

    Weights may lie in other files of the same folder ("external data" in ONNX). What a file names is not trusted: it
    may lead nowhere else.

    Args:
        path: the ONNX file; only read.

    Returns:
        The model with all weights in it.

    Raises:
        SourceError: the file is no ONNX model, or only a part of one; or its weights are missing, cut off, outside its
            folder, or not as many as their shape says.
    """
    model = _without_external_data(path)
    for tensor in _tensors(model.graph):
        if uses_external_data(tensor):
            _check_external_data(path, tensor)
    try:
        load_external_data_for_model(model, str(path.parent))
    except (OSError, ValueError, ValidationError) as problem:  # onnx looks, too, and refuses every link
        raise SourceError(
            f"{path} keeps weights in a file that cannot be read ({first_line(problem)}); put all its files in one "
            "folder and save it again"
        ) from problem
    for tensor in _tensors(model.graph):
        _check_values(path, tensor)
    return model


def keeps_weights_beside(path: Path) -> bool:
    """Whether an ONNX file has weights in other files; SourceError as `load_onnx`."""
    return any(map(uses_external_data, _tensors(_without_external_data(path).graph)))


def _without_external_data(path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise SourceError(f"{path} is not an ONNX model, or only a part of one; fetch or export it again") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror})") from error
    if not model.graph.node or not model.opset_import:
        raise SourceError(f"{path} is an ONNX file without a graph or an operator set; fetch or export it again")
    return model


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """All constants of a graph and of the graphs inside its nodes."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from attribute.tensors
            if attribute.HasField("t"):
                yield attribute.t
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)


def _check_external_data(path: Path, tensor: onnx.TensorProto) -> None:
    """Refuse weights that are not where they may be, or not all there."""
    stated = {entry.key: entry.value for entry in tensor.external_data}
    location = stated.get("location", "")
    folder = path.parent.resolve()
    try:
        file = (folder / location).resolve()
        offset, length = (int(stated.get(key, "0")) for key in ("offset", "length"))
        if min(offset, length) < 0:
            raise ValueError
    except ValueError as error:
        raise SourceError(f"{path} says {stated} of the weights {tensor.name}; fetch or export it again") from error
    if not file.is_relative_to(folder) or file == folder:
        raise SourceError(
            f"{path} keeps the weights {tensor.name} in {location!r}, outside its own folder; put all its files in one "
            "folder and save it again"
        )
    if not file.is_file():
        raise SourceError(f"{path} keeps the weights {tensor.name} in {location!r}, which is missing; put it beside it")
    if offset + length > file.stat().st_size:
        raise SourceError(
            f"{path} keeps the weights {tensor.name} in {location!r}, which ends before them; fetch or export it again"
        )


def _check_values(path: Path, tensor: onnx.TensorProto) -> None:
    """Refuse a tensor whose numbers are of an unknown type, or not as many as its shape says."""
    try:
        numpy_helper.to_array(tensor)
    except (KeyError, TypeError, ValueError) as problem:
        raise SourceError(
            f"{path} holds the weights {tensor.name} in a form that cannot be read ({first_line(problem)}); fetch or "
            "export it again"
        ) from problem
