"""Devices reached by the user's own OpenSSH, with the keys, names and jumps that ~/.ssh/config gives."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from edge_ocr.atomic import held, sibling, sweep
from edge_ocr.benchmark.host.devices.shell import ShellDevice, meaning_of
from edge_ocr.errors import DeviceError

_NAME = re.compile(
    # What a shell or ssh itself would take for something else than a name, such as a leading dash, is not let through.
    r"ssh://(?:(?P<user>[A-Za-z0-9_.][A-Za-z0-9_.@+-]*)@)?"
    r"(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?\])"
    r"(?::(?P<port>[0-9]{1,5}))?/?"
)

_OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": "10",
    "ServerAliveInterval": "10",
    "ServerAliveCountMax": "3",
    "LogLevel": "ERROR",
    # What the user's configuration may ask for a session of their own, but would be in the way here.
    "ControlPersist": "no",
    "RequestTTY": "no",
    "RemoteCommand": "none",
    "PermitLocalCommand": "no",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
}

_REFUSALS = {
    "REMOTE HOST IDENTIFICATION HAS CHANGED": "its host key has changed; if the device was set up anew, remove its old "
    "key from {place}, else somebody may stand in between",
    "Host key verification failed": "its host key is not known here; connect once by hand and confirm it: ssh {login}",
    "Could not resolve hostname": "no such name is known to the network; check its spelling, or give its address",
    "Connection refused": "nothing listens for SSH there; enable SSH on the device, or name its port",
    "No route to host": "it cannot be reached; see that it is switched on and in this network",
    "Network is unreachable": "it cannot be reached; see that this computer is in its network",
    "timed out": "it does not answer; see that it is switched on and in this network",
    "Permission denied (": "it accepts none of your keys, and passwords cannot be asked for here; run once: "
    "ssh-copy-id {login}, or for a key with a passphrase: ssh-add",
    "Too many authentication failures": "it accepts none of the first keys offered; name the right one as IdentityFile "
    "in ~/.ssh/config",
}
"""What ssh says -> what that means, and what to do; the first that fits counts."""

_OLD_KEY = re.compile(r"^Offending .* key in (.+:\d+)", re.MULTILINE)
"""Where ssh says that a host key stands which is not the one it has been shown."""


class SshDevice(ShellDevice):
    """A device by its name for SSH; one connection serves everything."""

    def __init__(self, name: str) -> None:
        """
        Args:
            name: `ssh://user@host[:port]`; user and port may be left to ~/.ssh/config.

        Raises:
            DeviceError: `name` is of another form.
        """
        super().__init__(name)
        matched = _NAME.fullmatch(name)
        if matched is None or not 0 < int(matched["port"] or 22) < 1 << 16:
            raise DeviceError(f"'{name}' names no device; write it as ssh://user@host or ssh://user@host:port")
        self._user, self._port = matched["user"], matched["port"]
        self._host = matched["host"].strip("[]")
        self._link = contextlib.ExitStack()

    def __enter__(self) -> SshDevice:
        with contextlib.ExitStack() as link:
            self._socket = link.enter_context(_private_folder()) / "link"
            super().__enter__()
            self._link = link.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._link:
            super().__exit__(kind, problem, trace)

    def _way(self, words: Sequence[str], first: bool) -> list[str]:
        return [
            "ssh",
            *("-M" if first else "-oControlMaster=no", "-S", str(self._socket)),
            *(f"-o{option}={value}" for option, value in _OPTIONS.items()),
            *(("-l", self._user) if self._user else ()),
            *(("-p", self._port) if self._port else ()),
            *("--", self._host),
            # The user's login shell, whichever it is, makes way at once.
            f"exec {shlex.join(words)}",
        ]

    def _refusal(self, complaint: str) -> DeviceError:
        meaning = meaning_of(complaint, _REFUSALS)
        if meaning is None:
            return super()._refusal(complaint)
        place = _OLD_KEY.search(complaint)
        login = f"{self._user}@{self._host}" if self._user else self._host
        meaning = meaning.format(
            place=place[1] if place else "~/.ssh/known_hosts", login=f"-p {self._port} {login}" if self._port else login
        )
        return DeviceError(f"{self.name} cannot be used: {meaning}")


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    """A folder of ours alone for the connection's socket, whose path may have no more than about 90 characters.

    One that a killed process left is removed on the way.
    """
    place = Path("/tmp") / f"edge-ocr-{os.getuid()}"
    sweep(place)
    folder = sibling(place)
    try:
        folder.mkdir(mode=0o700)
    except OSError as problem:
        raise DeviceError(
            f"no folder for the connection's socket can be made in {place.parent}: {problem.strerror}; make room there"
        ) from problem
    try:
        with held(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
