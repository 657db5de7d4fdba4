"""The figures that the default bundle is held to: what it executed when they were last recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge_ocr.benchmark.host.toml import parse_toml
from edge_ocr.benchmark.records import from_plain
from edge_ocr.benchmark.result import Instructions
from edge_ocr.errors import BenchmarkError

RECORDED = Path(__file__).with_name("recorded.toml")
"""File of the figures of the default bundle."""

TOLERANCE = 0.005
"""Relative change from which on a figure is another one. Equal programs differ by a fiftieth of it at the most."""


@dataclass(frozen=True)
class Recorded:
    """Figures of one bundle, counted with `requirements.txt`.

    Attributes:
        bundle: its digest, see `Bundle.digest`.
        instructions: name of a CPU -> name of a model, such as `detector 640x640` -> of one inference.
    """

    bundle: str
    instructions: Mapping[str, Mapping[str, int]]


def read_recorded(path: Path = RECORDED) -> Recorded:
    """Read recorded figures.

    Raises:
        BenchmarkError: the file cannot be read, or does not hold such figures.
    """
    try:
        return from_plain(Recorded, parse_toml(path.read_text("utf-8")))
    except OSError as problem:
        raise BenchmarkError(
            f"the recorded figures {path} cannot be read: {problem.strerror}; check the name"
        ) from problem
    except ValueError as problem:
        raise BenchmarkError(
            f"the recorded figures {path} are not TOML in UTF-8 ({problem}); correct them"
        ) from problem
    except BenchmarkError as problem:
        raise BenchmarkError(f"the recorded figures {path}: {problem}") from problem


def check(measured: Instructions, bundle: str, recorded: Recorded, tolerance: float = TOLERANCE) -> tuple[str, ...]:
    """How what was measured differs from what was recorded, a sentence each; none where it does not.

    A figure that has got smaller differs as well: it is to be recorded, so that it cannot grow back unseen.

    Args:
        measured: on one CPU.
        bundle: digest of the bundle that was measured.
        recorded: to hold it against.
        tolerance: largest relative difference that is none.
    """
    if bundle != recorded.bundle:
        return (f"bundle {bundle[:12]} was measured, but the figures are those of {recorded.bundle[:12]}; {_AGAIN}",)
    figures = recorded.instructions.get(measured.cpu)
    if figures is None:
        return (f"nothing is recorded for {measured.cpu}, only for {', '.join(recorded.instructions)}; {_AGAIN}",)
    differences = []
    for name, expected in figures.items():
        found = measured.models.get(name)
        if found is None:
            differences.append(f"{name} on {measured.cpu} is recorded but was not measured; {_AGAIN}")
        elif abs(found.instructions - expected) > tolerance * expected:
            change = found.instructions / expected - 1
            differences.append(
                f"{name} on {measured.cpu} takes {found.instructions:,} instructions, {change:+.1%} against the "
                f"{expected:,} that are recorded; {_AGAIN}"
            )
    return tuple(differences)


_AGAIN = "find out why, and record the new figures in a commit that says it"


def as_toml(bundle: str, measured: Mapping[str, Instructions]) -> str:
    """Content of a file for `read_recorded`, of what was measured on each CPU."""
    lines = [_HEADING, f'bundle = "{bundle}"']
    for cpu, instructions in measured.items():
        lines += ["", f"[instructions.{cpu}]"]
        lines += [f'"{name}" = {count.instructions:_}' for name, count in instructions.models.items()]
    return "\n".join(lines) + "\n"


_HEADING = """\
# What one inference of each model of the default bundle executes on emulated CPUs, with the wheels of requirements.txt.
# Made by: scripts/measure_instructions.py --record
# The tests hold every build to these figures. A commit that changes them says why."""
