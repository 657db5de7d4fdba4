"""Measure bundles on the machine that this runs on, with nothing but what the runtime needs:

    python -m edge_ocr.benchmark.probe --output FILE --pictures PICTURE... [--bundle B] [--against B] ...

The result, see `edge_ocr.benchmark.result`, is written whole or not at all; progress goes to standard error. For each
number of threads

1. processes of their own tell how long it is from the start to the first text, how long loading takes and how much
   memory reading takes. The files are in the system's memory by then: only root could drop them from it.
2. pages are read in this process and split into stages. Two bundles are both loaded and take turns page by page, A B,
   B A, ..., so that whatever else the machine does slows both of them.
3. where the device has a meter, pages are read under it for a few seconds, apart from the others, as looking at a meter
   takes time itself.

Exit status: 0 when the result is written, even if it says that its times do not count; 2 when nothing was done; 130
after Ctrl-C.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, cycle, islice
from pathlib import Path

from edge_ocr import __version__, interrupts
from edge_ocr.arguments import add_repetitions, whole, wholes
from edge_ocr.atomic import replacing
from edge_ocr.benchmark.energy import find_meter
from edge_ocr.benchmark.facts import advice, describe, problems, read_facts, read_health
from edge_ocr.benchmark.result import (
    PAGE,
    SCHEMA,
    STAGES,
    BundleResult,
    Energy,
    EngineFacts,
    Healths,
    MeasuredPicture,
    Result,
    Run,
    Settings,
    SpeedUp,
)
from edge_ocr.benchmark.stages import StagedOCR
from edge_ocr.benchmark.start import Errand, Start, start
from edge_ocr.benchmark.summary import Summary
from edge_ocr.bundle import Bundle
from edge_ocr.engines import open_engine
from edge_ocr.engines.base import Engine
from edge_ocr.errors import BenchmarkError, EdgeOCRError, printable
from edge_ocr.pictures import decode, read_file
from edge_ocr.sources import expand

NOTHING_DONE, INTERRUPTED = 2, 130
THIS_DEVICE = "local"
"""What the device is called here; whoever has sent the probe knows a better name."""
METERED_SECONDS = 3.0
_PATIENCE = 5.0
"""Seconds between two lines of progress within one step."""


@dataclass(frozen=True)
class _Subject:
    """A bundle that is measured.

    Attributes:
        source: as it was given, see `Bundle.open`.
        label: what notes and problems call it; no two have the same.
        bundle: the open bundle.
        engine: that runs it.
    """

    source: str | None
    label: str
    bundle: Bundle
    engine: Engine


@dataclass(frozen=True)
class _Reading:
    """One reading of one picture: how many lines, and the milliseconds of each stage and of the page."""

    lines: int
    stages_ms: Mapping[str, float]


_Readings = list[list[_Reading]]
"""Of one bundle with one number of threads: for each picture its readings, in their order."""


@dataclass(frozen=True)
class _Measured:
    """One bundle with one number of threads: what the result says of it, and the number of lines in each picture."""

    run: Run
    lines: list[int]


class Probe:
    """One benchmark, from what was asked for to its result."""

    def __init__(
        self,
        sources: Sequence[str | None],
        pictures: Sequence[str],
        settings: Settings,
        note: Callable[[str], None],
        root: Path = Path("/"),
    ) -> None:
        """Look at everything that could be wrong, before the work.

        Args:
            sources: of the bundle and, where there is one, of the other that it is held against; see `Bundle.open`.
            pictures: paths, at least one.
            settings: what to do.
            note: is told how far it is, a line at a time.
            root: where the device's file system begins, for its facts, its health and its meter.

        Raises:
            EdgeOCRError: a bundle or a picture is not fit, or no engine is there that runs a bundle.
        """
        self._settings = settings
        self._note = note
        self._root = root
        self._pictures = [_described(picture) for picture in pictures]
        self._subjects = _subjects(sources, settings)
        self._meter = find_meter(root)

    def measure(self) -> Result:
        """Do it all.

        Raises:
            EdgeOCRError: an engine, or a process that was started, fails.
        """
        date = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        facts, before = read_facts(self._root), read_health(self._root)
        self._note(describe(facts))
        measured = [self._measure(threads) for threads in self._settings.threads]
        after = read_health(self._root)
        runs = [[one.run for one in row] for row in measured]
        return Result(
            schema=SCHEMA,
            edge_ocr=__version__,
            date=date,
            device=THIS_DEVICE,
            facts=facts,
            health=Healths(before, after),
            problems=problems(facts, before, after, dict(self._repeats(runs))),
            advice=advice(facts, before),
            pictures=tuple(self._with_lines(measured[0][0].lines)),
            settings=self._settings,
            bundles=tuple(
                BundleResult.of(
                    subject.bundle, EngineFacts(subject.engine.package, subject.engine.version), runs=of_bundle
                )
                for subject, of_bundle in zip(self._subjects, zip(*runs, strict=True), strict=True)
            ),
            speed_ups=tuple(_speed_up(*row) for row in runs if len(row) == 2),
        )

    def _measure(self, threads: int) -> list[_Measured]:
        """Each bundle with this number of threads. Nothing stays loaded: a small board's memory is soon full."""
        starts = self._starts(threads)
        readers = [
            StagedOCR(subject.bundle, subject.engine, threads=threads, det_side=self._settings.det_side)
            for subject in self._subjects
        ]
        readings = self._readings(readers, threads)
        energies = [self._energy(*one, threads) for one in zip(self._subjects, readers, strict=True)]
        return [
            _Measured(self._run(threads, *one), [reading.lines for reading, *_ in one[1]])
            for one in zip(starts, readings, energies, strict=True)
        ]

    def _starts(self, threads: int) -> list[list[Start]]:
        """For each bundle its processes, of which the first reads every picture and the others one."""
        starts: list[list[Start]] = [[] for _ in self._subjects]
        names = tuple(picture.name for picture in self._pictures)
        count = max(1, self._settings.cold_starts)
        progress = self._progress(f"{_threads(threads)}: starting", count)
        for turn in range(count):
            progress(turn)
            for index in _in_turn(len(self._subjects), turn):
                source, pictures = self._subjects[index].source, names[:1] if turn else names
                errand = Errand(source, self._settings.engine, threads, self._settings.det_side, pictures)
                starts[index].append(start(errand))
        return starts

    def _readings(self, readers: Sequence[StagedOCR], threads: int) -> list[_Readings]:
        """For each bundle: warm up, then read every picture once a round, the bundles in turn."""
        for picture in islice(cycle(self._pictures), self._settings.warm_up):
            for reader in readers:
                reader.read(picture.name)
        readings: list[_Readings] = [[[] for _ in self._pictures] for _ in readers]
        progress = self._progress(f"{_threads(threads)}: reading", self._settings.repeats)
        for repeat in range(self._settings.repeats):
            progress(repeat)
            for place, picture in enumerate(self._pictures):
                for index in _in_turn(len(readers), repeat + place):
                    page, stages = readers[index].read(picture.name)
                    rounded = {stage: round(milliseconds, 3) for stage, milliseconds in stages.items()}
                    readings[index][place].append(_Reading(len(page.lines), rounded))
        return readings

    def _energy(self, subject: _Subject, reader: StagedOCR, threads: int) -> Energy | None:
        """Read for `METERED_SECONDS`, and every picture at least once."""
        if self._meter is None:
            return None
        self._note(f"{_threads(threads)}: metering {subject.label} on {self._meter.rail}")
        pages = 0

        def read() -> None:
            nonlocal pages
            until = time.perf_counter() + METERED_SECONDS
            while not pages or time.perf_counter() < until:
                for picture in self._pictures:
                    reader.read(picture.name)
                pages += len(self._pictures)

        joules = self._meter.joules(read)
        return None if joules is None else Energy(round(joules / pages, 4), self._meter.rail)

    def _run(self, threads: int, starts: Sequence[Start], pictures: _Readings, energy: Energy | None) -> Run:
        readings = list(chain(*pictures))
        cold_starts = [one.first_text_ms for one in starts] if self._settings.cold_starts else []
        return Run(
            threads=threads,
            cold_start_ms=Summary.of(cold_starts) if cold_starts else None,
            load_ms=Summary.of([one.load_ms for one in starts]),
            stages_ms={
                stage: Summary.of([reading.stages_ms[stage] for reading in readings]) for stage in (*STAGES, PAGE)
            },
            page_samples_ms=tuple(tuple(reading.stages_ms[PAGE] for reading in picture) for picture in pictures),
            lines_per_page=sum(reading.lines for reading in readings) / len(readings),
            peak_rss_bytes=max(one.peak_bytes for one in starts),
            energy=energy,
        )

    def _repeats(self, runs: Sequence[Sequence[Run]]) -> Iterator[tuple[str, tuple[float, ...]]]:
        """What was repeated, in words, and the milliseconds of each time."""
        for subject, run in chain(*(zip(self._subjects, row, strict=True) for row in runs)):
            for picture, times in zip(self._pictures, run.page_samples_ms, strict=True):
                yield f"{subject.label}, {_threads(run.threads)}, {picture.name}", times

    def _with_lines(self, lines: Sequence[int]) -> Iterator[MeasuredPicture]:
        """The pictures, with how many lines were read in each."""
        for picture, count in zip(self._pictures, lines, strict=True):
            if not count:
                self._note(f"{picture.name} has no text that was read, so that recognition was not measured on it")
            yield replace(picture, lines=count)

    def _progress(self, step: str, count: int) -> Callable[[int], None]:
        """To be told how much of a step is done; says so at its beginning, and later only if it takes a while."""
        said = float("-inf")

        def progress(done: int) -> None:
            nonlocal said
            if time.monotonic() - said >= _PATIENCE:
                said = time.monotonic()
                self._note(f"{step}, {done} of {count} done")

        return progress


def _described(path: str) -> MeasuredPicture:
    """A picture file, looked at but not read yet; PictureError where it is not one."""
    content = read_file(Path(path))
    height, width = decode(content, path).shape[:2]
    return MeasuredPicture(path, hashlib.sha256(content).hexdigest(), width, height, lines=0)


def _subjects(sources: Sequence[str | None], settings: Settings) -> list[_Subject]:
    """The open bundles; EdgeOCRError where one cannot be measured as asked for."""
    subjects: list[_Subject] = []
    for source in sources:
        bundle = Bundle.open(source)
        manifest = bundle.manifest
        least = manifest.models.detector.input.size.minimum
        if settings.det_side is not None and settings.det_side < least:
            raise BenchmarkError(
                f"a detector side of {settings.det_side} pixels is less than the {least} that {bundle.name} needs; "
                "ask for more"
            )
        label = bundle.name if all(bundle.name != other.label for other in subjects) else f"{bundle.name}, the other"
        engine = open_engine(settings.engine, manifest.format, manifest.min_runtime)
        subjects.append(_Subject(source, label, bundle, engine))
    return subjects


def _in_turn(count: int, turn: int) -> Sequence[int]:
    """The numbers below `count` upwards, and every other time downwards."""
    return range(count)[::-1] if turn % 2 else range(count)


def _speed_up(first: Run, second: Run) -> SpeedUp:
    """Of the first bundle over the second; their readings of one picture in one round are a pair."""
    return SpeedUp.of(first.threads, list(chain(*first.page_samples_ms)), list(chain(*second.page_samples_ms)))


def _threads(count: int) -> str:
    return f"{count} thread{'s' if count > 1 else ''}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the result, and return the exit status; None: the arguments of the process."""
    return interrupts.guarded(_main, arguments)


def _main(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    try:
        with replacing(options.output) as output:
            output.write(_probe(options).measure().to_json())
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as problem:
        if interrupts.led_to(problem):
            return INTERRUPTED
        if not isinstance(problem, EdgeOCRError):
            raise
        print(f"error: {problem}", file=sys.stderr)
        return NOTHING_DONE
    return 0


def _probe(options: argparse.Namespace) -> Probe:
    settings = Settings(
        options.threads, options.repeats, options.warm_up, options.cold_starts, options.engine, options.det_side
    )
    sources = [options.bundle] if options.against is None else [options.bundle, options.against]
    pictures = dict.fromkeys(chain(*map(expand, options.pictures)))
    return Probe(sources, list(pictures), settings, lambda text: print(printable(text), file=sys.stderr, flush=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m edge_ocr.benchmark.probe",
        description="Measure how fast a bundle reads on this machine, and what it costs.",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="write the result there, as JSON")
    parser.add_argument("--pictures", nargs="+", required=True, metavar="PICTURE", help="files or folders to read")
    parser.add_argument(
        "--bundle", metavar="B", help="a folder, an .ocrbundle file or an installed bundle (default: the built-in one)"
    )
    parser.add_argument("--against", metavar="B", help="another bundle, read in turn with the first")
    parser.add_argument(
        "--threads", type=wholes(1, 1024), default=(1, 2, 4), metavar="N,...", help="each is measured (default: 1,2,4)"
    )
    add_repetitions(parser)
    parser.add_argument("--engine", metavar="E", help="as for edge-ocr read")
    parser.add_argument("--det-side", type=whole(32, 16_384), metavar="N", help="as for edge-ocr read")
    return parser


if __name__ == "__main__":
    sys.exit(main())
