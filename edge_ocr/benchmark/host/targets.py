"""Targets: the limits that a bundle should keep to on a board, read strictly from a TOML file.

    title = "Raspberry Pi 4: four Cortex-A72 at 1.5 or 1.8 GHz"
    boards = ["Raspberry Pi 4"]     # with what the name of the board or of its chip begins
    threads = 4                     # of the run that the limits are for; 1 where nothing is said

    [p90_ms.detect]
    limit = 325
    source = "..."                  # the published figure that is to be beaten, or
    budget = "..."                  # why we chose the limit where none is published; never both

Limits for an emulated CPU say `emulated_cpu = "cortex-a76"` instead of `boards`, and have instructions instead of
times and memory. Where neither stands, the limits are for any board.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

from edge_ocr.benchmark.host.toml import parse_toml
from edge_ocr.benchmark.records import from_plain
from edge_ocr.benchmark.result import PAGE, STAGES
from edge_ocr.errors import BenchmarkError, printable

FOLDER = Path(__file__).parents[1] / "targets"
"""The targets that come with edge-ocr."""
SUFFIX = ".toml"

COLD_START, LOAD = "cold_start", "load"
TIMES: Mapping[str, str] = {
    COLD_START: "start to first text",
    LOAD: "load",
    **{stage: stage for stage in (*STAGES, PAGE)},
}
"""What has a limit in `p90_ms` -> what people call it."""

_MODEL = re.compile(r"(detector|direction|recognizer) [1-9]\d*x[1-9]\d*")
_LONGEST_TEXT = 500
_MOST_THREADS = 1024


class Unit(Enum):
    """What a figure is counted in."""

    BYTES = "bytes"
    MILLISECONDS = "ms"
    POINTS = "points"
    INSTRUCTIONS = "instructions"


@dataclass(frozen=True)
class Figure:
    """Something that can have a limit.

    Attributes:
        key: its table in a target file, such as `p90_ms.page`.
        name: what people call it.
        unit: of its limit.
    """

    key: str
    name: str
    unit: Unit


@dataclass(frozen=True)
class Limit:
    """How large a figure may be, and who says so.

    Attributes:
        figure: that it is for.
        limit: the largest value that is allowed, in the figure's unit.
        reason: the published figure that is to be beaten, or why we chose this one.
        published: which of the two `reason` is.
    """

    figure: Figure
    limit: float
    reason: str
    published: bool


@dataclass(frozen=True)
class Targets:
    """The limits for one board.

    Attributes:
        name: of the file, without folders and suffix.
        title: the board in a few words.
        boards: with what the name of the board, or of its chip, begins; empty where an emulated CPU is meant, or any.
        emulated_cpu: as QEMU calls it; None where none is meant.
        threads: of the run that the limits are for.
        limits: in the order of the file, at least one.
    """

    name: str
    title: str
    boards: tuple[str, ...]
    emulated_cpu: str | None
    threads: int
    limits: tuple[Limit, ...]

    def are_for(self, emulated_cpu: str | None, board_names: Sequence[str]) -> bool:
        """Whether these are the targets of a device.

        Args:
            emulated_cpu: of the device, None where it is real.
            board_names: those of its board and of its chip that are known.
        """
        if emulated_cpu is not None or self.emulated_cpu is not None:
            return emulated_cpu == self.emulated_cpu
        return not self.boards or any(name.startswith(board) for name in board_names for board in self.boards)


def target_names() -> list[str]:
    """The targets that come with edge-ocr."""
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}"))


def read_targets(source: str) -> Targets:
    """Targets by the name of those that come with edge-ocr, or from a file of the user's.

    Args:
        source: the path of a file, if it ends in `.toml` or has a folder in it; else a name.

    Raises:
        BenchmarkError: there are no such targets, or the file breaks a rule; it names the place, such as
            `p90_ms.detect.limit`.
    """
    path = Path(source) if source.endswith(SUFFIX) or os.sep in source else FOLDER / f"{source}{SUFFIX}"
    if path.parent == FOLDER and path.stem not in target_names():
        raise BenchmarkError(f"there are no targets '{source}'; {_nearest(source, target_names())}")
    try:
        return _targets(printable(path.stem), parse_toml(path.read_text("utf-8")))
    except OSError as problem:
        raise BenchmarkError(f"targets {path} cannot be read: {problem.strerror}; check the name") from problem
    except (ValueError, RecursionError) as problem:
        raise BenchmarkError(f"targets {path} are not TOML in UTF-8 ({problem}); correct the file") from problem
    except BenchmarkError as problem:
        raise BenchmarkError(f"targets {path}: {problem}") from problem


@dataclass(frozen=True)
class _Header:
    """What a file says besides its limits."""

    title: str
    boards: tuple[str, ...]
    emulated_cpu: str | None
    threads: int


@dataclass(frozen=True)
class _Entry:
    """The table of one figure."""

    limit: float
    source: str | None
    budget: str | None


_HEADER = tuple(field.name for field in fields(_Header))
_GROUPS = ("p90_ms", "instructions")


def _targets(name: str, tables: Mapping[str, Any]) -> Targets:
    limits = tuple(_limits({key: value for key, value in tables.items() if key not in _HEADER}))
    said = {key: value for key, value in tables.items() if key in _HEADER}
    header = from_plain(_Header, {"boards": [], "emulated_cpu": None, "threads": 1, **said})
    for key, text in (("title", header.title), *(("boards", board) for board in header.boards)):
        _check_text(key, text)
    if header.boards and header.emulated_cpu is not None:
        raise BenchmarkError("both boards and emulated_cpu are named; keep the one that the limits are for")
    if not 1 <= header.threads <= _MOST_THREADS:
        raise BenchmarkError(f"threads must be from 1 to {_MOST_THREADS}, not {header.threads}")
    if not limits:
        raise BenchmarkError("no limit is in it; add a table such as [p90_ms.page]")
    for limit in limits:
        _check_measurable(limit.figure, emulated=header.emulated_cpu is not None)
    return Targets(name, header.title, header.boards, header.emulated_cpu, header.threads, limits)


def _limits(tables: Mapping[str, Any]) -> Iterator[Limit]:
    for key, value in tables.items():
        if key in _GROUPS:
            for member, entry in from_plain(Mapping[str, Any], value, key).items():  # type: ignore[type-abstract]
                yield _limit(_figure(f"{key}.{member}"), entry)
        else:
            yield _limit(_figure(key), value)


def _limit(figure: Figure, value: object) -> Limit:
    said = value if isinstance(value, dict) else {}
    entry = from_plain(_Entry, {"source": None, "budget": None, **said} if said else value, figure.key)
    if not 0 <= entry.limit < math.inf:  # also refuses NaN
        raise BenchmarkError(f"{figure.key}.limit must be a number of at least 0, not {entry.limit:g}")
    if (entry.source is None) == (entry.budget is None):
        raise BenchmarkError(
            f"{figure.key} has {'neither source nor' if entry.source is None else 'both source and'} budget; give one: "
            "the published figure that is to be beaten, or why this limit was chosen"
        )
    reason = entry.source if entry.source is not None else entry.budget
    assert reason is not None
    _check_text(f"{figure.key}.{'budget' if entry.source is None else 'source'}", reason)
    return Limit(figure, entry.limit, reason, published=entry.source is not None)


_FIGURES = {
    figure.key: figure
    for figure in (
        Figure("total_bytes", "size of models and charset", Unit.BYTES),
        Figure("accuracy_loss_points", "accuracy lost against FP32", Unit.POINTS),
        Figure("peak_rss_bytes", "peak memory", Unit.BYTES),
        *(Figure(f"p90_ms.{key}", f"{name}, p90", Unit.MILLISECONDS) for key, name in TIMES.items()),
        Figure(f"instructions.{PAGE}", PAGE, Unit.INSTRUCTIONS),
    )
}


def _figure(key: str) -> Figure:
    if key in _FIGURES:
        return _FIGURES[key]
    group, _, member = key.partition(".")
    if group == "instructions" and _MODEL.fullmatch(member):
        return Figure(key, member, Unit.INSTRUCTIONS)
    if group == "instructions":
        raise BenchmarkError(
            f"{key} is not known; name {PAGE}, or a model with the height and width of its input, such as "
            "instructions.'detector 640x640'"
        )
    raise BenchmarkError(f"{key} is not known; {_nearest(key, [*_HEADER, *_FIGURES])}")


def _check_measurable(figure: Figure, *, emulated: bool) -> None:
    """Refuse a limit that no result of such a device can ever meet, for want of a measure."""
    if emulated and (figure.unit is Unit.MILLISECONDS or figure.key == "peak_rss_bytes"):
        raise BenchmarkError(f"{figure.key} is not measured on an emulated CPU; remove it, or name boards")
    if not emulated and figure.unit is Unit.INSTRUCTIONS:
        raise BenchmarkError(f"{figure.key} is counted on an emulated CPU only; remove it, or name emulated_cpu")


def _check_text(key: str, text: str) -> None:
    if not 0 < len(text) <= _LONGEST_TEXT or not text.isprintable():
        raise BenchmarkError(f"{key} must be a text of 1 to {_LONGEST_TEXT} printable characters, not {text!r:.60}")


def _nearest(name: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(known)}"
