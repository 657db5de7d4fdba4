"""The real adbd, twice: as on an Android phone, with Android's shell and tools and nothing else; and on this system.

adbd listens on every address and asks for no key, so that it runs in a network of its own, and an adb server and its
clients with it. adbd, and for the phone mksh and toybox, are Debian's builds for this machine. Nobody needs to be root
where users may make namespaces.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from edge_ocr.benchmark.host.debian import debian_root
from edge_ocr.errors import BenchmarkError
from tests.conftest import skip
from tests.edge_ocr.benchmark.emulated_board import CPU, REGISTER, emulator

_PORT = 7555
"""Outside those at which an adb server looks for emulators."""
ADDRESS = f"127.0.0.1:{_PORT}"
"""Of a device, for whoever is in its network."""
STORAGE = "/data/local/tmp"
"""The one folder of the phone that can be written to; a file system of its own."""

PROPERTIES = {
    "ro.product.manufacturer": "Xiaomi",
    "ro.product.model": "MI 9",
    "ro.board.platform": "msmnile",
    "ro.build.version.release": "11",
    "ro.build.version.sdk": "30",
}
"""What the phone says of itself, as one with a Snapdragon 855 does."""

_SERVER_PORT = "7037"
_ADBD = "usr/lib/android-sdk/platform-tools/adbd"

_BOARD = f"""\
set -eu
root=$1 folder=$2
ip link set lo up
adb -P {_SERVER_PORT} start-server
: >"$folder/started"
libraries=$(echo "$root"/usr/lib/*-linux-gnu)
export ADBD_PORT={_PORT}
exec "$libraries"/ld-linux-*.so.* --library-path "$libraries:$libraries/android" "$root/{_ADBD}"
"""

_PHONE = f"""\
set -eu
root=$1 folder=$2 qemu=$3
ip link set lo up
if [ -n "$qemu" ]; then
{REGISTER}
fi
mount -t tmpfs phone "$folder/root"
cd "$folder/root"
mkdir -p usr system/bin .{STORAGE} dev/pts proc sys
mount --bind "$root/usr" usr
mount -t tmpfs storage .{STORAGE}
mount -t proc proc proc
mount --rbind /sys sys
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for device in null zero urandom; do : >dev/$device; mount --bind /dev/$device dev/$device; done
ln -s usr/lib lib
ln -s usr/lib64 lib64
ln -s system/bin bin
for tool in $(chroot . /usr/bin/toybox); do ln -s /usr/bin/toybox "system/bin/$tool"; done
ln -s /usr/bin/mksh system/bin/sh
cp "$folder/getprop" system/bin/
mount -o remount,ro "$folder/root"
adb -P {_SERVER_PORT} start-server
: >"$folder/started"
chroot . /system/bin/env -i PATH=/system/bin TMPDIR={STORAGE} QEMU_CPU={CPU} ADBD_PORT={_PORT} "/{_ADBD}"
"""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PACKAGES = ("adbd", "mksh", "toybox")

_PROGRAMS = {"adb": "adb", "ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "chroot": "coreutils"}
"""What is needed here: program -> Debian package."""

_NETWORK = ("unshare", "--map-root-user", "--net")
_EVERYTHING = (*_NETWORK, "--mount", "--pid", "--fork", "--kill-child")


class Adbd:
    """A device that is on, and connected to its adb.

    Attributes:
        bin: folder to begin PATH with: its `adb` is the real one, in the network of the device.
        name: of the device, for `open_device`.
    """

    name = f"adb:{ADDRESS}"

    def __init__(self, process: int, namespaces: tuple[str, ...], folder: Path) -> None:
        """
        Args:
            process: of the device.
            namespaces: that it does not share with this process.
            folder: for the files of adb.
        """
        self._enter = ["nsenter", "-t", str(process), "--preserve-credentials", *namespaces]
        self._folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        settings = [f"HOME={folder}", f"ANDROID_ADB_SERVER_PORT={_SERVER_PORT}", f"PATH={os.environ['PATH']}"]
        words = [*self._enter, "env", *settings, "adb"]
        (self.bin / "adb").write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        (self.bin / "adb").chmod(0o755)

    def adb(self, *arguments: str) -> str:
        """What adb prints."""
        command = [str(self.bin / "adb"), *arguments]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout

    def shell(self, command: str) -> str:
        """What a command on the device prints."""
        return self.adb("-s", ADDRESS, "shell", command)

    def remount(self, options: str) -> None:
        """Change the storage of a phone: `size=1m` makes it that small, `ro` read only."""
        subprocess.run([*self._enter, "mount", "-o", f"remount,{options}", f"{self._folder}/root{STORAGE}"], check=True)

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let `adb` be the one that knows this device."""
        monkeypatch.setenv("PATH", f"{self.bin}:{os.environ['PATH']}")


@contextmanager
def board(folder: Path) -> Iterator[Adbd]:
    """This system as a device: its files and programs, and adbd.

    Args:
        folder: an empty one to work in.
    """
    with _booted(_NETWORK, _BOARD, _root(_here()), folder) as process:
        device = Adbd(process.pid, ("--user", "--net"), folder)
        try:
            _connect(device)
            yield device
        finally:
            device.adb("kill-server")


@contextmanager
def phone(folder: Path, *, emulated: bool = False) -> Iterator[Adbd]:
    """A device laid out as an Android phone.

    Args:
        folder: an empty one to work in.
        emulated: whether it is one for arm64, all of it emulated but its kernel; else it is for this machine.
    """
    (folder / "root").mkdir()
    cases = "".join(f"{name}) echo {shlex.quote(value)};;\n" for name, value in PROPERTIES.items())
    getprop = folder / "getprop"
    getprop.write_text(f'#!/system/bin/sh\ncase "$1" in\n{cases}*) echo;;\nesac\n')
    getprop.chmod(0o755)
    root, qemu = (_root("arm64"), str(emulator())) if emulated else (_root(_here()), "")
    with _booted(_EVERYTHING, _PHONE, root, folder, qemu) as process:
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        device = Adbd(int(child), ("--user", "--net", "--pid", "--mount"), folder)
        _connect(device)
        yield device


def _here() -> str:
    """This machine, as Debian calls it."""
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def _root(architecture: str) -> Path:
    """What of Debian a device here is made of; skips the test where there can be none."""
    for program, package in _PROGRAMS.items():
        if shutil.which(program) is None:
            skip("adb", f"there is no {program} here; install the package {package}")
    tried = subprocess.run([*_EVERYTHING, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    if tried.returncode:
        skip("adb", f"this user may not make namespaces ({tried.stderr.decode().strip()}); run the tests as root")
    try:
        return debian_root(_PACKAGES, architecture, note=print)
    except BenchmarkError as problem:
        skip("network", str(problem))
        raise


@contextmanager
def _booted(
    namespaces: Sequence[str], script: str, root: Path, folder: Path, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run what a device consists of, from when its adb server runs; none of its processes is left afterwards."""
    with (folder / "log").open("wb") as log, _unreachable_from_outside():
        boot = subprocess.Popen(
            [*namespaces, "sh", "-c", script, "sh", root, folder, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "HOME": str(folder)},
            start_new_session=True,
        )
        try:
            for _ in _moments():
                if (folder / "started").exists():
                    break
                if boot.poll() is not None:
                    pytest.fail(f"the device does not start: {(folder / 'log').read_text()}")
            yield boot
        finally:
            with suppress(ProcessLookupError):
                os.killpg(boot.pid, signal.SIGKILL)
            boot.wait()


@contextmanager
def _unreachable_from_outside() -> Iterator[None]:
    """Hold the port on which adbd would listen to the host of a virtual machine, for which there are no namespaces."""
    with ExitStack() as stack:
        with suppress(OSError):  # this is no virtual machine, or a test beside this one holds it
            held = stack.enter_context(socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM))
            held.bind((socket.VMADDR_CID_ANY, _PORT))
        yield


def _connect(device: Adbd) -> None:
    said = ""
    for _ in _moments():
        said = device.adb("connect", ADDRESS)
        if "connected to" in said:
            return
    pytest.fail(f"adbd does not start: {said}")


def _moments() -> Iterator[None]:
    """Half a minute of them."""
    for _ in range(600):
        yield
        time.sleep(0.05)
