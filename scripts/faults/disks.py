"""A full disk and a read-only one: small file systems in memory, mounted where nobody else sees them.

A child enters a user and mount namespace of its own, which needs no root where the system allows such namespaces. What
cannot be written must cost one sentence and exit status 2, and leave what was there before.
"""

from __future__ import annotations

import ctypes
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from edge_ocr import cli
from edge_ocr.bundle import Bundle
from edge_ocr.cache import run_stage
from edge_ocr.engines import open_engine
from edge_ocr.errors import EdgeOCRError
from edge_ocr.models import DEFAULT_BUNDLE
from faults.children import Ended, in_child, judge
from faults.kills import SAMPLE, editions, environment, make_pictures, write_edition
from faults.outcomes import Outcome, Result

SECONDS, MEMORY = 120, 4 << 30
_READ_ONLY = 1
"""MS_RDONLY, <sys/mount.h>."""
_REMOUNT = 32
"""MS_REMOUNT."""


class NoMountError(EdgeOCRError):
    """This system lets nobody mount a file system of their own."""


def _mount(place: Path, size: int) -> None:
    """Mount a file system of `size` bytes, for this process and its children alone."""
    users = f"0 {os.getuid()} 1", f"0 {os.getgid()} 1"
    try:
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(users[0])
        Path("/proc/self/gid_map").write_text(users[1])
    except OSError as problem:
        raise NoMountError(problem.strerror) from problem
    _call_mount(place, 0, f"size={size}")


def _call_mount(place: Path, flags: int, options: str = "") -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.mount(b"none", os.fsencode(place), b"tmpfs", flags, options.encode()):
        raise NoMountError(os.strerror(ctypes.get_errno()))


def can_mount() -> str | None:
    """None where a file system can be mounted; else why not."""
    with tempfile.TemporaryDirectory() as place:
        ended = in_child(lambda: _as_command(lambda: _mount(Path(place), 1 << 20)), seconds=10, memory=MEMORY)
    return None if ended.status == 0 else ended.errors.decode().strip().splitlines()[-1]


# --- what writes ---------------------------------------------------------------------------------------------------


def _as_command(call: Callable[[], object]) -> int:
    """The exit status of a command line that does no more than this."""
    try:
        call()
    except EdgeOCRError as problem:
        cli.complain(problem)
        return cli.NOTHING_DONE
    return 0


def _bundle(place: Path) -> int:
    return _as_command(lambda: write_edition(editions()[1], place / "bundle"))


def _stage(place: Path) -> int:
    def make(folder: Path) -> None:
        (folder / "model").write_bytes((DEFAULT_BUNDLE / "recognizer.tflite").read_bytes())

    with environment(EDGE_OCR_CACHE=str(place)):
        return _as_command(lambda: run_stage("faults", "0", make))


def _rows(place: Path) -> int:
    return cli.main(["read", str(_pictures()), "--format", "jsonl", "-o", str(place / "pages.jsonl")])


def _more_rows(place: Path) -> int:
    return cli.main(["read", str(_pictures()), "--format", "jsonl", "-o", str(place / "more.jsonl"), "--resume"])


def _annotated(place: Path) -> int:
    return cli.main(["read", str(SAMPLE), "--save-annotated", str(place / "seen.png")])


def _standard_output(_: Path) -> int:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    return cli.main(["read", str(SAMPLE)])


WRITERS: dict[str, Callable[[Path], int]] = {
    "bundle": _bundle,
    "cached stage": _stage,
    "jsonl": _rows,
    "jsonl, carried on": _more_rows,
    "annotated picture": _annotated,
    "standard output": _standard_output,
}
"""What is written -> what writes it into a folder and gives the exit status."""

_scratch: list[tempfile.TemporaryDirectory[str]] = []


def _pictures() -> Path:
    """A folder of pictures, for as long as the process runs."""
    if not _scratch:
        _scratch.append(tempfile.TemporaryDirectory(prefix="faults-"))
        make_pictures(Path(_scratch[0].name))
    return Path(_scratch[0].name)


# --- a run ---------------------------------------------------------------------------------------------------------

_OCCUPIED = 4 << 20
"""Bytes of what is there before: a bundle of half this size, and a file that fills the rest."""
_OLD = b'{"file": "old.png", "width": 1, "height": 1, "lines": [], "timings_ms": {}}\n'


def run_cases(numbers: range) -> Iterator[Result]:
    """Write to disks of sizes from next to nothing up, and to read-only ones, once for each writer."""
    open_engine(), _pictures()
    for name, write in WRITERS.items():
        for number in numbers:
            yield _case(name, write, room=4096 * number**2, read_only=False)
        yield _case(name, write, room=4 << 20, read_only=True)


def _case(name: str, write: Callable[[Path], int], room: int, *, read_only: bool) -> Result:
    kind = "read-only disk" if read_only else "full disk"
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        ended = in_child(lambda: _write_and_look(Path(place), write, room, read_only), seconds=SECONDS, memory=MEMORY)
    if not ended.output.endswith(b"\n"):
        outcome, detail = judge(ended)
        return Result(kind, outcome, f"{name}, {room} bytes free: {detail}")
    status, torn = json.loads(ended.output.splitlines()[-1])
    if torn:
        return Result(kind, Outcome.TORN, f"{name}, {room} bytes free: {torn}")
    outcome, detail = judge(Ended(status, b"", ended.errors))
    if outcome is Outcome.UNTIDY and status == cli.FAILED and ended.errors.count(b"\n") == 1:
        outcome = Outcome.REFUSED  # the text was delivered, the annotated picture was not
    return Result(kind, outcome, f"{name}, {room} bytes free: {detail}")


def _write_and_look(place: Path, write: Callable[[Path], int], room: int, read_only: bool) -> int:
    """In the child: write on a disk with something on it already, and see what became of that."""
    _mount(place, _OCCUPIED + room)
    write_edition(editions()[0], place / "bundle")
    for name in ("pages.jsonl", "more.jsonl", "seen.png"):
        (place / name).write_bytes(_OLD)
    free = os.statvfs(place)
    (place / "filler").write_bytes(bytes(max(0, free.f_bavail * free.f_bsize - room)))
    if read_only:
        _call_mount(place, _REMOUNT | _READ_ONLY)
    report = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the text that is read is not looked at
    status = write(place)
    os.write(report, json.dumps([status, _torn(place, status)]).encode() + b"\n")
    return 0


def _torn(place: Path, status: int) -> str:
    """What is neither as it was nor whole; empty if nothing is."""
    try:
        title = Bundle.open(place / "bundle").manifest.title
    except EdgeOCRError as problem:
        return str(problem)
    if title not in [edition.manifest.title for edition in editions()]:
        return f"the bundle is of the edition {title}"
    for name in ("pages.jsonl", "more.jsonl"):
        content = (place / name).read_bytes()
        try:
            rows = [json.loads(line) for line in content.splitlines()]
        except ValueError:
            return f"{name} has a torn line"
        if not content.endswith(b"\n") or (status and name == "pages.jsonl" and len(rows) != 1):
            return f"{name} is not whole"
    seen = (place / "seen.png").read_bytes()
    if seen != _OLD and not (seen.startswith(b"\x89PNG") and seen.endswith(b"IEND\xaeB`\x82")):
        return "the annotated picture is not whole"
    left = [path.name for path in place.iterdir() if path.name.startswith(".")]
    return f"{left} were left behind" if left else ""
