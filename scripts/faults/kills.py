"""Processes that are killed, or interrupted from the keyboard, at random moments.

After `kill -9` the old result or the new one is there, or none, and the next run neither trips over what was left nor
leaves it lying. After Ctrl-C a command ends with status 130, at most one line, and no process of its own alive.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edge_ocr import cli, reading  # noqa: F401 - imported here, so that no child has to
from edge_ocr.bundle import Bundle
from edge_ocr.bundle_writing import write_bundle
from edge_ocr.cache import cache_directory, run_stage
from edge_ocr.engines import open_engine
from edge_ocr.errors import EdgeOCRError
from edge_ocr.models import DEFAULT_BUNDLE
from faults.outcomes import Outcome, Result

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "edge_ocr" / "doctor_sample.png"
PICTURES = 6

Random = random.Random


def killed_child(call: Callable[[], object], after: float) -> None:
    """Run `call` in a forked child that is killed after so many seconds, unless it ends before."""
    child = os.fork()
    if child == 0:
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1), os.dup2(nowhere, 2)
            call()
        finally:
            os._exit(0)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


# --- a bundle that is written --------------------------------------------------------------------------------------


@cache
def editions() -> tuple[Bundle, Bundle]:
    """The default bundle, under two titles."""
    whole = Bundle.open(DEFAULT_BUNDLE)
    first, second = (replace(whole, manifest=replace(whole.manifest, title=title)) for title in ("first", "second"))
    return first, second


def write_edition(edition: Bundle, destination: Path) -> None:
    """Write one of `editions` to a folder; BundleError where that fails."""
    names = edition.manifest.files()
    write_bundle(destination, edition.manifest, {name: (DEFAULT_BUNDLE / name).read_bytes() for name in names})


def bundle_writing(seed: int, numbers: range) -> Iterator[Result]:
    """Kill a process that writes one bundle over another, again and again."""
    kind = "kill -9: bundle"
    for number in numbers:
        draw = Random(f"{kind}/{seed}/{number}")
        with tempfile.TemporaryDirectory(prefix="faults-") as place:
            destination = Path(place) / "bundle"
            write_edition(editions()[0], destination)

            def write_for_ever(destination: Path = destination) -> None:
                while True:
                    for edition in reversed(editions()):
                        write_edition(edition, destination)

            killed_child(write_for_ever, draw.uniform(0, 0.15))
            yield Result(kind, *judge_bundle(destination))


def judge_bundle(destination: Path) -> tuple[Outcome, str]:
    """What became of a bundle whose writer was killed, and of what was left when it is written once more."""
    try:
        if destination.exists():
            Bundle.open(destination)
    except EdgeOCRError as problem:
        return Outcome.TORN, str(problem)
    write_edition(editions()[1], destination)
    left = sorted(path.name for path in destination.parent.iterdir() if path != destination)
    if left:
        return Outcome.UNTIDY, f"after the next run there still is {left}"
    return Outcome.WORKED, ""


# --- a stage of a conversion ---------------------------------------------------------------------------------------


_PIECES = {f"{piece}": bytes([piece]) * 100_000 for piece in range(20)}


def _make_stage(folder: Path) -> None:
    for name, content in _PIECES.items():
        (folder / name).write_bytes(content)
        time.sleep(0.002)


def stage_making(seed: int, numbers: range) -> Iterator[Result]:
    """Kill a process while it makes a stage that is to be cached."""
    kind = "kill -9: cached stage"
    for number in numbers:
        draw = Random(f"{kind}/{seed}/{number}")
        with tempfile.TemporaryDirectory(prefix="faults-") as place, environment(EDGE_OCR_CACHE=place):
            killed_child(lambda: run_stage("faults", "0", _make_stage), draw.uniform(0, 0.1))
            folder = run_stage("faults", "0", _make_stage)
            whole = {path.name: path.read_bytes() for path in folder.iterdir()} == _PIECES
            left = [path.name for path in folder.parent.iterdir() if path.name not in ("0", "0.lock")]
        if not whole:
            yield Result(kind, Outcome.TORN, f"{kind}/{seed}/{number}: half a stage was used")
        else:
            yield Result(kind, Outcome.UNTIDY if left else Outcome.WORKED, f"{kind}/{seed}/{number}: {left}")


@contextlib.contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set environment variables while the body runs."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


# --- a batch of pictures -------------------------------------------------------------------------------------------


def make_pictures(folder: Path, count: int = PICTURES) -> None:
    """Small pictures with text, each another."""
    sample = np.asarray(Image.open(SAMPLE).convert("RGB"))
    for number in range(count):
        Image.fromarray(np.roll(sample, 3 * number, axis=1)).save(folder / f"{number}.png")


def rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a jsonl file without the timings, which differ from run to run; ValueError where one is torn."""
    content = file.read_bytes()
    if content and not content.endswith(b"\n"):
        raise ValueError("the last line is torn")
    rows = [json.loads(line) for line in content.splitlines()]
    return [{key: value for key, value in row.items() if key != "timings_ms"} for row in rows]


def batch_reading(seed: int, numbers: range) -> Iterator[Result]:
    """Kill a process that reads a folder to a jsonl file, every second time one that carries on, then finish."""
    open_engine()
    kind = "kill -9: batch read"
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        folder, output = Path(place) / "pictures", Path(place) / "out" / "pages.jsonl"
        folder.mkdir()
        output.parent.mkdir()
        make_pictures(folder)
        command = ["read", str(folder), "--format", "jsonl", "-o", str(output)]
        start = time.monotonic()
        _run_quietly(command)
        duration = time.monotonic() - start
        expected = rows(output)
        for number in numbers:
            draw = Random(f"{kind}/{seed}/{number}")
            resume = number % 2 == 1
            output.unlink(missing_ok=True)
            wanted = [*command, "--resume"] if resume else command
            killed_child(partial(cli.main, wanted), draw.uniform(0, duration))
            outcome, detail = _judge_rows(output, expected, resume, wanted)
            yield Result(kind, outcome, f"{kind}/{seed}/{number}: {detail}")


def _judge_rows(output: Path, expected: list[dict[str, Any]], resume: bool, command: list[str]) -> tuple[Outcome, str]:
    if output.exists():
        if resume:  # its last line may be torn; the next run repairs that
            whole = output.read_bytes()[: output.read_bytes().rfind(b"\n") + 1]
            count = len([json.loads(line) for line in whole.splitlines()])
            if count > len(expected):
                return Outcome.TORN, f"{count} rows for {len(expected)} pictures"
        elif rows(output) != expected:
            return Outcome.TORN, "the file is there, but not whole"
    status = _run_quietly(command)
    if status != 0:
        return Outcome.UNTIDY, f"the next run ended with status {status}"
    if rows(output) != expected:
        return Outcome.TORN, "after the next run the file has other rows than that of a run in one go"
    left = [path.name for path in output.parent.iterdir() if path != output]
    return (Outcome.UNTIDY, f"after the next run there still is {left}") if left else (Outcome.WORKED, "")


def _run_quietly(command: list[str]) -> int:
    child = os.fork()
    if child == 0:
        status = 70
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1), os.dup2(nowhere, 2)
            status = cli.main(command)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


# --- commands as a whole -------------------------------------------------------------------------------------------


def _start(command: Sequence[str], cache: Path | None = None) -> subprocess.Popen[bytes]:
    """A command of this project in a process group of its own, once its own code runs: NumPy is there."""
    surroundings = {**os.environ, **({"EDGE_OCR_CACHE": str(cache)} if cache else {})}
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=surroundings,
        cwd=ROOT,
    )
    while process.poll() is None:
        with contextlib.suppress(OSError):
            if "_multiarray_umath" in Path(f"/proc/{process.pid}/maps").read_text():
                break
        time.sleep(0.005)
    return process


def _left_alive(group: int, patience: float = 5.0) -> bool:
    """Whether processes of the group outlive its leader, after a moment; they are ended."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    return True


def interrupts(seed: int, numbers: range) -> Iterator[Result]:
    """Ctrl-C while pictures are read."""
    pictures = 12
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        make_pictures(Path(place), pictures)
        output = Path(place) / "pages.jsonl"
        command = ["edge_ocr", "read", place, "--format", "jsonl", "-o", str(output), "--threads", "2"]
        for result in _interrupt("Ctrl-C: read", seed, numbers, command, longest=1.0):
            yield with_its_output(result, output, pictures)


def with_its_output(result: Result, output: Path, count: int) -> Result:
    """The result, or what is wrong with the file of `count` rows that the command was to write."""
    left = [path.name for path in output.parent.iterdir() if path.name.startswith(".")]
    if left:
        return Result(result.kind, Outcome.UNTIDY, f"{result.detail}: {left} were left behind")
    try:
        whole = not output.exists() or len(rows(output)) == count
    except ValueError:
        whole = False
    return result if whole else Result(result.kind, Outcome.TORN, f"{result.detail}: the file is there, but not whole")


def converter_interrupts(seed: int, numbers: range) -> Iterator[Result]:
    """Ctrl-C while a bundle is made, and while one is verified."""
    with _own_cache() as cache, tempfile.TemporaryDirectory(prefix="faults-") as place:
        for number in numbers:
            command = (
                ["converters", "convert", "ppocrv6-tiny", "-o", f"{place}/bundle"]
                if number % 2
                else ["converters", "verify", str(DEFAULT_BUNDLE)]
            )
            one = range(number, number + 1)
            yield from _interrupt(f"Ctrl-C: {command[1]}", seed, one, command, longest=15.0, cache=cache)


def _interrupt(
    kind: str, seed: int, numbers: range, command: list[str], longest: float, cache: Path | None = None
) -> Iterator[Result]:
    for number in numbers:
        process = _start(command, cache)
        after = Random(f"{kind}/{seed}/{number}").uniform(0, longest)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(after)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            yield Result(kind, Outcome.HUNG, f"{after:.3f} s: still there half a minute after Ctrl-C")
            continue
        outcome, detail = _judge_interrupted(process, errors.decode("utf-8", errors="replace"))
        yield Result(kind, outcome, f"{kind}/{seed}/{number}, after {after:.3f} s: {detail}")


def _judge_interrupted(process: subprocess.Popen[bytes], errors: str) -> tuple[Outcome, str]:
    if _left_alive(process.pid):
        return Outcome.UNTIDY, "processes outlived the command"
    if "Traceback" in errors:
        return Outcome.TRACEBACK, errors[-2000:]
    if process.returncode == 0:
        return Outcome.WORKED, "it was done before"
    # Python ends by the signal itself where the interrupt fell into an exec(), as of dataclasses, or into its own end;
    # a shell sees 130 then, too.
    interrupted = process.returncode in (cli.INTERRUPTED, -signal.SIGINT)
    if process.returncode < 0 and not interrupted:
        return Outcome.CRASHED, f"status {process.returncode}: {errors[-500:]}"
    last = errors.replace("\r", "\n").strip().splitlines()[-1:]
    if interrupted and (not last or "error" not in last[0]):
        return Outcome.REFUSED, ""
    return Outcome.UNTIDY, f"status {process.returncode}: {errors[-500:]}"


def conversions(seed: int, numbers: range) -> Iterator[Result]:
    """Kill a conversion that would replace a bundle.

    In a cache of their own. Those of the first chunk are killed while they make their stages; those of the others find
    all stages made, by a conversion that is let finish, and are killed while they verify and write.
    """
    kind = "kill -9: conversion"
    with _own_cache() as cache, tempfile.TemporaryDirectory(prefix="faults-") as place:
        destination = Path(place) / "bundle"
        write_edition(editions()[0], destination)
        command = ["converters", "convert", "ppocrv6-tiny", "-o", str(destination)]
        if numbers.start:
            _start(command, cache).communicate()
        for number in numbers:
            process = _start(command, cache)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(Random(f"{kind}/{seed}/{number}").uniform(0, 30))
            process.kill()
            process.communicate()
            if _left_alive(process.pid, patience=20):
                yield Result(kind, Outcome.UNTIDY, f"{kind}/{seed}/{number}: processes outlived the killed one")
            else:
                yield Result(kind, *judge_bundle(destination))


@contextlib.contextmanager
def _own_cache() -> Iterator[Path]:
    """A cache with what was fetched and installed, but no stages."""
    with tempfile.TemporaryDirectory(prefix="faults-cache-") as place:
        for name in ("sources", "environments"):
            (cache_directory() / name).mkdir(parents=True, exist_ok=True)
            (Path(place) / name).symlink_to(cache_directory() / name)
        yield Path(place)
