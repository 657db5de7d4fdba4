"""The figures as an SVG that stands alone: where the noise enters, what float would cost there, and what comes of it.

A column for each layer, in execution order, runs through three charts: noise upwards, cost downwards, and below them
how clean the layer's own output is. Columns that the recipe leaves float are shaded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from converters.analysis.figures import LayerFigures, ModelFigures, State
from converters.gallery.html import visible

_WIDTH, _LEFT, _RIGHT = 1120, 58, 20
_HEADING, _TITLE, _GAP, _AXIS = 88, 76, 62, 44
_NOISE, _COST, _RATIO = 190, 70, 130
"""Heights of the three charts."""
_NAMED = 5
"""So many of the loudest layers are called by their names."""
_MOST_DECIBELS = 60.0
"""Better outputs are drawn there: nobody can tell the difference."""
_LETTER = 7.0
"""Pixels that a letter takes, about."""
_BAR = 0.78
"""Width of a bar as a share of its column."""

_STYLE = """
svg { font: 13px system-ui, sans-serif; background: #fff; }
text { fill: #1b1f24; } .faint { fill: #5b6570; }
.name { paint-order: stroke; stroke: #fff; stroke-width: 4px; }
.rule { stroke: #d9dde2; } .island { fill: #0062b8; opacity: .1; }
.weights { fill: #b34700; } .activations { fill: #f0a878; }
.float { fill: #0062b8; } .int8 { fill: #b8c0c9; }
.whole { fill: none; stroke: #8a939d; stroke-width: 1.6; } .recipe { fill: none; stroke: #0062b8; stroke-width: 2; }
.column { fill: transparent; } .column:hover { fill: #5b6570; fill-opacity: .15; }
@media (prefers-color-scheme: dark) {
  svg { background: #14171b; } text { fill: #e6e9ed; } .faint { fill: #9ba6b2; } .name { stroke: #14171b; }
  .rule { stroke: #343b44; }
  .island { fill: #74bbff; opacity: .16; } .weights { fill: #ff8a3d; } .activations { fill: #8a5530; }
  .float { fill: #74bbff; } .int8 { fill: #505a65; } .whole { stroke: #7b8590; } .recipe { stroke: #74bbff; }
}
"""


def as_svg(title: str, models: Sequence[ModelFigures]) -> bytes:
    """The picture.

    Args:
        title: its heading, for example the system and the recipe.
        models: the charts, from top to bottom.
    """
    block = _TITLE + _NOISE + _COST + _RATIO + 2 * _GAP + _AXIS
    height = _HEADING + block * len(models)
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">',
        f"<title>{visible(title)}</title><style>{_STYLE}</style>",
        _text(20, 32, title, size=20, weight=600),
        *_legend(),
    ]
    for number, model in enumerate(models):
        pieces += [f'<g transform="translate(0 {_HEADING + number * block})">', *_model(model), "</g>"]
    return "\n".join([*pieces, "</svg>\n"]).encode()


def _legend() -> Iterator[str]:
    entries = (
        ("weights", "noise from rounding weights"),
        ("activations", "from rounding activations"),
        ("int8", "multiply-adds in int8"),
        ("float", "in float by the recipe"),
    )
    left = 20.0
    for colour, words in entries:
        yield _bar(colour, left, 50, 12, 12)
        yield _text(left + 18, 61, words, colour="faint")
        left += 40 + _LETTER * len(words)


def _model(model: ModelFigures) -> Iterator[str]:
    column = (_WIDTH - _LEFT - _RIGHT) / max(len(model.layers), 1)
    charts = _NOISE + _COST + _RATIO + 2 * _GAP
    yield _text(20, 14, f"{model.kind}: {len(model.layers)} layers, {model.inputs} inputs", size=16, weight=600)
    yield _text(20, 36, _sentence(model), colour="faint")
    yield f'<g transform="translate({_LEFT} {_TITLE})">'
    for first, count in _islands(model.layers):
        yield _bar("island", first * column, 0, count * column, charts - _GAP)
    yield from _noise(model.layers, column)
    yield f'<g transform="translate(0 {_NOISE})">'
    yield from _cost(model.layers, column)
    yield f'</g><g transform="translate(0 {_NOISE + _COST + _GAP})">'
    yield from _ratios(model.layers, column)
    yield "</g>"
    for index, layer in enumerate(model.layers):
        yield (
            f'<rect class="column" x="{index * column:.1f}" y="0" width="{column:.1f}" height="{charts - _GAP}">'
            f"<title>{visible(_details(layer))}</title></rect>"
        )
    yield "</g>"


def _sentence(model: ModelFigures) -> str:
    def state(words: str, each: State) -> str:
        return f"{words} {each.signal_to_noise:.1f} dB at the output, {100 * each.changed:.1f} % of answers change"

    whole = state("All in int8:", model.whole)
    if not any(layer.stays_float for layer in model.layers):
        return f"{whole}."
    spent = f"With {100 * model.recipe.float_multiply_adds:.0f} % of the multiply-adds in float:"
    return f"{whole}. {state(spent, model.recipe)}."


def _details(layer: LayerFigures) -> str:
    return (
        f"{layer.place} {layer.kind} {'x'.join(map(str, layer.shape[1:]))}\n"
        f"noise {100 * layer.noise:.1f} %, of that weights {100 * layer.weight_noise:.1f} %\n"
        f"alone in int8: {layer.alone:.1f} dB at the output, {100 * layer.changed:.2f} % of answers change\n"
        f"{100 * layer.multiply_adds:.1f} % of the multiply-adds, {100 * layer.weights:.1f} % of the weights\n"
        f"{'float' if layer.stays_float else 'int8'} by the recipe"
    )


def _islands(layers: Sequence[LayerFigures]) -> Iterator[tuple[int, int]]:
    """Runs of layers that stay float: the first one's index, and how many."""
    start = 0
    for stays_float, run in groupby(layers, key=lambda layer: layer.stays_float):
        count = len(list(run))
        if stays_float:
            yield start, count
        start += count


def _noise(layers: Sequence[LayerFigures], column: float) -> Iterator[str]:
    top = _round_up(max((layer.noise for layer in layers), default=0.0))
    yield from _scale("share of the noise at the output", _NOISE, top, upwards=True)
    bar, inset = column * _BAR, column * (1 - _BAR) / 2
    for index, layer in enumerate(layers):
        bottom = float(_NOISE)
        for colour, share in (("weights", layer.weight_noise), ("activations", layer.activation_noise)):
            tall = _NOISE * share / top
            bottom -= tall
            yield _bar(colour, index * column + inset, bottom, bar, tall)
    yield from _names(layers, column, top)


def _names(layers: Sequence[LayerFigures], column: float, top: float) -> Iterator[str]:
    """The loudest layers by name, each above its bar, and above any name that stands there already."""
    taken: list[tuple[float, float, float]] = []
    for index in sorted(range(len(layers)), key=lambda index: -layers[index].noise)[:_NAMED]:
        words = f"{layers[index].place} {_short(layers[index].kind)}"
        half = _LETTER * len(words) / 2
        across = min(max((index + 0.5) * column, half), _WIDTH - _LEFT - _RIGHT - half)
        up = _NOISE * (1 - layers[index].noise / top) - 5
        while any(abs(up - y) < 13 and abs(across - x) < half + other for x, y, other in taken):
            up -= 14
        taken.append((across, up, half))
        yield _text(across, up, words, colour="name", size=12, anchor="middle")


def _short(kind: str) -> str:
    return {"CONV_2D": "conv", "DEPTHWISE_CONV_2D": "depthwise"}.get(kind, kind.lower().replace("_", " "))


def _cost(layers: Sequence[LayerFigures], column: float) -> Iterator[str]:
    most = _round_up(max((layer.multiply_adds for layer in layers), default=0.0))
    yield from _scale("share of the multiply-adds", _COST, most, upwards=False)
    bar, inset = column * _BAR, column * (1 - _BAR) / 2
    for index, layer in enumerate(layers):
        colour = "float" if layer.stays_float else "int8"
        yield _bar(colour, index * column + inset, 0, bar, _COST * layer.multiply_adds / most)


def _ratios(layers: Sequence[LayerFigures], column: float) -> Iterator[str]:
    yield _text(-_LEFT + 20, -12, "signal-to-noise ratio of each layer's own output, dB", colour="faint", size=12)
    right = _WIDTH - _LEFT - _RIGHT
    yield _text(right - 190, -12, "all in int8", colour="faint", size=12)
    yield f'<line class="whole" x1="{right - 216}" x2="{right - 196}" y1="-16" y2="-16"/>'
    yield _text(right - 85, -12, "by the recipe", colour="faint", size=12)
    yield f'<line class="recipe" x1="{right - 111}" x2="{right - 91}" y1="-16" y2="-16"/>'
    for level in range(0, int(_MOST_DECIBELS) + 1, 20):
        yield from _rule(_RATIO * (1 - level / _MOST_DECIBELS), str(level))
    for name in ("whole", "recipe"):
        points = [
            f"{(index + 0.5) * column:.1f},{_RATIO * (1 - _drawn(getattr(layer, name)) / _MOST_DECIBELS):.1f}"
            for index, layer in enumerate(layers)
        ]
        yield f'<polyline class="{name}" points="{" ".join(points)}"/>'
    every = math.ceil(36 / column)
    for index in range(0, len(layers), every):
        yield _text(
            (index + 0.5) * column, _RATIO + 18, str(layers[index].place), colour="faint", size=12, anchor="middle"
        )
    yield _text(-_LEFT + 20, _RATIO + 18, "layer", colour="faint", size=12)


def _drawn(ratio: float) -> float:
    return min(max(ratio, 0.0), _MOST_DECIBELS)


def _scale(name: str, height: float, most: float, *, upwards: bool) -> Iterator[str]:
    for share in (0.0, 0.5, 1.0):
        position = height * (1 - share) if upwards else height * share
        if share or upwards:
            yield from _rule(position, f"{100 * most * share:g} %")
    yield _text(-_LEFT + 20, -12 if upwards else height + 18, name, colour="faint", size=12)


def _rule(up: float, label: str) -> Iterator[str]:
    right = _WIDTH - _LEFT - _RIGHT
    yield f'<line class="rule" x1="0" x2="{right}" y1="{up:.1f}" y2="{up:.1f}"/>'
    yield _text(-6, up + 4, label, colour="faint", size=11, anchor="end")


def _bar(colour: str, left: float, top: float, width: float, height: float) -> str:
    return f'<rect class="{colour}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _round_up(share: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 and 100 %, 0.1 % at least."""
    steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
    return next((step for step in steps if share <= step), 1.0)


def _text(
    left: float, up: float, words: str, *, colour: str = "", size: int = 13, weight: int = 400, anchor: str = "start"
) -> str:
    style = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
    return f'<text x="{left:.1f}" y="{up:.1f}" class="{colour}" {style}>{visible(words)}</text>'
