"""The gate that needs no labels: whether a bundle reads what its original reads where that one is sure.

The limits are data, in gate.toml. A figure beyond its limit is refused only if its whole 95 % interval is: a few
pictures refuse what is broken, and it takes some two thousand lines (`ENOUGH_LINES`) to tell half a point from chance.
How far apart the two models' numbers are is no figure of it: a training run that halved the mean divergence of a
recognizer's probabilities made it drop characters.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from converters.errors import ConversionError
from converters.evaluation.agreement import FIGURES, Agreement
from converters.zoo import KINDS

USUAL_LIMITS = Path(__file__).with_name("gate.toml")
ENOUGH_LINES = 2000
"""Lines that the original is sure of."""
_CHANGES = ("change_of_length",)
"""Figures that are best at 0, and may be off to either side."""


@dataclass(frozen=True)
class Limit:
    """The limit of a figure.

    Attributes:
        kind: of model that the figure bears on.
        figure: attribute of `Agreement`.
        value: the least percentage; of a change of length, the most characters a line, gained or dropped.
    """

    kind: str
    figure: str
    value: float

    def broken_by(self, alike: Agreement) -> bool:
        """Whether the figure is beyond the limit, and not by chance; one that nothing bears on breaks none."""
        interval = getattr(alike, self.figure)
        if interval is None:
            return False
        if self.figure in _CHANGES:
            return bool(interval.low > self.value or interval.high < -self.value)
        return bool(interval.high < self.value)


@dataclass(frozen=True)
class Refusal:
    """A figure, and the limit that it breaks."""

    limit: Limit
    alike: Agreement

    def __str__(self) -> str:
        figure, interval = FIGURES[self.limit.figure], getattr(self.alike, self.limit.figure)
        found = f"{figure.value(interval)} {figure.range(interval)} on {figure.basis(self.alike)}"
        beyond = "more" if self.limit.figure in _CHANGES else "less"
        return f"'{figure.name}' is {found}, {beyond} than the {self.limit.value:g}{figure.unit} of --gate"


def judge(alike: Agreement, limits: Collection[Limit] | None = None, kinds: Collection[str] = KINDS) -> list[Refusal]:
    """Hold a bundle's agreement with its original against limits.

    Args:
        alike: from `agreement`.
        limits: from `read_limits`; None are the usual ones.
        kinds: of model that are judged.

    Returns:
        What is refused, in the order of the limits; nothing where the bundle passes, or nothing bears on it.
    """
    limits = read_limits(USUAL_LIMITS) if limits is None else limits
    return [Refusal(limit, alike) for limit in limits if limit.kind in kinds and limit.broken_by(alike)]


def read_limits(path: Path) -> list[Limit]:
    """The limits in a TOML file: a table for each kind of model, in it figures and their limits.

    What has no limit is not judged.

    Raises:
        ConversionError: the file cannot be read, or names what there is not, or a limit is no number that can be kept.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConversionError(f"the limits in {path} cannot be read: {error}") from error
    return [limit for kind, table in tables.items() for limit in _limits(path, kind, table)]


def _limits(path: Path, kind: str, table: object) -> list[Limit]:
    if kind not in KINDS or not isinstance(table, Mapping):
        raise ConversionError(f"{path}: {kind!r} is not a table of limits; give tables called {', '.join(KINDS)}")
    for figure, value in table.items():
        if figure not in FIGURES:
            raise ConversionError(f"{path}: {kind} has a limit for {figure!r}; there are {', '.join(FIGURES)}")
        if type(value) not in (int, float) or not 0 <= value <= 100:  # also refuses NaN, which nothing exceeds
            raise ConversionError(f"{path}: the limit of {figure} is {value!r}; give a number from 0 to 100")
    return [Limit(kind, figure, float(value)) for figure, value in table.items()]
