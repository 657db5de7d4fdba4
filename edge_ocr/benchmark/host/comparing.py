"""Two results side by side: what changed from one to the other, and whether they can be compared at all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from edge_ocr.benchmark.host.report.amounts import amount, threads
from edge_ocr.benchmark.host.report.blocks import Block, Facts, Heading, Notes, Table
from edge_ocr.benchmark.host.report.content import counts_of, cpu_of, title_of
from edge_ocr.benchmark.host.targets import COLD_START, LOAD, TIMES, Unit
from edge_ocr.benchmark.result import PAGE, STAGES, BundleResult, Result, Run, load_result
from edge_ocr.benchmark.summary import Summary
from edge_ocr.errors import BenchmarkError

_DRAWS = 2000
_MOST_DRAWN = 1 << 20
"""Readings drawn at once: a result of 100,000 repeats would else need gigabytes."""
_MOST_SPREAD = 1.0
"""Of a ratio's logarithm: beyond it the delta method says nothing."""
_QUANTILE = 1.96
"""95 % of a normal distribution lie within as many standard deviations of its mean."""

_ELSEWHEN = (
    "the two were measured at different times: what the device did besides, and how hot it was, is in no interval; "
    "edge-ocr bench --compare measures two bundles in turns"
)


def compare(first: Path, second: Path) -> list[Block]:
    """What the first bundle of result B takes beside the first bundle of result A.

    Args:
        first: file of A, which is 1 in all ratios.
        second: file of B.

    Raises:
        BenchmarkError: a file cannot be read, or is no result of this version, or the two have nothing in common.
    """
    one, other = load_result(first), load_result(second)
    warnings = tuple(_warnings(one, other))
    return [
        Heading("B beside A"),
        Facts((("A", _described(first, one)), ("B", _described(second, other)))),
        *_tables(one.bundles[0], other.bundles[0]),
        *([Notes("Why the ratios may mean little", warnings)] if warnings else []),
    ]


def _described(path: Path, result: Result) -> str:
    bundle = result.bundles[0]
    return f"{path}: {title_of(bundle)} {bundle.digest[:12]} on {result.device}, {result.date}"


def _tables(one: BundleResult, other: BundleResult) -> Iterator[Table]:
    if (one.instructions is None) != (other.instructions is None):
        raise BenchmarkError("one of the two is counted in instructions, the other timed; compare results of one kind")
    rows = list(_instructions(one, other))
    if rows:
        yield Table("Instructions, 1 thread", _COLUMNS, tuple(rows))
    pairs = [(run, match) for run in one.runs for match in other.runs if run.threads == match.threads]
    if not rows and not pairs:
        raise BenchmarkError(f"A has {_measured(one)}, B {_measured(other)}: nothing in common; run one of them again")
    for run, match in pairs:
        yield Table(threads(run.threads), (*_COLUMNS, "95 % interval"), tuple(_costs(run, match)))
    size, other_size = one.bytes["total"], other.bytes["total"]
    yield Table("Files", _COLUMNS, (_row("size of models and charset", size, other_size, Unit.BYTES),))


def _measured(bundle: BundleResult) -> str:
    if bundle.instructions:
        return f"counts of {', '.join(counts_of(bundle.instructions)) or 'nothing'}"
    return f"times with {' and '.join(threads(run.threads) for run in bundle.runs)}"


_COLUMNS = ("", "A", "B", "B / A")


def _instructions(one: BundleResult, other: BundleResult) -> Iterator[tuple[str, ...]]:
    if one.instructions and other.instructions:
        others = counts_of(other.instructions)
        for name, count in counts_of(one.instructions).items():
            if name in others:
                yield _row(name, count.instructions, others[name].instructions, Unit.INSTRUCTIONS)


def _costs(run: Run, match: Run) -> Iterator[tuple[str, ...]]:
    for stage in (*STAGES, PAGE):
        one, other = run.stages_ms[stage], match.stages_ms[stage]
        interval = _of_pages(run, match) if stage == PAGE else _of_means(one, other)
        yield (*_row(TIMES[stage], one.mean, other.mean, Unit.MILLISECONDS), interval)
    yield (
        *_row(TIMES[LOAD], run.load_ms.mean, match.load_ms.mean, Unit.MILLISECONDS),
        _of_means(run.load_ms, match.load_ms),
    )
    if run.cold_start_ms and match.cold_start_ms:
        one, other = run.cold_start_ms, match.cold_start_ms
        yield (*_row(TIMES[COLD_START], one.mean, other.mean, Unit.MILLISECONDS), _of_means(one, other))
    yield (*_row("peak memory", run.peak_rss_bytes, match.peak_rss_bytes, Unit.BYTES), "")


def _row(name: str, one: float, other: float, unit: Unit) -> tuple[str, ...]:
    return name, amount(one, unit), amount(other, unit), f"{other / one:.3f}" if one else "-"


def _of_means(one: Summary, other: Summary) -> str:
    """Interval of a ratio of means, by the delta method for its logarithm.

    The spread of several pictures' times counts as chance in it: it is then wider than it need be.
    """
    if not (one.mean > 0 and other.mean > 0 and one.count > 1 and other.count > 1):
        return ""
    spread = math.hypot(*(each.std / each.mean / math.sqrt(each.count) for each in (one, other)))
    if spread > _MOST_SPREAD:
        return ""
    ratio = other.mean / one.mean
    return _interval(ratio * math.exp(-_QUANTILE * spread), ratio * math.exp(_QUANTILE * spread))


def _of_pages(run: Run, match: Run) -> str:
    """Bootstrap interval of the ratio of the pages' times, from the readings of each picture."""
    generator = np.random.default_rng(0)
    one, other = _drawn_totals(run, generator), _drawn_totals(match, generator)
    if not (one > 0).all():
        return ""
    low, high = np.percentile(other / one, [2.5, 97.5])
    return _interval(float(low), float(high))


def _drawn_totals(run: Run, generator: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Milliseconds for all pictures once, from so many draws of each picture's readings."""
    totals = np.zeros(_DRAWS)
    for readings in run.page_samples_ms:
        times = np.asarray(readings, np.float64)
        at_once = max(1, _MOST_DRAWN // len(times))
        for first in range(0, _DRAWS, at_once):
            drawn = generator.choice(times, (min(at_once, _DRAWS - first), len(times)))
            totals[first : first + at_once] += drawn.mean(axis=1)
    return totals / len(run.page_samples_ms)


def _interval(low: float, high: float) -> str:
    return f"[{low:.3f}, {high:.3f}]"


def _warnings(one: Result, other: Result) -> Iterator[str]:
    facts, others = one.facts, other.facts
    engine, other_engine = one.bundles[0].engine, other.bundles[0].engine
    pictures, other_pictures = ([(each.name, each.sha256) for each in result.pictures] for result in (one, other))
    versions, other_versions = _versions(one), _versions(other)
    for what, value, other_value in (
        ("board", facts.board or facts.soc, others.board or others.soc),
        ("CPU", cpu_of(facts), cpu_of(others)),
        ("emulated CPU", _emulated_cpu(one), _emulated_cpu(other)),
        ("engine", f"{engine.package} {engine.version}", f"{other_engine.package} {other_engine.version}"),
        ("version of edge-ocr", one.edge_ocr, other.edge_ocr),
        ("Python", facts.python, others.python),
        *((f"version of {name}", versions[name], other_versions[name]) for name in versions if name in other_versions),
        ("detector's long side", _det_side(one), _det_side(other)),
    ):
        if value != other_value:
            yield f"the {what} differs: {value or 'not known'} and {other_value or 'not known'}"
    if pictures != other_pictures:
        names, other_names = (", ".join(name for name, _ in each) for each in (pictures, other_pictures))
        yield (
            f"the pictures differ: {names} and {other_names}"
            if names != other_names
            else (f"the pictures have the same names ({names}) but different content")
        )
    for name, result in (("A", one), ("B", other)):
        for problem in result.problems:
            yield f"{name} does not count: {problem}"
    if one.bundles[0].instructions is None:
        yield _ELSEWHEN


def _versions(result: Result) -> Mapping[str, str]:
    """What the counts of an emulated CPU depend on besides Python and the engine, of which is told anyway."""
    bundle = result.bundles[0]
    counted = bundle.instructions.versions if bundle.instructions else {}
    return {name: version for name, version in counted.items() if name not in ("python", bundle.engine.package)}


def _det_side(result: Result) -> str:
    return "the bundle's" if result.settings.det_side is None else str(result.settings.det_side)


def _emulated_cpu(result: Result) -> str | None:
    counted = result.bundles[0].instructions
    return counted.cpu if counted else None
