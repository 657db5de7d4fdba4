"""Count what one inference of each model executes on emulated ARM CPUs, and a page: a bundle against float TFLite.

    measure_instructions.py [--bundle B] [--page PICTURE] [--cpu CPU...] [--jobs N] [--check] [--record]
                            [--markdown FILE]

The models of a bundle beside the same models in float TFLite, made by the recipe `float`: instructions, ratio, and the
kernels that take most of them. The tables appear on standard output, progress on standard error. --record writes down
the counts of the default bundle, which every later build is held to.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from comparison.arguments import write_text
from comparison.errors import ComparisonError
from comparison.exit_status import FAILED, INTERRUPTED, MISSED
from comparison.report import table
from comparison.targets import Verdict
from emulated.aims import aims_table, check_judged, verdicts
from emulated.arguments import add_emulation
from emulated.bundles import folder_of, recipe_bundle
from emulated.graphs import computing
from emulated.workers import workers

from converters.commands.fetch import add_local
from converters.conversion import fetch_sources
from converters.progress import Progress
from converters.zoo import load_zoo
from edge_ocr.benchmark.host.emulation.cpus import CPUS
from edge_ocr.benchmark.host.emulation.emulator import Emulator
from edge_ocr.benchmark.host.emulation.measuring import Measurement, measure
from edge_ocr.benchmark.host.emulation.recorded import RECORDED, as_toml
from edge_ocr.benchmark.host.planning import DEFAULT_PICTURE
from edge_ocr.benchmark.result import Count
from edge_ocr.bundle import Bundle
from edge_ocr.cache import atomic_write
from edge_ocr.errors import EdgeOCRError
from edge_ocr.pictures import load_picture

CPUS_MEASURED = tuple(CPUS)
PAGE = "page"


@dataclass(frozen=True)
class Pair:
    """A bundle and its models in float TFLite on one emulated CPU."""

    float: Measurement
    bundle: Measurement

    def counts(self) -> Iterator[tuple[str, Count, Count]]:
        """Model, or `PAGE` -> its counts in float and in the bundle."""
        of_float, of_bundle = self.float.instructions, self.bundle.instructions
        for name, count in of_bundle.models.items():
            yield name, of_float.models[name], count
        if of_float.page is not None and of_bundle.page is not None:
            yield PAGE, of_float.page, of_bundle.page


@dataclass(frozen=True)
class Task:
    """A bundle to be measured on a CPU."""

    emulator: Emulator
    cpu: str
    bundle: Path
    page: Path


def _measured(task: Task) -> Measurement:
    return measure(task.emulator, CPUS[task.cpu], bundle=task.bundle, page=task.page)


def measure_all(
    bundle: Bundle, local: Path | None, page: Path, cpus: Sequence[str], jobs: int, progress: Progress
) -> dict[str, Pair]:
    """Measure a bundle and its models in float TFLite.

    Args:
        bundle: converted from a system of the zoo.
        local: a file or folder that is looked at for the published models before any download.
        page: picture to read.
        cpus: names, see `CPUS`.
        jobs: programs that are emulated at once.
        progress: tells how far it is.

    Raises:
        EdgeOCRError: the models cannot be had, or do not run.
    """
    zoo = load_zoo()
    published = fetch_sources(zoo, zoo.system(bundle.name), progress, local=local)
    folders = [recipe_bundle(published, "float", progress), folder_of(bundle)]
    emulator = Emulator.prepare(progress.note)
    tasks = [Task(emulator, cpu, folder, page) for cpu in cpus for folder in folders]
    with workers(min(jobs, len(tasks))) as in_order:
        found = progress.track(in_order(_measured, tasks), "count under emulation", len(tasks), "bundle")
        return {cpu: Pair(next(found), next(found)) for cpu in cpus}


def ratios(pairs: Mapping[str, Pair]) -> dict[str, float]:
    """The bundle's counts over those of float, by the names of aims.toml."""
    return {
        f"{cpu}: {name}": count.instructions / of_float.instructions
        for cpu, pair in pairs.items()
        for name, of_float, count in pair.counts()
    }


def problems_of(pairs: Mapping[str, Pair]) -> list[str]:
    """What is wrong with the counts, a sentence each: equal runs that differ, a reference kernel among the hot ones."""
    measurements = [each for pair in pairs.values() for each in (pair.float, pair.bundle)]
    return [f"{each.instructions.cpu}: {problem}" for each in measurements for problem in each.problems]


def document(bundle: Bundle, pairs: Mapping[str, Pair], found: Sequence[Verdict]) -> str:
    """The tables as Markdown, what is wrong with the measurement, and what it was made with."""
    manifest = bundle.manifest
    problems = [f"- {problem}" for problem in problems_of(pairs)] or [
        "- Nothing is wrong: equal runs took as many instructions, and no reference kernel is among the hot ones."
    ]
    versions = next(iter(pairs.values())).bundle.instructions.versions
    return "\n\n".join(
        [
            f"# Instructions of {manifest.name} on emulated ARM CPUs, one thread",
            _instructions(pairs, manifest.precision),
            *([aims_table(found)] if found else []),
            table(("model", "computes in"), computing(bundle)),
            _kernels(pairs),
            "\n".join(problems),
            f"- Bundle {bundle.digest[:16]}; {', '.join(map(' '.join, versions.items()))}",
        ]
    )


def _instructions(pairs: Mapping[str, Pair], precision: str) -> str:
    rows = [
        (f"{name}, {cpu}", _millions(of_float), _millions(count), f"{count.instructions / of_float.instructions:.3f}")
        for cpu, pair in pairs.items()
        for name, of_float, count in pair.counts()
    ]
    return table(("million instructions", "float", precision, "ratio"), sorted(rows))


def _millions(count: Count) -> str:
    return f"{count.instructions / 1e6:,.1f}"


def _kernels(pairs: Mapping[str, Pair]) -> str:
    """The hottest kernels of the bundle's models."""
    rows = [
        (f"{name}, {cpu}", ", ".join(f"{kernel.name} {kernel.share:.0%}" for kernel in count.hottest[:4]))
        for cpu, pair in pairs.items()
        for name, _, count in pair.counts()
        if name != PAGE
    ]
    return table(("hottest kernels", "share of the instructions"), sorted(rows))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0, or 1 where --check finds an aim missed or something wrong with the counts, or 2 for bad input or a failure,
        told in one sentence, or 130 when interrupted.
    """
    args = _parser().parse_args(arguments)
    try:
        if args.record and (args.bundle or args.cpu):
            raise ComparisonError("--record is for the default bundle on all CPUs; leave out --bundle and --cpu")
        load_picture(args.page)  # now rather than in an emulated program, minutes later
        bundle = Bundle.open(args.bundle)
        pairs = measure_all(bundle, args.local, args.page, args.cpu or CPUS_MEASURED, args.jobs, Progress())
        found = verdicts(ratios(pairs))
        text = document(bundle, pairs, found) + "\n"
        print(text, end="")
        if args.markdown:
            write_text(args.markdown, text)
        if args.check:
            check_judged(found)
        problems = problems_of(pairs)
        if args.record and problems:
            raise ComparisonError(f"these counts are not fit to be recorded: {problems[0]}; see the table for more")
        if args.record:
            counts = {cpu: pair.bundle.instructions for cpu, pair in pairs.items()}
            atomic_write(RECORDED, as_toml(bundle.digest, counts).encode())
    except EdgeOCRError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return MISSED if args.check and (problems or not all(verdict.met for verdict in found)) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="count what a bundle's models execute on emulated ARM CPUs, beside float TFLite",
        epilog="example: measure_instructions.py --bundle my-bundle --cpu cortex-a76 --check",
    )
    parser.add_argument("--bundle", metavar="B", help="what to measure (default: the bundle that ships with edge_ocr)")
    add_local(parser)
    parser.add_argument(
        "--page",
        type=Path,
        default=DEFAULT_PICTURE,
        metavar="PICTURE",
        help="to read with it (default: edge-ocr bench's page)",
    )
    add_emulation(parser, CPUS_MEASURED)
    parser.add_argument(
        "--check", action="store_true", help="exit 1 if a ratio misses its aim in scripts/emulated/aims.toml"
    )
    parser.add_argument("--record", action="store_true", help=f"note the counts in {RECORDED.name}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
