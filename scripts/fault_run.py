"""Break things on purpose, thousands of times, and count how they end.

    fault_run.py [--scale S] [--seed N] [--workers N] [--only NAME...]

Damaged manifests, bundles, charsets, pictures and label files; mutated models with right hashes; processes that are
killed or interrupted while they write, read and convert; full and read-only disks. At full strength (scale 1) these
are 100,000 damaged inputs, 1,000 models and 100 kills. The table appears on standard output, progress on standard
error. Exit status: 0 when every case worked or was refused in one sentence, 1 when one did not.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial

# Children are forked from the workers, which therefore must have no threads of a linear algebra library.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from comparison.arguments import positive
from faults import disks, kills, model_files, parsers
from faults.outcomes import Result, Table

from converters.progress import Progress
from edge_ocr.threads import usable_cores

BROKEN, INTERRUPTED = 1, 130
SHOWN = 20


@dataclass(frozen=True)
class Faults:
    """One kind of fault.

    Attributes:
        run: seed and numbers of cases -> their results.
        cases: at full strength.
        chunk: cases that one worker takes at a time.
    """

    run: Callable[[int, range], Iterable[Result]]
    cases: int
    chunk: int


def _on_disks(_seed: int, numbers: range) -> Iterator[Result]:
    reason = disks.can_mount()
    if reason is None:
        yield from disks.run_cases(numbers)
    else:
        print(f"note: no disk was filled, as none can be mounted here ({reason})", file=sys.stderr)


PLAN = {
    "manifests": Faults(partial(parsers.run_cases, "manifests"), 20_000, 1000),
    "packed bundles": Faults(partial(parsers.run_cases, "packed bundles"), 15_000, 1000),
    "charsets": Faults(partial(parsers.run_cases, "charsets"), 10_000, 1000),
    "pictures": Faults(partial(parsers.run_cases, "pictures"), 45_000, 3000),
    "label files": Faults(partial(parsers.run_cases, "label files"), 10_000, 1000),
    "models": Faults(model_files.run_cases, 1000, 25),
    "bundle": Faults(kills.bundle_writing, 30, 10),
    "stage": Faults(kills.stage_making, 10, 5),
    "batch": Faults(kills.batch_reading, 35, 10),
    "conversion": Faults(kills.conversions, 25, 13),
    "ctrl-c": Faults(kills.interrupts, 40, 10),
    "ctrl-c-converter": Faults(kills.converter_interrupts, 8, 4),
    "disks": Faults(_on_disks, 12, 3),
}
"""Name, for --only -> faults."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table and every bad case, and give the exit status."""
    options = _parser().parse_args(arguments)
    table = Table({}, [])
    try:
        for result in run(options.only or list(PLAN), options.scale, options.seed, options.workers, Progress()):
            table.add(result)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    print(f"seed {options.seed}, scale {options.scale:g}\n\n{table}")
    for result in table.bad[:SHOWN]:
        print(f"\n{result.kind}: {result.outcome.value}: {result.detail}")
    return BROKEN if table.bad else 0


def run(names: Sequence[str], scale: float, seed: int, workers: int, progress: Progress) -> Iterator[Result]:
    """The results of these faults, in the order in which they come."""
    pieces = [(name, numbers) for name in names for numbers in _pieces(PLAN[name], scale)]
    total = sum(len(numbers) for _, numbers in pieces)
    context = multiprocessing.get_context("spawn")
    with (
        progress.bar("faults", total, "case") as done,
        ProcessPoolExecutor(workers, mp_context=context) as pool,
    ):
        try:
            waiting = {pool.submit(_work, name, seed, numbers): numbers for name, numbers in pieces}
            for future in as_completed(waiting):
                yield from future.result()
                done(len(waiting[future]))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _pieces(faults: Faults, scale: float) -> list[range]:
    count = max(1, round(faults.cases * scale))
    return [range(start, min(start + faults.chunk, count)) for start in range(0, count, faults.chunk)]


def _work(name: str, seed: int, numbers: range) -> list[Result]:
    """In a worker process."""
    return list(PLAN[name].run(seed, numbers))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Break things on purpose and count how they end.")
    parser.add_argument("--scale", type=_scale, default=1.0, metavar="S", help="share of the cases (default: 1)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="what the cases are drawn with (default: 1)")
    parser.add_argument(
        "--workers", type=positive, default=usable_cores(), metavar="N", help="processes (default: the cores)"
    )
    parser.add_argument("--only", nargs="+", choices=PLAN, metavar="NAME", help=f"some of: {', '.join(PLAN)}")
    return parser


def _scale(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"expected a number above 0, up to 100, got '{text}'")
    return value


if __name__ == "__main__":
    sys.exit(main())
