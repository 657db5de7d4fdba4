"""A Python to take along to devices that have none, such as Android phones: Debian's, with the C library that it needs.

Nothing of it is installed there. Debian's own dynamic loader starts it from where it lies, so that the C library of the
device, as Android's bionic, is never asked. What it needs of the device is a Linux kernel of at least 3.2, a shell, and
a folder that programs may be started from. On an Android phone of flesh and blood this has not been measured.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge_ocr.benchmark.host.debian import debian_root
from edge_ocr.benchmark.host.devices.base import Device, Finished
from edge_ocr.benchmark.host.devices.shell import last_line
from edge_ocr.errors import DeviceError

VERSION = (3, 13)
"""Of the Python of Debian trixie."""
_VERSION = ".".join(map(str, VERSION))

_ARCHITECTURES = {"aarch64": "arm64", "x86_64": "amd64"}
"""Machine in the words of `uname -m` -> what Debian calls it."""

_PACKAGES = ("python3.13-minimal", "libpython3.13-stdlib", "libstdc++6")

_HOME = "python"
"""Folder in the working folder of a device."""

_STARTER = f"{_HOME}/python3"

_SETTINGS = "sitecustomize.py"
"""A module that Debian keeps in /etc, where the link to it leads."""

_PATIENCE = 60.0
"""Seconds in which the slowest device does something small."""

_SCRIPT = """\
#!{shell}
# The loader passes the name of this script on as that of the program, so that sys.executable starts as this does.
home=$(cd "${{0%/*}}" && pwd) || exit
unset LD_LIBRARY_PATH LD_PRELOAD
PYTHONHOME=$home exec "$home/lib/{loader}" --inhibit-cache --library-path "$home/lib" --argv0 "$home/${{0##*/}}" \\
    "$home/bin/python{version}" "$@"
"""


def push_python(device: Device, note: Callable[[str], None]) -> tuple[str, ...]:
    """Put a Python of `VERSION` into the working folder of a device, and see that it starts there.

    It has its standard library and no packages. The C++ library that wheels expect is with it.

    Args:
        device: that has been entered; its machine is aarch64 or x86_64.
        note: told, in a line each, what takes a while.

    Returns:
        The words that start it in the working folder.

    Raises:
        DeviceError: the device has no room, or Python does not start there.
        BenchmarkError: the packages cannot be fetched.
    """
    root = debian_root(_PACKAGES, _ARCHITECTURES[device.machine], note=note)
    note(f"sending a Python {_VERSION} to {device.name}")
    shell = _done(device, "sh", "-c", "command -v sh").output.decode().strip()
    device.push(_files(root, shell))
    _done(device, "chmod", "+x", _STARTER)
    _done(device, _STARTER, "-c", "pass")
    return (_STARTER,)


def _files(root: Path, shell: str) -> dict[str, Path | bytes]:
    """What a device needs of a Debian root, as `Device.push` takes it."""
    usr = root.resolve() / "usr"
    (folder,) = (usr / "lib").glob("*-linux-gnu")
    (loader,) = folder.glob("ld-linux-*.so.*")
    # Programs ask for libfoo.so.1, a link to libfoo.so.1.2 or so. Links are followed on the way: one name is enough.
    meant = {file.resolve() for file in folder.iterdir() if file.is_symlink()}
    libraries = [file for file in folder.iterdir() if file.is_file() and file not in meant]
    modules = [entry for entry in (usr / f"lib/python{_VERSION}").iterdir() if entry.name != _SETTINGS]
    return {
        **{f"{_HOME}/lib/{library.name}": library for library in libraries},
        **{f"{_HOME}/lib/python{_VERSION}/{module.name}": module for module in modules},
        f"{_HOME}/bin/python{_VERSION}": usr / f"bin/python{_VERSION}",
        _STARTER: _SCRIPT.format(shell=shell, loader=loader.name, version=_VERSION).encode(),
    }


def _done(device: Device, *words: str) -> Finished:
    """Run a program there that must not fail."""
    finished = device.run(words, timeout=_PATIENCE, on_line=lambda line: None)
    if finished.status != 0:
        raise DeviceError(
            f"{device.name} has no Python that can be used, and cannot use the one sent there either: {words[0]} says "
            f"'{last_line(finished.complaint)}' (status {finished.status}); install python3 there"
        )
    return finished
