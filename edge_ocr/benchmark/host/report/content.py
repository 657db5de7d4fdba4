"""What there is to say of a result, and of what it is worth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edge_ocr.benchmark.facts import Cluster, DeviceFacts, Health
from edge_ocr.benchmark.host.judgement import Judgement, Row, Verdict
from edge_ocr.benchmark.host.report.amounts import amount, beside, faster, limit_amount, threads
from edge_ocr.benchmark.host.report.blocks import Block, Facts, Heading, Notes, Table
from edge_ocr.benchmark.host.targets import TIMES, Figure, Limit, Targets, Unit
from edge_ocr.benchmark.result import PAGE, STAGES, BundleResult, Count, Healths, Instructions, Result, Run
from edge_ocr.benchmark.summary import Summary

HOTTEST = 3
"""How many kernels are named for each model."""

_STATISTICS = ("mean", "std", "min", "p50", "p90", "p99")


@dataclass(frozen=True)
class Report:
    """A result, and what was made of it; no judgement where no targets were named."""

    result: Result
    judgement: Judgement | None

    @property
    def passed(self) -> bool:
        """Whether the run counts, and meets its targets where it has any."""
        return not self.result.problems and (self.judgement is None or self.judgement.passed)


def say(report: Report) -> Iterator[Block]:
    """All that there is to say, in the order in which it is read."""
    result = report.result
    yield Heading(f"{title_of(result.bundles[0])} on {board_name(result)}")
    yield Facts(tuple(_device(result)))
    for bundle in result.bundles:
        yield from _bundle(bundle)
    if len(result.bundles) > 1:
        yield from _against(result)
    if result.problems:
        yield Notes("This run does not count", result.problems)
    if result.advice:
        yield Notes("For a steadier run", result.advice)
    if report.judgement:
        yield from _targets(report.judgement)


def board_name(result: Result) -> str:
    """What the device is called by its maker, or by the user where that is not known."""
    emulated = result.bundles[0].instructions
    facts = result.facts
    cpu = facts.clusters[0].cpu if facts.clusters else None
    return f"an emulated {emulated.cpu}" if emulated else facts.board or facts.soc or cpu or result.device


def title_of(bundle: BundleResult) -> str:
    """Which bundle it is."""
    return f"{bundle.name} ({bundle.precision})"


def _device(result: Result) -> Iterator[tuple[str, str]]:
    facts, emulated = result.facts, result.bundles[0].instructions
    yield "device", result.device
    yield "board", _listed([facts.board, facts.soc]) or "not known"
    yield "cpu", cpu_of(facts)
    if facts.features:
        yield "features", " ".join(facts.features)
    if facts.memory_bytes is not None:
        yield "memory", f"{facts.memory_bytes / 1e9:.1f} GB"
    if facts.power_mode is not None:
        yield "power mode", facts.power_mode + (", jetson_clocks" if facts.jetson_clocks else "")
    yield "system", _listed([facts.system, facts.kernel and f"kernel {facts.kernel}", facts.machine])
    yield "python", _listed([f"{facts.python} ({facts.bits} bits)", *_versions(facts.versions)])
    if emulated:
        yield "counted with", _listed(_versions(emulated.versions))
    if result.health:
        yield "health", _health(result.health)
    yield "pictures", _pictures(result)
    if not emulated:
        yield "method", _method(result)
    yield "run", f"{result.date}, edge-ocr {result.edge_ocr}"


def cpu_of(facts: DeviceFacts) -> str:
    """The cores and what they can do."""
    clusters = _listed(map(_cluster, facts.clusters)) or "not known"
    return _listed([clusters, facts.governor and f"governor {facts.governor}"])


def _cluster(cluster: Cluster) -> str:
    cores = f"{cluster.cores} x {cluster.cpu or 'core'}"
    frequency = f" up to {cluster.max_mhz} MHz" if cluster.max_mhz is not None else ""
    return cores + frequency


def _health(health: Healths) -> str:
    before, after = health.before, health.after
    parts = [
        f"{zone} {before.temperatures[zone]:.0f} to {degrees:.0f} °C"
        for zone, degrees in after.temperatures.items()
        if zone in before.temperatures
    ]
    parts += [f"{clock.cores} cores at {clock.mhz} of {clock.max_mhz} MHz" for clock in after.clocks if clock.mhz]
    if before.load is not None and after.load is not None:
        parts.append(f"load {before.load:.1f} to {after.load:.1f}")
    slowed = (*before.throttled_by, *after.throttled_by)
    return _listed([*parts, f"slowed by {' and '.join(dict.fromkeys(slowed))}" if slowed else _unslowed(after)])


def _unslowed(health: Health) -> str:
    return "no throttling seen" if health.events or health.clocks else "the device does not tell whether it throttles"


def _pictures(result: Result) -> str:
    shown = [f"{each.name} ({each.width} x {each.height}, {each.lines} lines)" for each in result.pictures]
    return _listed(shown if len(shown) <= 3 else [*shown[:2], f"and {len(shown) - 2} more"])


def _method(result: Result) -> str:
    settings = result.settings
    side = f"; the detector looks at a long side of {settings.det_side}" if settings.det_side is not None else ""
    return (
        f"each picture read {settings.repeats} times, after {settings.warm_up} pages to warm up; "
        f"{settings.cold_starts} cold starts{side}"
    )


def _bundle(bundle: BundleResult) -> Iterator[Block]:
    loss = bundle.accuracy_loss_points
    parts = ", ".join(f"{name} {size / 1e6:.2f}" for name, size in bundle.bytes.items() if name != "total")
    yield Facts(
        (
            ("bundle", f"{title_of(bundle)}, digest {bundle.digest[:12]}"),
            ("engine", f"{bundle.engine.package} {bundle.engine.version}"),
            ("size", amount(bundle.bytes["total"], Unit.BYTES) + f": {parts}"),
            ("accuracy", "not verified" if loss is None else _loss(loss)),
        )
    )
    if bundle.instructions:
        yield _counts(bundle, bundle.instructions)
        return
    for run in bundle.runs:
        yield _times(bundle, run)
        yield Facts(tuple(_costs(run)))


def _loss(points: float) -> str:
    if points <= 0:
        return "loses nothing against FP32 in its verification"
    return f"loses {amount(points, Unit.POINTS)} against FP32 in its verification"


def _times(bundle: BundleResult, run: Run) -> Table:
    times: dict[str, Summary] = {TIMES[stage]: run.stages_ms[stage] for stage in (*STAGES, PAGE)}
    times["load"] = run.load_ms
    if run.cold_start_ms:
        times[TIMES["cold_start"]] = run.cold_start_ms
    rows = ((name, *(f"{getattr(summary, each):.2f}" for each in _STATISTICS)) for name, summary in times.items())
    return Table(f"{title_of(bundle)}, {threads(run.threads)}", ("milliseconds", *_STATISTICS), tuple(rows))


def _costs(run: Run) -> Iterator[tuple[str, str]]:
    yield "peak memory", amount(run.peak_rss_bytes, Unit.BYTES)
    yield "lines a page", f"{run.lines_per_page:g}"
    if run.energy:
        yield "energy", f"{run.energy.joules_per_page:.3g} J a page ({run.energy.rail})"


def _counts(bundle: BundleResult, counted: Instructions) -> Table:
    rows = [row for name, count in counts_of(counted).items() for row in _count(name, count)]
    stages = [(stage, counted.stages[stage]) for stage in STAGES if stage in counted.stages]
    rows += [(f"  {stage}", _millions(count), "", "") for stage, count in stages]
    return Table(f"{title_of(bundle)}, 1 thread", ("million instructions", "", "share", "hottest kernel"), tuple(rows))


def counts_of(counted: Instructions) -> Mapping[str, Count]:
    """Model, and at last the page if it was counted -> its count."""
    return {**counted.models, **({PAGE: counted.page} if counted.page else {})}


def _count(name: str, count: Count) -> Iterator[tuple[str, ...]]:
    kernels = [(f"{kernel.share:.1%}", kernel.name) for kernel in count.hottest[:HOTTEST]] or [("", "")]
    for number, (share, kernel) in enumerate(kernels):
        first = (name, _millions(count.instructions)) if number == 0 else ("", "")
        yield (*first, share, kernel)


def _millions(instructions: int) -> str:
    return f"{instructions / 1e6:,.1f}"


def _against(result: Result) -> Iterator[Block]:
    first, second = result.bundles
    title = f"{title_of(first)} against {title_of(second)}"
    if first.instructions and second.instructions:
        counts, others = counts_of(first.instructions), counts_of(second.instructions)
        rows = [
            (name, f"{count.instructions / others[name].instructions:.3f}")
            for name, count in counts.items()
            if name in others and others[name].instructions
        ]
        yield Table(title, ("instructions", "ratio"), tuple(rows))
        return
    found = [(f"speed-up, {threads(each.threads)}", f"{faster(each)}, {each.pairs} pairs") for each in result.speed_ups]
    yield Facts((("compared", title), *found))


def _targets(judgement: Judgement) -> Iterator[Block]:
    numbers, reasons = _reasons([row.limit for row in judgement.rows])
    rows = [(*row_amounts(row), row.verdict.value, numbers[row.limit.figure]) for row in judgement.rows]
    title = f"Targets {judgement.targets.name}, {threads(judgement.targets.threads)}"
    yield Table(title, ("", "measured", "limit", "verdict", "from"), tuple(rows))
    yield reasons
    yield Notes(conclusion(judgement), judgement.objections)


def limits_of(targets: Targets) -> Iterator[Block]:
    """The limits and where they come from, without a result."""
    numbers, reasons = _reasons(targets.limits)
    rows = [
        (each.figure.name, limit_amount(each.limit, each.figure.unit), numbers[each.figure]) for each in targets.limits
    ]
    yield Table(threads(targets.threads), ("", "limit", "from"), tuple(rows))
    yield reasons


def _reasons(limits: Sequence[Limit]) -> tuple[Mapping[Figure, str], Notes]:
    """The number of the note behind each figure's limit, and the notes."""
    reasons = {each.figure: f"{'to beat' if each.published else 'our budget'}: {each.reason}" for each in limits}
    notes = list(dict.fromkeys(reasons.values()))
    numbers = {figure: f"[{notes.index(reason) + 1}]" for figure, reason in reasons.items()}
    return numbers, Notes("", tuple(f"[{number}] {note}" for number, note in enumerate(notes, start=1)))


def row_amounts(row: Row) -> tuple[str, str, str]:
    """The figure of a row, what was measured and its limit, in words."""
    figure, limit = row.limit.figure, row.limit.limit
    measured = "-" if row.measured is None else beside(row.measured, limit, figure.unit)
    return figure.name, measured, limit_amount(limit, figure.unit)


def conclusion(judgement: Judgement) -> str:
    """The outcome in one sentence."""
    verdicts = [row.verdict for row in judgement.rows]
    counted = ", ".join(f"{verdicts.count(verdict)} {verdict.value}" for verdict in Verdict if verdict in verdicts)
    word = "passes" if judgement.passed else "does not pass"
    return f"It {word} {judgement.targets.name}: of {len(verdicts)} limits {counted}"


def _versions(versions: Mapping[str, str]) -> Sequence[str]:
    return [f"{package} {version}" for package, version in versions.items()]


def _listed(parts: Iterable[str | None]) -> str:
    return ", ".join(part for part in parts if part)
