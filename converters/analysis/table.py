"""The figures as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from converters.analysis.figures import LayerFigures, ModelFigures, State
from converters.report import Row, Table

WORST = 20
"""So many layers are shown unless all are asked for."""


def tables(model: ModelFigures, most: int | None = WORST) -> Iterator[Table]:
    """Of one model: what comes out, then its layers, those that the most noise enters at first.

    Args:
        model: its figures.
        most: layers to show; None for all.
    """
    rows = [_state("all in int8", model.whole)]
    if any(layer.stays_float for layer in model.layers):
        rows.append(_state("by the recipe", model.recipe))
    yield Table(
        f"{model.kind}, on {model.inputs} inputs",
        ("", "signal to noise", "answers changed", "multiply-adds in float"),
        tuple(rows),
        "<>>>",
    )
    loudest = sorted(model.layers, key=lambda layer: -layer.noise)[:most]
    hidden = len(model.layers) - len(loudest)
    yield Table(
        f"{model.kind}: where the noise enters{f', without {hidden} quieter layers (--all)' if hidden else ''}",
        (
            "layer", "operator", "shape", "noise", "of weights", "alone", "changed", "output", "multiply-adds",
            "weights", "",
        ),
        tuple(_rows(loudest)),
        "><<>>>>>>><",
    )  # fmt: skip


def _state(name: str, state: State) -> Row:
    return name, _ratio(state.signal_to_noise), _percent(state.changed), _percent(state.float_multiply_adds)


def _rows(layers: Sequence[LayerFigures]) -> Iterator[Row]:
    for layer in layers:
        yield (
            str(layer.place),
            layer.kind,
            "x".join(map(str, layer.shape[1:])),
            _percent(layer.noise),
            _percent(layer.weight_noise),
            _ratio(layer.alone),
            _percent(layer.changed),
            _ratio(layer.recipe),
            _percent(layer.multiply_adds),
            _percent(layer.weights),
            "float" if layer.stays_float else "int8",
        )


def _ratio(decibels: float) -> str:
    return f"{decibels:.1f} dB"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
