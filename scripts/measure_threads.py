"""Measure what threads bring: the default bundle on pages, at 1, 2 and 4 threads.

    measure_threads.py [FOLDER...] [--bundle B] [--threads N...] [--limit N] [--rounds N] [--markdown FILE]

Each number of threads gets fresh processes, one number after the other in every round, so that a machine that slows
down slows all of them. A page counts with the best of the rounds. Two ways to use the threads for a page's lines are
held against each other: N recognizers of one thread each, as `OCR` does it, and one recognizer of N threads. The table
appears on standard output, progress on standard error.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from comparison.arguments import destination, positive, write_text
from comparison.exit_status import FAILED, INTERRUPTED

from converters.evaluation.datasets import EVALUATION_PICTURES, spread
from converters.evaluation.metrics import bootstrap
from converters.progress import Progress
from converters.verification import describe_cpu
from edge_ocr import geometry
from edge_ocr.bundle import Bundle
from edge_ocr.errors import EdgeOCRError
from edge_ocr.ocr import OCR
from edge_ocr.pictures import Picture, load_picture
from edge_ocr.recognizer import Recognizer, read_lines
from edge_ocr.sources import expand
from edge_ocr.threads import usable_cores

FloatArray = npt.NDArray[np.float64]

_PAGE, _MANY, _ONE = range(3)
"""Columns of a measurement, in seconds: the whole page; its lines by N recognizers; its lines by one of N threads."""


def measure(pages: Sequence[Path], threads: int, source: str | None) -> FloatArray:
    """(pages, 3) seconds with this many threads, in this process; see `_PAGE` and the columns after it."""
    bundle = Bundle.open(source)
    ocr = OCR(bundle, threads=threads)

    def recognizers(count: int, threads: int) -> list[Recognizer]:
        manifest, model = bundle.manifest, bundle.model_bytes("recognizer")
        return [
            Recognizer(
                ocr.engine.load(model, name="recognizer", threads=threads),
                manifest.models.recognizer,
                bundle.charset,
                manifest.charset,
            )
            for _ in range(count)
        ]

    many, one = recognizers(threads, 1), recognizers(1, threads)
    return np.array([_read(ocr, many, one, load_picture(path)) for path in pages])


def _read(ocr: OCR, many: Sequence[Recognizer], one: Sequence[Recognizer], picture: Picture) -> tuple[float, ...]:
    crops = _lines(ocr, picture)
    return (
        _seconds(lambda: ocr.read(picture)),
        _seconds(lambda: read_lines(crops, many)),
        _seconds(lambda: read_lines(crops, one)),
    )


def _lines(ocr: OCR, picture: Picture) -> list[Picture]:
    """The lines of a page as `OCR` crops them."""
    quads = [geometry.along_text(quad) for quad in ocr.detector.detect(picture)]
    return [geometry.crop(picture, quad, *ocr.recognizer.line_size(*geometry.side_lengths(quad))) for quad in quads]


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure_all(
    pages: Sequence[Path], numbers: Sequence[int], source: str | None, rounds: int, progress: Progress
) -> dict[int, FloatArray]:
    """The best of the rounds for each number of threads, as `measure` gives it.

    Raises:
        EdgeOCRError: a process fails.
    """
    best: dict[int, FloatArray] = {}
    for turn in progress.track(range(rounds), "rounds of measuring", rounds, "round"):
        for threads in (*numbers[turn % len(numbers) :], *numbers[: turn % len(numbers)]):
            seconds = _in_a_process(pages, threads, source)
            best[threads] = np.minimum(best.get(threads, seconds), seconds)
    return best


def _in_a_process(pages: Sequence[Path], threads: int, source: str | None) -> FloatArray:
    command = [sys.executable, __file__, "--worker", str(threads), *(["--bundle", source] if source else [])]
    names = json.dumps([str(path) for path in pages])
    done = subprocess.run(command, input=names, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise EdgeOCRError(f"the measurement with {threads} threads ended with status {done.returncode}; see above")
    return np.array(json.loads(done.stdout))


def table(best: dict[int, FloatArray]) -> str:
    """Markdown: time with N threads in shares of the time with one, with 95 % bootstrap intervals over the pages."""
    rows = ["| threads | whole page | its lines, N recognizers of 1 thread | its lines, 1 recognizer of N threads |"]
    rows.append("|---|---|---|---|")
    base = best[1]
    for threads, seconds in sorted(best.items()):
        page = _share(seconds[:, _PAGE], base[:, _PAGE])
        many, one = (_share(seconds[:, way], base[:, _MANY]) for way in (_MANY, _ONE))
        rows.append(f"| {threads} | {page} | {many} | {one} |")
    return "\n".join(rows) + "\n"


def _share(seconds: FloatArray, base: FloatArray) -> str:
    ratio = bootstrap(np.stack([seconds, base], axis=1), lambda drawn: float(drawn[:, 0].sum() / drawn[:, 1].sum()))
    return f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.worker:
            rows = measure([Path(name) for name in json.load(sys.stdin)], options.worker, options.bundle)
            print(json.dumps(rows.tolist()))
            return 0
        folders = options.folders or [EVALUATION_PICTURES / "pages"]
        pages = [Path(name) for folder in folders for name in expand(str(folder), recursive=True)]
        pages = list(spread(pages, options.limit or len(pages)))
        numbers = sorted({1, *options.threads})
        best = measure_all(pages, numbers, options.bundle, options.rounds, Progress())
        facts = f"{describe_cpu()}, {usable_cores()} usable cores; {len(pages)} pages, best of {options.rounds} rounds"
        text = f"{facts}; time as a share of that with one thread\n\n{table(best)}"
        print(text, end="")
        if options.markdown:
            write_text(options.markdown, text)
    except EdgeOCRError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure what threads bring.")
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="pages (default: rendered ones)")
    parser.add_argument("--bundle", metavar="B", help="as for edge-ocr read")
    parser.add_argument("--threads", nargs="+", type=positive, default=[1, 2, 4], metavar="N", help="(default: 1 2 4)")
    parser.add_argument("--limit", type=positive, metavar="N", help="so many of the pages, evenly spread")
    parser.add_argument(
        "--rounds", type=positive, default=3, metavar="N", help="processes for each number (default: 3)"
    )
    parser.add_argument("--markdown", type=destination, metavar="FILE", help="write the table to FILE too")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
