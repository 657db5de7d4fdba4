"""Devices reached by the user's own adb: Android phones and tablets, and other systems on which adbd runs.

Android gives everybody who may use adb the folder /data/local/tmp, from which programs may be started, a POSIX shell
(mksh) and the usual tools (toybox). When this side vanishes, adbd sends SIGHUP to the shell that it started and closes
its standard input, which the caretaker of `ShellDevice` notices.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Sequence
from types import TracebackType

from edge_ocr.benchmark.host.devices.base import Finished
from edge_ocr.benchmark.host.devices.processes import watch
from edge_ocr.benchmark.host.devices.shell import ShellDevice, last_line, meaning_of
from edge_ocr.errors import DeviceError

_SERIAL = re.compile(r"(?!-)[ -~]*")
_ADDRESS = re.compile(r".+:[0-9]+")

_PATIENCE = 30.0
"""Seconds that adb may take to start its server, to connect over the network, or to list what it sees."""

_READY = "device"
"""What adb calls the state of a device that can be used."""

_STATES = {
    "unauthorized": "has not allowed this computer yet; unlock it, accept the key that its dialog shows, and try again",
    "authorizing": "is only now asked whether it allows this computer; try again",
    "connecting": "is only now connected; try again",
    "offline": "is connected but does not answer; plug it in again, or run: adb reconnect offline",
    "no permissions": "may not be opened by this user; install udev rules for Android devices (on Debian the package "
    "android-sdk-platform-tools-common) and plug it in again",
}
"""State in the list of `adb devices`, or how it begins -> what that means, and what to do."""

_REFUSALS = {
    "support PTY args": "its system is older than Android 7 and tells no exit status; use a newer one",
    "No space left on device": "its storage is full; make room in /data/local/tmp there",
    "Read-only file system": "no folder there can be written to; make /data/local/tmp writable there",
}
"""What adb or the shell there says -> what that means, and what to do; the first that fits counts."""


class AdbDevice(ShellDevice):
    """A device by its serial number, as `adb devices` lists it, or by its address in the network.

    Its name is with the serial number once it has been entered, also where the user left that out.
    """

    def __init__(self, name: str, note: Callable[[str], None]) -> None:
        """
        Args:
            name: `adb:SERIAL`; `adb:HOST:PORT`, connected to for as long as it is used, unless adb has it already; or
                `adb:` for the device in $ANDROID_SERIAL, else the only one.
            note: told, in a line, what takes a while.

        Raises:
            DeviceError: `name` is of another form.
        """
        super().__init__(name)
        self._note = note
        self._serial = name.removeprefix("adb:") or os.environ.get("ANDROID_SERIAL", "")
        self._connected = False
        if not _SERIAL.fullmatch(self._serial):
            raise DeviceError(f"'{name}' names no device; write it as adb:SERIAL, as `adb devices` shows it")

    def __enter__(self) -> AdbDevice:
        try:
            self._choose()
            super().__enter__()
        except BaseException:
            self._disconnect()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, problem, trace)
        finally:
            self._disconnect()

    def _way(self, words: Sequence[str], first: bool) -> list[str]:
        # mksh would fork instead of making way, and the process that adbd knows would not be the one that matters.
        return ["adb", "-s", self._serial, "shell", "-T", f"exec {shlex.join(words)}"]

    def _refusal(self, complaint: str) -> DeviceError:
        meaning = meaning_of(complaint, _REFUSALS)
        if meaning is None:
            return super()._refusal(complaint)
        return DeviceError(f"{self.name} cannot be used: {meaning}")

    def _choose(self) -> None:
        """Settle which device is meant, connect to it if need be, and see that it can be used."""
        seen = self._seen()
        if _ADDRESS.fullmatch(self._serial) and self._serial not in seen:
            self._connect()
            seen = self._seen()
        if not seen:
            raise DeviceError(
                f"{self.name}: adb sees no device; switch on USB debugging in the developer options of the device and "
                "plug it in, or name its address in the network as adb:HOST:PORT"
            )
        known = ", ".join(f"adb:{serial}" for serial in seen)
        if not self._serial:
            if len(seen) > 1:
                raise DeviceError(f"{self.name} could be any of {known}; name one of these")
            (self._serial,) = seen
        if self._serial not in seen:
            raise DeviceError(f"adb sees no device '{self._serial}'; what it sees is {known}")
        self.name = f"adb:{self._serial}"
        state = seen[self._serial]
        if state != _READY:
            raise DeviceError(f"{self.name} {_meaning(state)}")

    def _seen(self) -> dict[str, str]:
        """The devices that adb knows of: serial -> state."""
        listed = self._adb("devices")
        if listed.status != 0:
            raise DeviceError(
                f"adb devices fails ({last_line(listed.complaint)}); run: adb kill-server && adb start-server"
            )
        lines = (line.partition("\t") for line in listed.output.decode("utf-8", "replace").splitlines())
        return {serial: state.strip() for serial, tab, state in lines if tab}

    def _connect(self) -> None:
        self._note(f"connecting to {self._serial}")
        connecting = self._adb("connect", self._serial)
        answer = connecting.output.decode("utf-8", "replace") + connecting.complaint
        # Not every adb tells by its exit status. Where only the key is missing, the state of the device says so.
        if "connected to" not in answer and "authenticate" not in answer:
            raise DeviceError(
                f"{self.name} cannot be reached: {last_line(answer)}; see that it is switched on, in this network, and "
                "has wireless debugging or adbd on that port"
            )
        self._connected = True

    def _disconnect(self) -> None:
        if self._connected:
            self._connected = False
            self._adb("disconnect", self._serial)  # fails where the link is gone already

    def _adb(self, *arguments: str) -> Finished:
        """Run adb here, and see how it ends."""
        try:
            return watch(["adb", *arguments], timeout=_PATIENCE)
        except FileNotFoundError as problem:
            raise DeviceError(
                f"{self.name} needs the program adb; install it (on Debian the package adb), or put the folder "
                "platform-tools of Android's SDK on PATH"
            ) from problem
        except subprocess.TimeoutExpired as problem:
            raise DeviceError(f"adb has not answered for {_PATIENCE:g} seconds; run: adb kill-server") from problem


def _meaning(state: str) -> str:
    """What is wrong with a device in a state, and what to do."""
    meaning = next((meaning for beginning, meaning in _STATES.items() if state.startswith(beginning)), None)
    return meaning or f"is in state '{state}' and runs no programs; start its system"
