"""Do emulated ARM CPUs read what this machine reads: outputs, decoded text and logits of a bundle's models.

    compare_outputs.py [--bundle B | --recipe R] [--lines N] [--cpu CPU...] [--jobs N] [--check] [--markdown FILE]

Graphs that compute in integers alone put out the same, bit for bit. Where a part is float, CPUs round differently, and
what counts is that the text is the same: so every line is read on each CPU, from the picture's file to its text, and
those that differ are listed. The tables appear on standard output, progress on standard error. 500 lines take an
emulated CPU some minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from comparison.arguments import positive, write_text
from comparison.errors import ComparisonError
from comparison.exit_status import FAILED, INTERRUPTED, MISSED
from comparison.report import table
from emulated.arguments import add_emulation
from emulated.bundles import INTEGERS, folder_of, integers_bundle, recipe_bundle
from emulated.equality import Equality, compare, gathered, logits_of, outputs_here, outputs_on
from emulated.graphs import computing
from emulated.workers import workers

from converters.commands.fetch import add_local
from converters.conversion import fetch_sources
from converters.evaluation.datasets import LabelledLine, evaluation_datasets, spread
from converters.progress import Progress
from converters.quantization.recipes import available_recipes
from converters.verification import describe_cpu
from converters.zoo import load_zoo
from edge_ocr.benchmark.host.emulation.cpus import CPUS
from edge_ocr.benchmark.host.emulation.emulator import Emulator
from edge_ocr.bundle import Bundle
from edge_ocr.errors import EdgeOCRError

LINES = 500
CPUS_COMPARED = ("cortex-a53", "cortex-a72", "cortex-a76", "i8mm")
SYSTEM = "ppocrv6-tiny"
"""Of the zoo: what a recipe is applied to."""


@dataclass(frozen=True)
class Outcome:
    """A bundle on this machine and on emulated CPUs.

    Attributes:
        bundle: which.
        host: this machine's CPU.
        found: one for each emulated CPU.
    """

    bundle: Bundle
    host: str
    found: Sequence[Equality]


def compare_all(
    folder: Path, lines: Sequence[LabelledLine], cpus: Sequence[str], jobs: int, progress: Progress
) -> Outcome:
    """Let this machine and each CPU run a bundle.

    Args:
        folder: of the bundle.
        lines: to be read, at least one.
        cpus: names, see `CPUS`.
        jobs: CPUs that are emulated at once.
        progress: shows how far it is.

    Raises:
        EdgeOCRError: the bundle does not run here or there.
    """
    bundle = Bundle.open(folder)
    emulator = Emulator.prepare(progress.note)
    with gathered(lines) as pictures, workers(min(jobs, len(cpus))) as in_order:
        here = outputs_here(folder, pictures)
        run = partial(outputs_on, emulator, bundle=folder, lines=pictures)
        outputs = progress.track(in_order(run, [CPUS[cpu] for cpu in cpus]), "emulate", len(cpus), "CPU")
        logits = logits_of(bundle)
        labels = {line.picture.name: line.text for line in lines if line.text is not None}
        found = [compare(cpu, here, there, logits, labels) for cpu, there in zip(cpus, outputs, strict=True)]
    return Outcome(bundle, describe_cpu(), found)


def document(outcome: Outcome) -> str:
    """The tables as Markdown, and the lines that read differently."""
    manifest = outcome.bundle.manifest
    sections = [
        f"# {manifest.name}, {manifest.precision}, on this machine and on emulated ARM CPUs",
        table(("model", "computes in"), computing(outcome.bundle)),
        table(("output for a fixed input, SHA-256", *(each.cpu for each in outcome.found)), _sha256(outcome.found)),
        table(
            (
                "CPU",
                "lines",
                "same text",
                "same output, bit for bit",
                "largest difference of logits",
                "difference of exact match",
            ),
            [_row(each) for each in outcome.found],
        ),
    ]
    if any(each.differing for each in outcome.found):
        sections.append(table(("CPU and line", "on this machine", "emulated"), _differing(outcome.found)))
    return "\n\n".join([*sections, f"- Bundle {outcome.bundle.digest[:16]}; this machine: {outcome.host}"])


def differs(outcome: Outcome) -> bool:
    """Whether a line reads differently, or a graph that computes in int8 alone puts out other bytes."""
    integers = {kind for kind, words in computing(outcome.bundle) if "float" not in words}
    return any(
        each.differing or any(not same for model, same in each.same_sha256.items() if model.split()[0] in integers)
        for each in outcome.found
    )


def _sha256(found: Sequence[Equality]) -> list[tuple[str, ...]]:
    models = found[0].same_sha256
    return [(model, *("equal" if each.same_sha256[model] else "other" for each in found)) for model in models]


def _row(found: Equality) -> tuple[str, ...]:
    same = found.lines - len(found.differing)
    return found.cpu, str(found.lines), str(same), str(found.identical), f"{found.largest:.3g}", str(found.exact_match)


def _differing(found: Sequence[Equality]) -> list[tuple[str, ...]]:
    return [(f"{each.cpu}: {file}", here, there) for each in found for file, (here, there) in each.differing.items()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0, or 1 where --check finds a line that reads differently, or 2 for bad input or a failure, told in one
        sentence, or 130 when interrupted.
    """
    args = _parser().parse_args(arguments)
    try:
        progress = Progress()
        lines = spread([line for data in evaluation_datasets() for line in data.lines], args.lines)
        if not lines:
            raise ComparisonError("there are no lines to read; run this in a checkout, with its evaluation set")
        outcome = compare_all(_bundle(args, progress), lines, args.cpu or CPUS_COMPARED, args.jobs, progress)
        text = document(outcome) + "\n"
        print(text, end="")
        if args.markdown:
            write_text(args.markdown, text)
    except EdgeOCRError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return MISSED if args.check and differs(outcome) else 0


def _bundle(args: argparse.Namespace, progress: Progress) -> Path:
    """Folder of the bundle that is asked for."""
    if args.recipe is None:
        return folder_of(Bundle.open(args.bundle))
    zoo = load_zoo()
    sources = fetch_sources(zoo, zoo.system(SYSTEM), progress, local=args.local)
    return (
        integers_bundle(sources, progress) if args.recipe == INTEGERS else recipe_bundle(sources, args.recipe, progress)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="do emulated ARM CPUs read what this machine reads",
        epilog="example: compare_outputs.py --lines 100 --cpu cortex-a76",
    )
    models = parser.add_mutually_exclusive_group()
    models.add_argument("--bundle", metavar="B", help="what to run (default: the bundle that ships with edge_ocr)")
    models.add_argument(
        "--recipe",
        choices=[*available_recipes(), INTEGERS],
        metavar="R",
        help=f"convert {SYSTEM} by this recipe and run that: {', '.join(available_recipes())}; or {INTEGERS}, "
        "everything in int8, which is good for this proof only",
    )
    add_local(parser)
    parser.add_argument(
        "--lines", type=positive, default=LINES, metavar="N", help=f"lines of the evaluation set (default: {LINES})"
    )
    add_emulation(parser, CPUS_COMPARED)
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit 1 if a line reads differently, or a graph in int8 alone puts out other bytes",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
