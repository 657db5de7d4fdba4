"""The device that is an emulated ARM CPU: this machine, but for a Python that believes to run on a board."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge_ocr.benchmark.host.devices.shell import ShellDevice
from edge_ocr.benchmark.host.emulation.emulator import GUEST_PYTHON, Emulator, cpu_named


class QemuDevice(ShellDevice):
    """`qemu:CPU`. Only `PYTHON` is emulated; shell, tools and working folder are this machine's."""

    emulated = True

    def __init__(self, name: str, note: Callable[[str], None]) -> None:
        """DeviceError where the name holds none of the CPUs; `note` is told what takes a while."""
        super().__init__(name, pythons=[])
        self._cpu = cpu_named(name.removeprefix("qemu:"))
        self._note = note

    def __enter__(self) -> QemuDevice:
        """Fetch the emulator at its first use, and make the working folder."""
        launcher = Emulator.prepare(self._note).launcher(self._cpu)
        super().__enter__()
        # Known without being asked, which would take as long as all the rest.
        self.machine, self.python, self._python = "aarch64", GUEST_PYTHON, (str(launcher),)
        return self

    def _way(self, words: Sequence[str], first: bool) -> list[str]:
        return list(words)
