"""Devices that have a POSIX shell, however it is reached: what the shells of local, SSH and ADB devices are told.

Two kinds of shell run there. The *caretaker* makes the working folder, tells what it found, and then reads its standard
input, to which nothing is ever written, until that ends: because this side has closed it or was killed, or because the
link was lost. Then it kills what still runs and removes the folder. Every other call is a shell of its own beside it.

Shells that say more than they were asked, such as a greeting in ~/.bashrc, are no trouble: what is not between two
marks, which no greeting can know, is passed over. Only what POSIX asks of a shell and its tools is used, and
`mktemp -d`, which BusyBox and Android's toybox have too.
"""

from __future__ import annotations

import math
import os
import re
import secrets
import select
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from edge_ocr.benchmark.host.devices.archive import write_archive
from edge_ocr.benchmark.host.devices.base import (
    OLDEST_PYTHON,
    PYTHON,
    Finished,
    checked_name,
    took_too_long,
    without_python,
)
from edge_ocr.benchmark.host.devices.processes import watch
from edge_ocr.errors import DeviceError

PYTHONS = ("python3", "python3.13", "python3.12", "python3.11", "python3.10", "python3.14", "python")
"""Names under which a device may have a Python; the system's own comes first, as its packages were made for that."""

_PATIENCE, _A_MOMENT = 60.0, 1.0
"""Seconds that a device may take to greet or to tidy up, and those in which one that did not greet may say why."""

_KILL = """\
mv .running .ended
for each in .ended/*; do
    [ -e "$each" ] && kill -s KILL -- "-${each##*/}" 2>/dev/null
done
rm -rf .ended
"""
"""Kill what runs in the working folder: a file in .running is named after the process group of each program.

The folder goes first, and a program that cannot enter itself there does not start, so that none slips through.
"""

_CARETAKER = f"""\
mark=$1
shift
umask 077
work=
tidy() {{
    trap '' HUP INT PIPE TERM
    [ -n "$work" ] || return
    cd "$work" && {{
{_KILL}
    }}
    cd /
    rm -rf "$work" || {{ sleep 1; chmod -R u+rwx "$work"; rm -rf "$work"; }} || exit 1
}}
trap tidy EXIT
trap 'exit 1' HUP INT PIPE TERM
for parent in "${{TMPDIR:-/var/tmp}}" /var/tmp /tmp /data/local/tmp "$HOME"; do
    work=$(mktemp -d "$parent/edge-ocr.XXXXXX") || continue
    # An empty program does nothing, and does it wherever programs may run at all.
    : >"$work/program" && chmod +x "$work/program" && "$work/program" && break
    rm -rf "$work"
    work=
done
if [ -z "$work" ]; then
    echo "none of /var/tmp, /tmp and $HOME there can be written to and run programs from; make one of them usable" >&2
    exit 1
fi
rm "$work/program"
mkdir "$work/.running"
echo "$mark"
echo "work $work"
echo "machine $(uname -m)"
for name in "$@"; do
    python=$(command -v "$name") || continue
    "$python" -c 'import sys
print("python %d %d" % sys.version_info[:2], sys.argv[1])
sys.exit(sys.version_info < {OLDEST_PYTHON})' "$python" </dev/null && break
done
echo ready
while read -r line; do :; done
"""
"""Arguments: the mark, and the names of Pythons to look for."""

_CALL = """\
mark=$1
cd "$2" || exit 1
shift 2
echo "$mark"
echo "$mark" >&2
(
{body}
)
echo "$mark $?" >&2
"""

_RUN = """\
true >".running/$$" || exit 1
"$@" </dev/null
status=$?
rm -f ".running/$$"
exit $status
"""

_PUSH = """\
export LC_ALL=C
if command -v tar >/dev/null; then
    tar -x -o -m -f -
elif [ $# -gt 0 ]; then
    "$@" -c 'import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode="r|").extractall()'
else
    echo "it has neither tar nor Python to unpack them" >&2
    exit 1
fi
"""

_PULL = """\
[ -f "$1" ] || { echo "there is none" >&2 && exit 1; }
cat <"$1"
"""


class ShellDevice(ABC):
    """A `Device` whose shell does everything; a subclass knows the way to it."""

    emulated = False
    machine: str
    python: tuple[int, int] | None

    def __init__(self, name: str, pythons: Sequence[str] = PYTHONS) -> None:
        """
        Args:
            name: as the user gave it.
            pythons: names or paths of the Pythons to look for there, the preferred one first.
        """
        self.name = name
        self._pythons = pythons
        self._mark = f"edge-ocr-{secrets.token_hex(8)}"

    @abstractmethod
    def _way(self, words: Sequence[str], first: bool) -> list[str]:
        """The command here that runs a program there, its standard streams joined to those of the command.

        Args:
            words: the program there and its arguments.
            first: whether this call opens the link, and is to last as long as that.
        """

    def _refusal(self, complaint: str) -> DeviceError:
        """The error for a link that does not open, from what the command said on standard error."""
        return DeviceError(f"{self.name} cannot be used: {last_line(complaint) or 'it does not answer'}")

    def __enter__(self) -> ShellDevice:
        with tempfile.TemporaryFile() as log:
            try:
                self._caretaker = subprocess.Popen(
                    self._way(["sh", "-c", _CARETAKER, "sh", self._mark, *self._pythons], True),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C here is for this process to handle, not for the caretaker
                )
            except FileNotFoundError as problem:
                raise DeviceError(f"{self.name} needs the program {problem.filename}; install it") from problem
            try:
                self._note_greeting()
            except BaseException as problem:
                self._dismiss(_A_MOMENT)
                if not isinstance(problem, _NoGreeting):
                    raise
                log.seek(0)
                raise self._refusal(f"{problem}\n{log.read().decode('utf-8', 'replace')}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._dismiss() != 0 and problem is None:
            raise DeviceError(
                f"{self.name}: the folder {self._work} there may not have been removed; look for it by hand"
            )

    def _note_greeting(self) -> None:
        """Read what the caretaker tells of the device; _NoGreeting, with what it says instead, where it does not."""
        assert self._caretaker.stdout is not None
        self.machine, self.python = "", None
        self._work = ""
        self._python: tuple[str, ...] = ()
        self._too_old: list[str] = []
        lines = _lines_of(self._caretaker.stdout.fileno(), time.monotonic() + _PATIENCE)
        before = []
        for line in lines:
            if line.endswith(self._mark):
                break
            before.append(line)
        for line in lines:
            word, _, value = line.partition(" ")
            if word == "work":
                self._work = value
            elif word == "machine":
                self.machine = value
            elif word == "python" and (found := re.fullmatch(r"(\d+) (\d+) (.+)", value)):
                version = (int(found[1]), int(found[2]))
                if version >= OLDEST_PYTHON:
                    self.python, self._python = version, (found[3],)
                else:
                    self._too_old.append(f"{found[3]} is {found[1]}.{found[2]}")
            elif word == "ready":
                return
        raise _NoGreeting("\n".join(before))

    def _dismiss(self, patience: float = _PATIENCE) -> int:
        """Let the caretaker tidy up, and the link close, within so many seconds; its exit status, 0 if it did."""
        caretaker = self._caretaker
        assert caretaker.stdin is not None and caretaker.stdout is not None
        try:
            caretaker.stdin.close()
            return caretaker.wait(patience)
        except subprocess.TimeoutExpired:
            caretaker.kill()
            return caretaker.wait()
        finally:
            caretaker.stdout.close()

    def push(self, files: Mapping[str, Path | bytes]) -> None:
        """See `Device.push`."""

        def feed(stream: IO[bytes]) -> None:
            write_archive(files, stream)

        done = self._call(_PUSH, *self._python, doing="files were sent", feed=feed)
        if done.status != 0:
            raise DeviceError(f"{self.name} cannot take the files into {self._work}: {_reason(done)}; make room there")

    def run(self, arguments: Sequence[str], *, timeout: float, on_line: Callable[[str], None]) -> Finished:
        """See `Device.run`; a program that cannot be started ends with status 126 or 127, as in any shell."""
        words = list(arguments)
        if words[0] == PYTHON:
            if not self._python:
                raise without_python(self.name, self._too_old)
            words[:1] = self._python
        try:
            return self._call(_RUN, *words, doing=f"{words[0]} ran", timeout=timeout, on_line=on_line)
        except subprocess.TimeoutExpired:
            self._call(f"{_KILL}mkdir .running", doing=f"{words[0]} was killed")
            raise took_too_long(self.name, arguments, timeout) from None

    def pull(self, name: str) -> bytes:
        """See `Device.pull`."""
        done = self._call(_PULL, checked_name(name), doing=f"{name} was fetched")
        if done.status != 0:
            raise DeviceError(
                f"{self.name} cannot give the file '{name}': {_reason(done)}; "
                "see what the program there said that should write it"
            )
        return done.output

    def _call(
        self,
        body: str,
        *arguments: str,
        doing: str,
        timeout: float = math.inf,
        on_line: Callable[[str], None] = lambda line: None,
        feed: Callable[[IO[bytes]], None] | None = None,
    ) -> Finished:
        """Run a piece of shell script, which gets these arguments, in the working folder; see `watch`."""
        script = _CALL.format(body=body)
        hearing = _Hearing(self._mark, on_line)
        ended = watch(
            self._way(["sh", "-c", script, "sh", self._mark, self._work, *arguments], False),
            timeout=timeout,
            on_line=hearing.hear,
            feed=feed,
        )
        if hearing.status is None:
            reason = last_line(ended.complaint)
            raise DeviceError(
                f"{self.name}: the link was lost while {doing}{f' ({reason})' if reason else ''}; "
                "see that the device has power and is connected, and try again"
            )
        _, _, output = ended.output.partition(self._mark.encode() + b"\n")
        return Finished(hearing.status, output, "".join(f"{line}\n" for line in hearing.lines))


class _NoGreeting(Exception):
    pass


class _Hearing:
    """What stands between the marks on standard error."""

    def __init__(self, mark: str, on_line: Callable[[str], None]) -> None:
        self._mark, self._on_line = mark, on_line
        self._begun = False
        self.lines: list[str] = []
        self.status: int | None = None

    def hear(self, line: str) -> None:
        if not self._begun:
            self._begun = line.endswith(self._mark)
            return
        line, marked, status = line.partition(f"{self._mark} ")
        if line or not marked:
            self.lines.append(line)
            self._on_line(line)
        if marked:
            self.status = _as_status(int(status))


def _as_status(reported: int) -> int:
    """The status of `Finished` from that of a shell, to which a program that signal N ended counts as 128 + N."""
    return 128 - reported if 128 < reported <= 128 + 64 else reported


def _lines_of(descriptor: int, deadline: float) -> Iterator[str]:
    """The lines that arrive from a pipe until it ends or the deadline is there."""
    received = b""
    while select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
        piece = os.read(descriptor, 1 << 12)
        if not piece:
            return
        *lines, received = (received + piece).split(b"\n")
        yield from (line.decode("utf-8", "replace").rstrip("\r") for line in lines)


def last_line(complaint: str) -> str:
    """The last line that says something; "" if none does."""
    return next((line.strip() for line in reversed(complaint.splitlines()) if line.strip()), "")


_REASONS = {
    "No space left on device": "there is no room left",
    "Wrote only": "there is no room left",  # GNU tar, of the file that just does not fit
    "Disk quota exceeded": "there is no room left for this user",
    "Read-only file system": "it can only be read",
}
"""What a tool says, among other things, about a disk -> what that means."""


def _reason(failed: Finished) -> str:
    """Why a tool has failed, in its words or ours."""
    said = meaning_of(failed.complaint, _REASONS) or last_line(failed.complaint)
    return said or f"it ended with status {failed.status}"


def meaning_of(complaint: str, meanings: Mapping[str, str]) -> str | None:
    """What a complaint means, by the first of the signs in `meanings` that is in it."""
    return next((meaning for sign, meaning in meanings.items() if sign in complaint), None)
