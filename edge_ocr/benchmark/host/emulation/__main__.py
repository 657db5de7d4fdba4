"""A table of instructions and hottest kernels, for whoever changes a model.

python -m edge_ocr.benchmark.host.emulation [--cpu cortex-a76] [--page PICTURE] BUNDLE|FILE@HEIGHTxWIDTH ...
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from edge_ocr import interrupts
from edge_ocr.benchmark.host.emulation.cpus import CPUS
from edge_ocr.benchmark.host.emulation.emulator import Emulator, cpu_named
from edge_ocr.benchmark.host.emulation.measuring import Measurement, measure
from edge_ocr.benchmark.result import Count
from edge_ocr.bundle import Bundle
from edge_ocr.errors import BenchmarkError, EdgeOCRError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status, 1 where a measurement has problems."""
    return interrupts.guarded(_run, arguments)


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    try:
        problems = _show_all(options)
    except EdgeOCRError as problem:
        _note(str(problem))
        return 2
    except KeyboardInterrupt:
        return 130
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m edge_ocr.benchmark.host.emulation",
        description="Count the instructions that models execute on emulated ARM CPUs, and name their hottest kernels.",
    )
    parser.add_argument("subjects", nargs="*", metavar="BUNDLE|FILE@HxW", help="a bundle, or models by themselves")
    parser.add_argument("--cpu", action="append", help=f"one of {', '.join(CPUS)}; may be repeated; default: each")
    parser.add_argument("--page", type=Path, help="a picture to read with the bundles")
    return parser


def _show_all(options: argparse.Namespace) -> int:
    """Print what is asked for; returns how many problems there are."""
    if not options.subjects:
        raise BenchmarkError("there is nothing to count; name a bundle, or a model as detector.tflite@640x640")
    models = [each for each in options.subjects if "@" in each]
    bundles = [Bundle.open(each).path for each in options.subjects if each not in models]
    cpus = [cpu_named(name) for name in options.cpu or CPUS]
    emulator = Emulator.prepare(_note)
    problems = 0
    for cpu in cpus:
        for bundle in bundles:
            problems += _show(measure(emulator, cpu, bundle=bundle, page=options.page, on_line=_note))
        if models:
            problems += _show(measure(emulator, cpu, models=models, on_line=_note))
    return problems


def _note(line: str) -> None:
    print(line, file=sys.stderr)


def _show(measured: Measurement) -> int:
    """Print a measurement; returns how many problems it has."""
    for line in _lines(measured):
        print(line)
    for problem in measured.problems:
        _note(problem)
    return len(measured.problems)


def _lines(measured: Measurement) -> Iterator[str]:
    counted = measured.instructions
    versions = ", ".join(f"{name} {version}" for name, version in counted.versions.items())
    yield f"{counted.cpu} ({versions})"
    for name, count in counted.models.items():
        yield from _table(name, count)
    if counted.page:
        yield from _table("page", counted.page)
        yield from (f"    {count / 1e6:8.2f} M  {stage}" for stage, count in counted.stages.items())


def _table(name: str, count: Count) -> Iterator[str]:
    yield f"  {name}: {count.instructions / 1e6:.2f} M, output {count.output_sha256[:10]}"
    for kernel in count.hottest:
        yield f"    {kernel.share:6.1%}  {kernel.name}"


if __name__ == "__main__":
    sys.exit(main())
