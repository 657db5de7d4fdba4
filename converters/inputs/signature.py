"""What a model takes and gives, as its graph declares it, and what kind of model that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import shape_inference

from converters.errors import SourceError
from converters.graph.loading import load_onnx

_KIND_BY_RANK = {2: "direction", 3: "recognizer", 4: "detector"}
_GIVES = (
    "a detector gives a map (N, 1, H, W), a direction classifier (N, classes) and a recognizer (N, frames, classes)"
)


@dataclass(frozen=True)
class Signature:
    """A model's input and output.

    Attributes:
        kind: `detector`, `direction` or `recognizer`.
        input_name: the graph's.
        height: of the input in pixels; None where it is free.
        width: likewise.
        classes: of a direction classifier or a recognizer; 1 of a detector.
        has_characters: whether its metadata list a recognizer's characters, see `charsets.from_onnx_metadata`.
    """

    kind: str
    input_name: str
    height: int | None
    width: int | None
    classes: int
    has_characters: bool


def read_signature(model: Path, name: Path) -> Signature:
    """Read the signature of an ONNX file.

    Args:
        model: the file.
        name: what messages call it.

    Raises:
        SourceError: it is not ONNX, takes something else than colour pictures in float32, or is not a detector,
            direction classifier or recognizer.
    """
    loaded = load_onnx(model)
    graph = loaded.graph
    inputs = [value for value in graph.input if value.name not in {tensor.name for tensor in graph.initializer}]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise SourceError(
            f"{name} has {len(inputs)} inputs and {len(graph.output)} outputs; give an exported inference model, which "
            "has one of each"
        )
    taken = _sides(inputs[0])
    if len(taken) != 4 or taken[0] not in (1, None) or taken[1] not in (3, None):
        raise SourceError(
            f"{name} takes {_shown(taken)}, not single colour pictures (N, 3, H, W) with N of 1 or open; export it for "
            "these"
        )
    if inputs[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT:
        raise SourceError(f"{name} takes numbers that are not float32; export it for float32")
    given = _sides(graph.output[0]) or _sides(shape_inference.infer_shapes(loaded).graph.output[0])
    kind = _KIND_BY_RANK.get(len(given))
    if kind is None or (kind == "detector" and given[1] not in (1, None)):
        raise SourceError(f"{name} takes {_shown(taken)} and gives {_shown(given)}, but {_GIVES}; give one of these")
    classes = 1 if kind == "detector" else given[-1]
    if classes is None:
        raise SourceError(f"{name} does not declare how many classes it gives; export it with that number")
    has_characters = any(entry.key == "character" for entry in loaded.metadata_props)
    return Signature(kind, inputs[0].name, taken[2], taken[3], classes, has_characters)


def _sides(value: onnx.ValueInfoProto) -> list[int | None]:
    return [side.dim_value if side.dim_value > 0 else None for side in value.type.tensor_type.shape.dim]


def _shown(sides: list[int | None]) -> str:
    return f"({', '.join('?' if side is None else str(side) for side in sides)})"
