"""`edge-ocr bench`: from the words on the command line to a report and an exit status."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, combinations
from pathlib import Path

from edge_ocr.atomic import replacing
from edge_ocr.benchmark.host.comparing import compare
from edge_ocr.benchmark.host.devices import open_device
from edge_ocr.benchmark.host.judgement import judge
from edge_ocr.benchmark.host.planning import Plan, make_plan
from edge_ocr.benchmark.host.report.blocks import Block, Facts, Notes, Table
from edge_ocr.benchmark.host.report.content import Report, limits_of, say
from edge_ocr.benchmark.host.report.junit import as_junit
from edge_ocr.benchmark.host.report.markdown import as_markdown
from edge_ocr.benchmark.host.report.plot import SUFFIXES, as_plot, check_matplotlib
from edge_ocr.benchmark.host.report.table import as_table
from edge_ocr.benchmark.host.run import measure
from edge_ocr.benchmark.host.targets import Targets, read_targets, target_names
from edge_ocr.benchmark.result import Settings
from edge_ocr.cli import FAILED, NOTHING_DONE, complain, put
from edge_ocr.destination import check_file_destination
from edge_ocr.errors import BenchmarkError, EdgeOCRError, printable

THIS_MACHINE = "local"
DEFAULT_THREADS = (1, 2, 4)
"""Measured where neither the user nor targets say how many."""

_OUTPUTS = {"json": (".json",), "markdown": (".md",), "junit": (".xml",), "plot": SUFFIXES}
"""Option that names a file -> how that may end."""


def run_bench(options: Namespace) -> int:
    """Run `edge-ocr bench` and return its exit status: 1 where a run does not count or misses its targets.

    Of several devices one that fails costs one sentence on standard error; the others are measured all the same.

    Raises:
        EdgeOCRError: nothing can be measured at all, or a file cannot be written.
    """
    targets = read_targets(options.targets) if options.targets is not None else None
    settings = _settings(options, targets)
    devices = [open_device(name, _tell) for name in options.device or [THIS_MACHINE]]
    plan = make_plan(
        [options.bundle, *([options.compare] if options.compare is not None else [])], options.pictures, settings
    )
    outputs = _outputs(options, plan, len(devices))
    reports: list[Report] = []
    for device in devices:
        try:
            result = measure(device, plan, _tell)
        except EdgeOCRError as problem:
            if len(devices) == 1:
                raise
            complain(problem)
            continue
        report = Report(result, judge(result, targets) if targets else None)
        put(as_table(say(report)))
        reports.append(report)
    if not reports:
        return NOTHING_DONE
    _write(outputs, reports)
    return 0 if len(reports) == len(devices) and all(report.passed for report in reports) else FAILED


def run_compare(options: Namespace) -> int:
    """Run `edge-ocr bench compare`; BenchmarkError where the two cannot be compared."""
    put(as_table(compare(Path(options.first), Path(options.second))))
    return 0


def run_targets(options: Namespace) -> int:
    """Run `edge-ocr bench targets`; BenchmarkError where there are none of that name."""
    put(as_table(_limits(read_targets(options.name)) if options.name is not None else _all_targets()))
    return 0


def _all_targets() -> Iterator[Block]:
    rows = [(name, read_targets(name).title) for name in target_names()]
    yield Table("Targets that come with edge-ocr", ("name", "for"), tuple(rows))
    yield Notes(
        "", ("edge-ocr bench targets NAME shows the limits; a copy of the file with other limits works as well",)
    )


def _limits(targets: Targets) -> Iterator[Block]:
    yield Facts((("targets", targets.name), ("for", targets.title)))
    yield from limits_of(targets)


def _tell(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)


def _settings(options: Namespace, targets: Targets | None) -> Settings:
    """What is asked for; BenchmarkError where limits are for another number of threads."""
    chosen = options.threads or ((targets.threads,) if targets else DEFAULT_THREADS)
    if targets and targets.emulated_cpu is None and targets.threads not in chosen:
        raise BenchmarkError(
            f"the limits of {targets.name} are for {targets.threads} threads, which --threads leaves out; add it"
        )
    return Settings(
        threads=chosen,
        repeats=options.repeats,
        warm_up=options.warm_up,
        cold_starts=options.cold_starts,
        engine=options.engine,
        det_side=options.det_side,
    )


def _outputs(options: Namespace, plan: Plan, devices: int) -> dict[str, Path]:
    """Option -> the file that it names, once it is certain that all of them can be written in the end.

    Raises:
        EdgeOCRError: a place cannot be written to, is an input or named twice, or its name has another ending.
    """
    outputs = {option: Path(name) for option in _OUTPUTS if (name := getattr(options, option)) is not None}
    inputs = (*plan.pictures.values(), *(bundle.path for bundle in plan.bundles))
    for option, path in outputs.items():
        if path.suffix not in _OUTPUTS[option]:
            endings = " or ".join(_OUTPUTS[option])
            raise BenchmarkError(f"--{option} {path} should end in {endings}; choose another name")
        check_file_destination(path, f"file of --{option}")
        if path.exists() and any(path.samefile(given) for given in inputs):
            raise BenchmarkError(f"{path} is an input and would be overwritten; choose another place")
    for (option, path), (other, same) in combinations(outputs.items(), 2):
        if os.path.realpath(path) == os.path.realpath(same):
            raise BenchmarkError(f"--{option} and --{other} would both be written to {path}; name two places")
    if "json" in outputs and devices > 1:
        raise BenchmarkError("--json takes the result of one device; name one --device")
    if "junit" in outputs and options.targets is None:
        raise BenchmarkError("--junit has a test for each limit; name the limits with --targets")
    if "plot" in outputs:
        check_matplotlib()
    return outputs


def _write(outputs: Mapping[str, Path], reports: Sequence[Report]) -> None:
    """Write the files that were asked for, each whole or not at all."""
    write: dict[str, Callable[[Path], bytes]] = {
        "json": lambda path: reports[0].result.to_json(),
        "markdown": lambda path: as_markdown(chain.from_iterable(map(say, reports))).encode(),
        "junit": lambda path: as_junit([(each.result, each.judgement) for each in reports if each.judgement]),
        "plot": lambda path: as_plot(reports, path.suffix),
    }
    for option, path in outputs.items():
        content = write[option](path)
        with replacing(path) as stream:
            stream.write(content)
