"""How much memory a process has held. The standard library alone: the sides' own processes ask this, too."""

from __future__ import annotations

from pathlib import Path


def peak_memory_of(process: int | str) -> int:
    """The most memory that a running process has held since it began its program, in bytes.

    Not from getrusage or wait4: there Linux counts in what the parent held when it started the process.

    Args:
        process: its number, or "self".

    Raises:
        OSError: it has ended.
        ValueError: it is ending and holds nothing any more.
    """
    rows = Path(f"/proc/{process}/status").read_text().splitlines()
    (kibibytes,) = (row.split()[1] for row in rows if row.startswith("VmHWM:"))
    return int(kibibytes) * 1024
