"""An ONNX file, and the files beside it that hold its weights, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx.external_data_helper import load_external_data_for_model, uses_external_data

from converters.errors import SourceError


def load_onnx(path: Path) -> onnx.ModelProto:
    """Read a model whole.

    Weights may lie in other files of the same folder ("external data" in ONNX). What a file names is not trusted: it
    may lead nowhere else.

    Args:
        path: the ONNX file; only read.

    Returns:
        The model with all weights in it.

    Raises:
        SourceError: the file is no ONNX model, or only a part of one; or its weights are missing, cut off or outside
            its folder.
    """
    model = _without_external_data(path)
    for tensor in _tensors(model.graph):
        if uses_external_data(tensor):
            _check_external_data(path, tensor)
    load_external_data_for_model(model, str(path.parent))
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
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)


def _check_external_data(path: Path, tensor: onnx.TensorProto) -> None:
    """Refuse weights that are not where they may be, or not all there."""
    stated = {entry.key: entry.value for entry in tensor.external_data}
    location = stated.get("location", "")
    folder = path.parent.resolve()
    file = (folder / location).resolve()
    if not file.is_relative_to(folder) or file == folder:
        raise SourceError(
            f"{path} keeps the weights {tensor.name} in {location!r}, outside its own folder; put all its files in one "
            "folder and save it again"
        )
    if not file.is_file():
        raise SourceError(f"{path} keeps the weights {tensor.name} in {location!r}, which is missing; put it beside it")
    try:
        end = int(stated.get("offset", "0")) + int(stated.get("length", "0"))
    except ValueError as error:
        raise SourceError(f"{path} says {stated} of the weights {tensor.name}; fetch or export it again") from error
    if not 0 <= end <= file.stat().st_size:
        raise SourceError(
            f"{path} keeps the weights {tensor.name} in {location!r}, which ends before them; fetch or export it again"
        )
