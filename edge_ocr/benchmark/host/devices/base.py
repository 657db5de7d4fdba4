"""What a benchmark asks of the device that it runs on, wherever that is: files there, a program run, an answer back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Protocol

from edge_ocr.errors import DeviceError

PYTHON = "PYTHON"
"""As the first argument of `Device.run`: the Python of the device."""

OLDEST_PYTHON = (3, 10)
"""The oldest Python that edge_ocr runs on."""


@dataclass(frozen=True)
class Finished:
    """How a program on a device ended.

    Args:
        status: exit status, 0 to 255; that of a program which a signal ended is minus the signal's number.
        output: all that it wrote to standard output.
        complaint: all that it wrote to standard error, decoded as UTF-8.
    """

    status: int
    output: bytes
    complaint: str


class Device(Protocol):
    """A place where a program can be run, and a fresh folder there to work in.

    A context manager: entering opens the link and makes the working folder; leaving ends what still runs there,
    removes the folder and closes the link, whatever happened in between. `machine` and `python` are known inside.

    Whatever goes wrong with the device itself, such as a link that is lost, is a DeviceError that names the device.
    """

    name: str
    """As the user gave it; once entered, with what was left to the device."""
    emulated: bool
    """Whether its processor is emulated, so that the time something takes there means nothing."""
    machine: str
    """The processor's architecture in the words of `uname -m`, such as aarch64."""
    python: tuple[int, int] | None
    """Version of the Python there that `PYTHON` stands for; None where there is none of at least OLDEST_PYTHON."""

    def __enter__(self) -> Device:
        """Open the link and make the working folder."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what still runs there, remove the working folder and close the link."""
        ...

    def push(self, files: Mapping[str, Path | bytes]) -> None:
        """Put files into the working folder.

        Args:
            files: name in the working folder (see `checked_name`) -> content: bytes, a file, or a whole folder, which
                may exist there already and is then added to. Executable files stay executable; links are followed.

        Raises:
            DeviceError: the device has no room for them, or refuses to write.
        """
        ...

    def run(self, arguments: Sequence[str], *, timeout: float, on_line: Callable[[str], None]) -> Finished:
        """Run a program in the working folder, with nothing to read, and wait until it ends.

        Args:
            arguments: the program, by name or by path from the working folder, and its arguments; no shell sees them.
                `PYTHON` as the first stands for the device's Python.
                A program that cannot be started ends with status 126 or 127, as shells count it.
            timeout: seconds after which the program is killed.
            on_line: called with each line of standard error, without its end, when it arrives; in the calling thread.

        Raises:
            DeviceError: the program took longer than `timeout`, or the link was lost; the program runs no more,
                or, where the link is gone, ends as soon as the device notices. Or the device has no Python.
        """
        ...

    def pull(self, name: str) -> bytes:
        """The content of a file in the working folder.

        Raises:
            DeviceError: there is no such file, or it cannot be read.
        """
        ...


def checked_name(name: str) -> str:
    """`name`, once it is certain that it stays in the working folder: relative, POSIX, no `..`, no NUL.

    Raises:
        ValueError: it does not; names are ours, so that this is a fault of the caller and not of the device.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise ValueError(f"{name!r} is no name in the working folder of a device")
    return str(path)


def took_too_long(device: str, arguments: Sequence[str], timeout: float) -> DeviceError:
    """The error of `Device.run` for a program that was killed after `timeout` seconds."""
    words = " ".join(arguments[:3]).partition("\n")[0]  # of a program given as text its first line will do
    return DeviceError(
        f"{device}: {words} had not ended after {timeout:g} seconds and was killed; see what else keeps the device "
        "busy, or ask for less"
    )


def without_python(device: str, found: Sequence[str]) -> DeviceError:
    """The error of `Device.run` for `PYTHON` where the device has none but perhaps those found, which are too old."""
    wanted = ".".join(map(str, OLDEST_PYTHON))
    but = f" ({', '.join(found)})" if found else ""
    return DeviceError(f"{device} has no Python of at least {wanted}{but}; install a newer system or python3 there")
