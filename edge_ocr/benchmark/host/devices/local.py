"""The device that is this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from edge_ocr.benchmark.host.devices.shell import ShellDevice


class LocalDevice(ShellDevice):
    """This machine, with the Python that runs this."""

    def __init__(self, name: str) -> None:
        super().__init__(name, pythons=[sys.executable])

    def _way(self, words: Sequence[str], first: bool) -> list[str]:
        return list(words)
