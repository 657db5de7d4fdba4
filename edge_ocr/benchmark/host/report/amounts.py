"""Figures in words."""

from __future__ import annotations

from edge_ocr.benchmark.host.targets import Unit
from edge_ocr.benchmark.result import SpeedUp

_SHOWN: dict[Unit, tuple[float, int, str]] = {
    Unit.BYTES: (1e6, 2, "MB"),
    Unit.MILLISECONDS: (1, 1, "ms"),
    Unit.POINTS: (1, 2, "points"),
    Unit.INSTRUCTIONS: (1e6, 1, "M"),
}
"""Unit -> how many of it are one of the unit that is shown, with how many decimals, and the name of that unit."""
_MOST_DECIMALS = 9
_FEWEST_PAIRS = 10
"""Of fewer a bootstrap interval is far too narrow: with five, one in six finds a difference where there is none."""


def amount(value: float, unit: Unit) -> str:
    """A figure with its unit, rounded: 2188036 bytes are `2.19 MB`."""
    divisor, decimals, name = _SHOWN[unit]
    return f"{value / divisor:,.{decimals}f} {name}"


def limit_amount(value: float, unit: Unit) -> str:
    """A limit as it was written, not rounded."""
    divisor, _, name = _SHOWN[unit]
    return f"{value / divisor:,.10g} {name}"


def beside(value: float, limit: float, unit: Unit) -> str:
    """A figure with as many decimals as it takes to see on which side of its limit it is."""
    divisor, decimals, name = _SHOWN[unit]
    while decimals < _MOST_DECIMALS and (round(value / divisor, decimals) <= limit / divisor) != (value <= limit):
        decimals += 1
    return f"{value / divisor:,.{decimals}f} {name}"


def threads(count: int) -> str:
    """How many threads."""
    return f"{count} thread{'s' if count > 1 else ''}"


def faster(speed_up: SpeedUp) -> str:
    """A speed-up that says what it is when it is none: `1.52x: faster [1.48, 1.55]`, `0.83x: slower [0.80, 0.86]`."""
    if speed_up.pairs < _FEWEST_PAIRS:
        return f"{speed_up.ratio:.2f}x: too few readings to tell"
    if speed_up.low > 1:
        verdict = "faster"
    elif speed_up.high < 1:
        verdict = "slower"
    else:
        verdict = "no difference that this run can tell"
    return f"{speed_up.ratio:.2f}x: {verdict} [{speed_up.low:.2f}, {speed_up.high:.2f}]"
