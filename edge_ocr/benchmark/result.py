"""The result of a benchmark as data: what `probe` and the emulator write and everybody else reads.

Of a timed benchmark every bundle has `runs`, one for each number of threads; of an emulated one, where times mean
nothing, it has `instructions` instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge_ocr.benchmark.facts import DeviceFacts, Health
from edge_ocr.benchmark.records import from_plain, to_plain
from edge_ocr.benchmark.summary import Summary
from edge_ocr.bundle import Bundle
from edge_ocr.errors import BenchmarkError

SCHEMA = 1
"""Version of the file. It grows with every change of a key or of a meaning."""
AGAIN = "run edge-ocr bench again"

PAGE = "page"
STAGES = ("decode", "preprocess", "detect", "postprocess", "crop", "direction", "recognise", "ctc")
"""The stages of a page in their order; together they are the page. See `edge_ocr.benchmark.stages`."""

_MAXIMUM_BYTES = 64 << 20
_DRAWS = 1000
"""With replacement, for a bootstrap interval."""


@dataclass(frozen=True)
class MeasuredPicture:
    """A picture that was read.

    Attributes:
        name: of its file; without folders in what `edge-ocr bench` writes.
        sha256: of its file, 64 hexadecimal digits.
        width: pixels, as a viewer shows it.
        height: likewise.
        lines: how many lines of text the first bundle reads in it.
    """

    name: str
    sha256: str
    width: int
    height: int
    lines: int


@dataclass(frozen=True)
class Settings:
    """What was asked for.

    Attributes:
        threads: each number of threads that was measured.
        repeats: measured readings of each picture with each number of threads.
        warm_up: readings before them, which do not count.
        cold_starts: processes started for each bundle and number of threads; 0 where cold starts were not measured.
        engine: as given; None for whichever is installed.
        det_side: long side in pixels at which the detector looks; None for the bundle's.
    """

    threads: tuple[int, ...]
    repeats: int
    warm_up: int
    cold_starts: int
    engine: str | None
    det_side: int | None


@dataclass(frozen=True)
class EngineFacts:
    """The package that ran the models, such as ai-edge-litert, and its version."""

    package: str
    version: str


@dataclass(frozen=True)
class Energy:
    """What reading costs.

    Attributes:
        joules_per_page: mean over the pages of a pass of its own, idle power included.
        rail: what was metered, such as `VDD_IN (ina3221)`: the whole board or a part of it.
    """

    joules_per_page: float
    rail: str


@dataclass(frozen=True)
class Run:
    """One bundle with one number of threads.

    Attributes:
        threads: as for `OCR`.
        cold_start_ms: start of a process to its first text; None where it was not measured.
        load_ms: `OCR(...)` in a fresh process that has imported it: bundle read and checked, engine imported, models
            loaded.
        stages_ms: each of `STAGES`, and `PAGE` -> its time, over all pictures and repeats.
        page_samples_ms: of each picture, in the order of `Result.pictures`, the time of each reading of the whole page.
        lines_per_page: mean over the pictures.
        peak_rss_bytes: the most memory that a process held which did nothing but load and read every picture once.
        energy: None where the board does not tell.
    """

    threads: int
    cold_start_ms: Summary | None
    load_ms: Summary
    stages_ms: Mapping[str, Summary]
    page_samples_ms: tuple[tuple[float, ...], ...]
    lines_per_page: float
    peak_rss_bytes: int
    energy: Energy | None


@dataclass(frozen=True)
class Kernel:
    """A function of the engine, and its share of the instructions, 0 to 1."""

    name: str
    share: float


@dataclass(frozen=True)
class Count:
    """What an emulated CPU executed.

    Attributes:
        instructions: of the guest.
        hottest: the functions that took most of them, the hottest first.
        output_sha256: of what came out: of an output tensor's bytes, or of a page's text in UTF-8.
    """

    instructions: int
    hottest: tuple[Kernel, ...]
    output_sha256: str


@dataclass(frozen=True)
class Instructions:
    """What one bundle executes on an emulated CPU, with one thread.

    Attributes:
        cpu: as QEMU calls it, such as `cortex-a76`.
        versions: what the counts depend on, such as `qemu`, `python`, `ai-edge-litert` -> its version.
        models: model and size of its input, such as `detector 640x640` -> one inference.
        page: reading one picture, everything included; None where it was not counted.
        stages: stage of the page -> instructions, which add up to the page; see `edge_ocr.benchmark.counting`.
    """

    cpu: str
    versions: Mapping[str, str]
    models: Mapping[str, Count]
    page: Count | None
    stages: Mapping[str, int]


@dataclass(frozen=True)
class BundleResult:
    """One bundle.

    Attributes:
        name: see `Manifest`.
        digest: see `Bundle.digest`.
        precision: see `Manifest`.
        bytes: `detector`, `direction` (where there is one), `recognizer`, `charset`, and their `total` -> file size.
        engine: what ran it.
        accuracy_loss_points: what its verification says it loses against FP32 on labelled pictures, the largest loss
            that the converter's gate looks at; negative where it is better; None where it was not verified on any.
        runs: for each number of threads; none where the CPU is emulated.
        instructions: None where it is not.
    """

    name: str
    digest: str
    precision: str
    bytes: Mapping[str, int]
    engine: EngineFacts
    accuracy_loss_points: float | None
    runs: tuple[Run, ...]
    instructions: Instructions | None

    @classmethod
    def of(
        cls,
        bundle: Bundle,
        engine: EngineFacts,
        *,
        runs: tuple[Run, ...] = (),
        instructions: Instructions | None = None,
    ) -> BundleResult:
        """What was measured of an open bundle, together with what the bundle says of itself."""
        manifest = bundle.manifest
        sizes = {kind: spec.bytes for kind, spec in manifest.models.by_kind().items()}
        sizes["charset"] = manifest.charset.bytes
        sizes["total"] = sum(sizes.values())
        return cls(
            name=bundle.name,
            digest=bundle.digest,
            precision=manifest.precision,
            bytes=sizes,
            engine=engine,
            accuracy_loss_points=_accuracy_loss(bundle),
            runs=runs,
            instructions=instructions,
        )


@dataclass(frozen=True)
class SpeedUp:
    """How much faster the first bundle is than the second, from readings in strict alternation.

    Attributes:
        threads: of both.
        ratio: page time of the second over that of the first: above 1 where the first is faster, below 1 where it is
            slower.
        low: lower end of the 95 % bootstrap interval over the pairs of readings.
        high: upper end.
        pairs: how many there are.
    """

    threads: int
    ratio: float
    low: float
    high: float
    pairs: int

    @classmethod
    def of(cls, threads: int, first: Sequence[float], second: Sequence[float]) -> SpeedUp:
        """From page times of the two bundles, pair by pair, in any unit; at least one pair."""
        times = np.array([first, second], np.float64)
        pairs = times.shape[1]
        generator = np.random.default_rng(0)
        ratios = np.empty(_DRAWS)
        for draw in range(_DRAWS):  # one by one: all of a long run at once are more than a small board's memory
            drawn_first, drawn_second = times[:, generator.integers(0, pairs, pairs)].sum(axis=1)
            ratios[draw] = drawn_second / drawn_first
        low, high = np.percentile(ratios, [2.5, 97.5])
        ratio = times[1].sum() / times[0].sum()
        return cls(threads, round(float(ratio), 4), round(float(low), 4), round(float(high), 4), pairs)


@dataclass(frozen=True)
class Healths:
    """How the device fared before the work and at once after its last page."""

    before: Health
    after: Health


@dataclass(frozen=True)
class Result:
    """One benchmark of one bundle, or of two against each other, on one device.

    Attributes:
        schema: `SCHEMA`.
        edge_ocr: version of the runtime that was measured.
        date: ISO 8601, of the beginning, with the device's clock.
        device: as the user named it, such as `local` or `ssh://pi@host`.
        facts: what the device is.
        health: how it fared; None where the CPU is emulated.
        problems: why the times do not count, one sentence each; none where all is well.
        advice: what would make the next run steadier, likewise.
        pictures: that were read.
        settings: what was asked for.
        bundles: the measured one and, where it was held against another, that other.
        speed_ups: for each number of threads, where there are two bundles.
    """

    schema: int
    edge_ocr: str
    date: str
    device: str
    facts: DeviceFacts
    health: Healths | None
    problems: tuple[str, ...]
    advice: tuple[str, ...]
    pictures: tuple[MeasuredPicture, ...]
    settings: Settings
    bundles: tuple[BundleResult, ...]
    speed_ups: tuple[SpeedUp, ...]

    def to_json(self) -> bytes:
        """Content of a result file; `load_result` reads it back to an equal result."""
        text = json.dumps(to_plain(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        # Half of a surrogate pair stands for a byte of a file's name that is no UTF-8. Its escape is JSON's as well.
        return text.encode(errors="backslashreplace")


def _accuracy_loss(bundle: Bundle) -> float | None:
    """See `BundleResult`; a verification is the converter's word, and counts only for the models it was made of."""
    with suppress(ValueError, TypeError, KeyError, RecursionError, BenchmarkError):
        verification = json.loads(bundle.verification or b"{}")
        loss = verification["loss"]
        # Up to schema 1 there was a loss without labels, too.
        if verification["digest"] == bundle.digest and isinstance(loss, dict) and loss.get("labelled", True):
            return from_plain(float, loss["points"])
    return None


def load_result(path: Path) -> Result:
    """Read a result file.

    Raises:
        BenchmarkError: it cannot be read, is no result, or is that of another version.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAXIMUM_BYTES + 1)
    except OSError as problem:
        raise BenchmarkError(f"the result {path} cannot be read: {problem.strerror}; check its name") from problem
    return parse_result(content, str(path))


def parse_result(content: bytes, name: str) -> Result:
    """The result in the content of a file, which messages call `name`; BenchmarkError as `load_result`."""
    if len(content) > _MAXIMUM_BYTES:
        raise BenchmarkError(f"{name} has more than {_MAXIMUM_BYTES >> 20} MiB, which no result has; {AGAIN}")
    try:
        values = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as problem:
        raise BenchmarkError(f"{name} is not a result of edge-ocr bench: it is not JSON; {AGAIN}") from problem
    if not isinstance(values, dict) or "schema" not in values:
        raise BenchmarkError(f"{name} is not a result of edge-ocr bench: it states no schema; {AGAIN}")
    if values["schema"] != SCHEMA or isinstance(values["schema"], bool):
        raise BenchmarkError(
            f"{name} is the result of another version: its schema is {values['schema']!r:.40}, and this edge-ocr reads "
            f"{SCHEMA}; {AGAIN}, or read it with that version"
        )
    try:
        result = from_plain(Result, values)
        _check(result)
    except BenchmarkError as problem:
        raise BenchmarkError(f"{name} is not a whole result: {problem}; {AGAIN}") from problem
    return result


def _check(result: Result) -> None:
    """Refuse what has the right types and yet comes from no measurement: a result is the word of another machine."""
    if not result.pictures:
        raise BenchmarkError("it has no pictures")
    if len(result.bundles) not in (1, 2):
        raise BenchmarkError(f"bundles has {len(result.bundles)} entries where one or two are measured")
    for index, bundle in enumerate(result.bundles):
        try:
            _check_bundle(bundle, len(result.pictures))
        except BenchmarkError as problem:
            raise BenchmarkError(f"bundles[{index}] {problem}") from problem
    if len({tuple(run.threads for run in bundle.runs) for bundle in result.bundles}) > 1:
        raise BenchmarkError("its two bundles were not measured with the same threads")


def _check_bundle(bundle: BundleResult, pictures: int) -> None:
    """Likewise, of one bundle."""
    if "total" not in bundle.bytes:
        raise BenchmarkError("has no total of bytes")
    if (bundle.instructions is None) != bool(bundle.runs):
        raise BenchmarkError("needs either runs or instructions")
    for run in bundle.runs:
        if set(run.stages_ms) != {*STAGES, PAGE}:
            raise BenchmarkError(f"has a run whose stages are {', '.join(run.stages_ms)}")
        if len(run.page_samples_ms) != pictures or not all(run.page_samples_ms):
            raise BenchmarkError("has a run without page times for each picture")
    if any(number < 0 for number in _numbers(to_plain(replace(bundle, accuracy_loss_points=None)))):
        raise BenchmarkError("holds a negative figure")


def _numbers(value: object) -> Iterator[float]:
    """All numbers in plain values."""
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _numbers(member)


def _refuse(constant: str) -> None:
    """NaN and infinities, which Python's reader would take, are no JSON and no measurement."""
    raise ValueError(constant)
