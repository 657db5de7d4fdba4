"""Programs for 64-bit ARM, run on this machine by QEMU's user mode emulation, with their instructions counted."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_ocr.benchmark.host.debian import debian_root, packages_of
from edge_ocr.benchmark.host.devices.base import PYTHON, Finished, took_too_long
from edge_ocr.benchmark.host.devices.processes import watch
from edge_ocr.benchmark.host.emulation.cpus import CPU, CPUS
from edge_ocr.benchmark.host.tools import run_tool
from edge_ocr.benchmark.host.wheels import site_for
from edge_ocr.cache import cache_directory, digest_of, run_stage
from edge_ocr.errors import DeviceError

GUEST_PYTHON = (3, 13)
"""Of Debian trixie."""

_GUEST_PACKAGES = ("base-files", "python3.13", "libstdc++6")
_QEMU_SUITE = "bookworm"
"""It has QEMU 7.2, the last of Debian's that is linked dynamically, without which there are no plugins."""
_QEMU_LIBRARIES = "usr/lib/x86_64-linux-gnu"

_SYSTEM_FOLDERS = ("etc", "usr", "var")
"""What programs see of the emulated system. All others, such as /tmp and /home, are this machine's."""

_RECIPE = 1
"""Counts how the roots of CPUs are made, so that those made otherwise are not used again."""

_FOLDER = Path(__file__).parent
_PLUGIN_SOURCE = _FOLDER / "plugin.c"
_COMPILATION = ("-std=c11", "-Wall", "-Wextra", "-O2", "-fPIC", "-fvisibility=hidden", "-shared", "-nostdlib")


def pinned_requirements() -> tuple[str, ...]:
    """The wheels of the emulated Python, by exact version, as pip takes them."""
    lines = (_FOLDER / "requirements.txt").read_text().splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def cpu_named(name: str) -> CPU:
    """The CPU of a name; DeviceError where there is none."""
    if name not in CPUS:
        raise DeviceError(f"no CPU '{name}' can be emulated; choose one of {', '.join(CPUS)}")
    return CPUS[name]


@dataclass(frozen=True)
class Emulator:
    """An ARM system of folders, ready to run programs; its folders are shared and kept in the cache.

    Attributes:
        qemu: root of the emulator, for this machine.
        root: of the emulated system.
        site: wheels of the emulated Python.
    """

    qemu: Path
    root: Path
    site: Path

    @classmethod
    def prepare(
        cls, note: Callable[[str], None], *, packages: Sequence[str] = (), requirements: Sequence[str] = ()
    ) -> Emulator:
        """Fetch, or find in the cache, all that is needed. Nothing is installed, and nobody need be root.

        Args:
            note: told, in a line each, what takes a while.
            packages: Debian packages that the system should have besides Python.
            requirements: wheels that its Python should have besides `pinned_requirements`, as pip takes them.

        Raises:
            DeviceError: this machine is not of the kind that the emulator is fetched for.
            BenchmarkError: something cannot be fetched; see `debian_root` and `site_for`.
            CacheError: the cache folder cannot be written.
        """
        if sys.platform != "linux" or platform.machine() != "x86_64":
            raise DeviceError(
                f"ARM is emulated on x86-64 Linux only, and this is {platform.system()} on {platform.machine()}; "
                "use another machine"
            )
        qemu = debian_root(["qemu-user"], "amd64", suite=_QEMU_SUITE, note=note)
        root = debian_root([*_GUEST_PACKAGES, *packages], "arm64", note=note)
        site = site_for([*pinned_requirements(), *requirements], python=GUEST_PYTHON, note=note)
        return cls(qemu, root, site)

    def versions(self) -> dict[str, str]:
        """What the counts depend on and this side alone knows: the emulator's version and the C library's."""
        return {"qemu": packages_of(self.qemu)["qemu-user"], "libc6": packages_of(self.root)["libc6"]}

    def run(
        self,
        cpu: CPU,
        arguments: Sequence[str],
        folder: Path,
        *,
        counts: Path | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float,
        on_line: Callable[[str], None] = lambda line: None,
    ) -> Finished:
        """Run an ARM program until it ends.

        It sees this machine's files, but those of the root and of `cpu.files()` in their places first. It cannot start
        other ARM programs.

        Args:
            cpu: to emulate.
            arguments: a program of the root by name, or `PYTHON`, or a program's path; and its arguments.
            folder: where it runs.
            counts: file for its counted instructions, to be read by `counts.read_counts`.
            environment: its variables besides those that make it repeatable.
            timeout: seconds after which it is killed.
            on_line: called with each line of its standard error when it arrives.

        Raises:
            DeviceError: there is no such program, or it took longer than `timeout`.
            BenchmarkError: the plugin that counts cannot be compiled.
        """
        command = self._command(cpu)
        if counts is not None:
            plugin, file = (str(path).replace(",", ",,") for path in (compiled_plugin(), counts))
            command += ["-plugin", f"{plugin},counts={file}"]
        variables = {**self._environment(), "HOME": str(folder), **(environment or {})}
        try:
            return watch(
                [*command, str(self._program(arguments[0], folder)), *arguments[1:]],
                timeout=timeout, on_line=on_line, folder=folder, environment=variables,
            )  # fmt: skip
        except subprocess.TimeoutExpired as problem:
            raise took_too_long(f"qemu:{cpu.name}", arguments, timeout) from problem

    def launcher(self, cpu: CPU) -> Path:
        """A shell script that starts the emulated Python, as `run` does, in the current folder."""
        variables = (f"{name}={value}" for name, value in self._environment().items())
        words = ["env", "-i", *variables, *self._command(cpu), str(self._python)]
        script = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'

        def make(folder: Path) -> None:
            (folder / "python3").write_text(script)
            (folder / "python3").chmod(0o755)

        return run_stage("launchers", digest_of(script), make) / "python3"

    @property
    def _python(self) -> Path:
        return self.root / "usr/bin" / ("python" + ".".join(map(str, GUEST_PYTHON)))

    def _program(self, name: str, folder: Path) -> Path:
        if name == PYTHON:
            return self._python
        path = folder / name if "/" in name else self.root / "usr/bin" / name
        if not path.is_file() or not os.access(path, os.X_OK):
            raise DeviceError(f"the emulated system has no program '{name}'; name the Debian package that brings it")
        return path

    def _command(self, cpu: CPU) -> list[str]:
        """The emulator, to be followed by a program for it."""
        libraries = self.qemu / _QEMU_LIBRARIES
        # By its own loader, as its libraries are not this machine's.
        return [
            str(libraries / "ld-linux-x86-64.so.2"), "--library-path", str(libraries),
            str(self.qemu / "usr/bin/qemu-aarch64"), "-cpu", cpu.model, "-L", str(self._root_of(cpu)),
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return {
            "LANG": "C.UTF-8",
            "PATH": "/usr/bin",
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": str(self.site),
            "OMP_NUM_THREADS": "1",
        }

    def _root_of(self, cpu: CPU) -> Path:
        """The root with the files of a CPU. Its others are hard links: a program would follow other links out of it."""
        files = cpu.files()

        def make(root: Path) -> None:
            for folder in _SYSTEM_FOLDERS:
                shutil.copytree(self.root / folder, root / folder, symlinks=True, copy_function=os.link)
            for link in self.root.iterdir():
                if link.is_symlink():
                    (root / link.name).symlink_to(link.readlink())
            for name, content in files.items():
                file = root / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content)

        return run_stage("cpus", digest_of(_RECIPE, self.root.name, files), make)


def compiled_plugin() -> Path:
    """The plugin that counts instructions, compiled at its first use.

    Raises:
        BenchmarkError: there is no C compiler, or it fails; what it says is kept in a file that the sentence names.
        CacheError: the cache folder cannot be written.
    """
    name = "libcounts.so"

    def make(folder: Path) -> None:
        log = cache_directory() / "logs" / "plugin.log"
        run_tool("cc", *_COMPILATION, str(_PLUGIN_SOURCE), "-o", str(folder / name), log=log)

    return run_stage("plugins", digest_of(_COMPILATION, _PLUGIN_SOURCE), make) / name
