"""What quantisation-aware training leaves behind: the scales of 8-bit tensors, all of them symmetric around 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LearnedLayer:
    """The scales of a convolution or matrix product.

    Attributes:
        activation: the largest magnitude of its input, which int8 stores as 127; None where the archive lacks it.
        weights: the largest magnitude of each output channel's weights, stored as 127.
    """

    activation: float | None
    weights: tuple[float, ...]


@dataclass(frozen=True)
class LearnedQuantisation:
    """The scales of a model.

    Attributes:
        layers: parameter that holds a layer's weights, as the ONNX model names it -> the layer. An activation goes by
            its layer, because paddle2onnx gives many activations other names, and no parameter.
    """

    layers: Mapping[str, LearnedLayer]

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> LearnedQuantisation:
        """What `to_json` gave."""
        return LearnedQuantisation(
            {name: LearnedLayer(layer["activation"], tuple(layer["weights"])) for name, layer in data["layers"].items()}
        )
