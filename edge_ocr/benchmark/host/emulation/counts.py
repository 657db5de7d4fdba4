"""What the plugin counted: instructions by account and address, and the kernels that they belong to."""

from __future__ import annotations

import bisect
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from edge_ocr.benchmark.host.tools import run_tool
from edge_ocr.benchmark.result import Kernel
from edge_ocr.errors import BenchmarkError

REST = (1 << 64) - 1
"""Account of what followed the last mark."""

REFERENCE_KERNELS = re.compile(r"\breference(_integer)?_ops\b")
"""Kernels of TensorFlow Lite that are written to be read, not to be fast; see its `kernels/internal/reference`."""

HOT = 0.005
"""Share of the instructions from which on a kernel counts as a hot spot."""

_BEGINNING = b"COUNTS1\n"

Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Blocks:
    """What was executed under one account.

    Attributes:
        addresses: (n,) uint64, of translated blocks of the guest; one may occur more than once.
        instructions: (n,) uint64, executed in each.
    """

    addresses: Numbers
    instructions: Numbers

    @property
    def total(self) -> int:
        """All instructions of the account."""
        return int(self.instructions.sum())


def together(accounts: Iterable[Blocks]) -> Blocks:
    """What was executed under several accounts, at least one."""
    parts = list(accounts)
    return Blocks(
        np.concatenate([part.addresses for part in parts]), np.concatenate([part.instructions for part in parts])
    )


def read_counts(path: Path) -> dict[int, Blocks]:
    """Account -> what was booked under it, from a file that the plugin wrote; see plugin.c for its format.

    Raises:
        BenchmarkError: the file is missing, is something else, or is not whole.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise BenchmarkError(f"the counts {path} cannot be read: {problem.strerror}; count again") from problem
    if not content.startswith(_BEGINNING):
        raise BenchmarkError(f"{path} holds no counts of instructions; count again")
    numbers = np.frombuffer(content, np.uint64, len(content) // 8)[1:]
    records: dict[int, list[Numbers]] = {}
    place, account = 0, None
    while place + 2 <= len(numbers) and account != REST:
        account, blocks = int(numbers[place]), int(numbers[place + 1])
        record = numbers[place + 2 : place + 2 + 2 * blocks]
        records.setdefault(account, []).append(record)
        place += 2 + 2 * blocks
    if account != REST or 8 * (place + 1) != len(content):
        raise BenchmarkError(
            f"the counts in {path} are not whole: the emulated program was killed, or there was no room; count again"
        )
    merged = {account: np.concatenate(parts).reshape(-1, 2) for account, parts in records.items()}
    return {account: Blocks(pairs[:, 0], pairs[:, 1]) for account, pairs in merged.items()}


class MappedFile(NamedTuple):
    """A piece of a file in the memory of a program: from one address up to another, from an offset in the file on."""

    start: int
    end: int
    offset: int
    path: str


def read_maps(text: str) -> list[MappedFile]:
    """The files in the memory of a program, by address, from the text of its /proc/self/maps (proc(5)).

    Raises:
        BenchmarkError: it is no such text.
    """
    pieces = []
    for line in text.splitlines():
        fields = line.split(maxsplit=5)
        try:
            start, end = (int(address, 16) for address in fields[0].split("-"))
            offset = int(fields[2], 16)
        except (ValueError, IndexError) as problem:
            raise BenchmarkError(f"'{line[:80]}' is no line of /proc/self/maps; count again") from problem
        if len(fields) == 6 and fields[5].startswith("/"):
            pieces.append(MappedFile(start, end, offset, fields[5]))
    return sorted(pieces)


def kernels_of(blocks: Blocks, maps: Sequence[MappedFile]) -> Counter[str]:
    """Function -> instructions executed in it.

    Where a library does not name a function, as those of stripped ones, the library stands for it.

    Args:
        blocks: of one account.
        maps: of the program; the files must still be there.

    Raises:
        BenchmarkError: nm, of GNU binutils, is missing or cannot read a library.
    """
    bases: dict[str, int] = {}
    for piece in maps:
        if piece.offset == 0:
            bases.setdefault(piece.path, piece.start)
    starts = [piece.start for piece in maps]
    found: Counter[str] = Counter()
    for address, instructions in zip(blocks.addresses.tolist(), blocks.instructions.tolist(), strict=True):
        place = bisect.bisect_right(starts, address) - 1
        if place < 0 or address >= maps[place].end:
            found["outside of any file"] += instructions
            continue
        path = maps[place].path
        symbols = _symbols_of(path)
        function = symbols.at(address - (bases.get(path, 0) if symbols.relocated else 0))
        found[function or os.path.basename(path)] += instructions
    return found


def hottest(kernels: Counter[str], count: int = 10) -> tuple[Kernel, ...]:
    """The kernels that took most of the instructions, the hottest first, with their share."""
    total = kernels.total()
    return tuple(Kernel(name, instructions / total) for name, instructions in kernels.most_common(count))


def hot_reference_kernels(kernels: Counter[str]) -> tuple[Kernel, ...]:
    """Reference kernels with a share of at least `HOT`: a model should have none."""
    return tuple(
        kernel
        for kernel in hottest(kernels, len(kernels))
        if kernel.share >= HOT and REFERENCE_KERNELS.search(kernel.name)
    )


@dataclass(frozen=True)
class _Symbols:
    """The functions of a program or library, by address.

    Attributes:
        relocated: whether addresses count from where it was loaded, as in all but old programs.
        starts: of each function, ascending.
        ends: behind each; 0 where it is not known.
        names: of each.
    """

    relocated: bool
    starts: Sequence[int]
    ends: Sequence[int]
    names: Sequence[str]

    def at(self, address: int) -> str | None:
        """Name of the function at an address, where one is known."""
        place = bisect.bisect_right(self.starts, address) - 1
        if place < 0 or (self.ends[place] and address >= self.ends[place]):
            return None
        return self.names[place]


_LINE_OF_NM = re.compile(r"([0-9a-f]{16}) (?:([0-9a-f]{16}) )?[tTwWiu] ([^$].*)")
"""Address, size where it is known, and name of a function. Names with a dollar mark code and data on ARM."""

_SHARED = 3
"""Type of an ELF file that can be loaded anywhere, ET_DYN."""


@cache
def _symbols_of(path: str) -> _Symbols:
    functions: dict[int, tuple[int, str]] = {}
    for table in ((), ("--dynamic",)):
        for line in run_tool("nm", "--demangle", "--print-size", "--defined-only", *table, path).splitlines():
            if parts := _LINE_OF_NM.fullmatch(line):
                start, size = int(parts[1], 16), int(parts[2] or "0", 16)
                functions.setdefault(start, (start + size if size else 0, kernel_name(parts[3])))
        if functions:
            break
    with open(path, "rb") as stream:
        kind = int.from_bytes(stream.read(18)[16:], "little")
    starts = sorted(functions)
    return _Symbols(
        kind == _SHARED, starts, [functions[start][0] for start in starts], [functions[start][1] for start in starts]
    )


def kernel_name(symbol: str) -> str:
    """A demangled symbol without return type, parameters, what is local to it, and version.

    `void tflite::reference_ops::Add<int>(int const*)::{lambda(int)#1}` is `tflite::reference_ops::Add<int>`.
    """
    symbol = symbol.replace("(anonymous namespace)::", "").partition("@")[0]
    depth, begin = 0, 0
    for place, character in enumerate(symbol):
        if character in "<>":
            depth += 1 if character == "<" else -1
        elif depth == 0 and character == "(":
            return symbol[begin:place] or symbol
        elif depth == 0 and character == " " and not symbol[:place].endswith("operator"):
            begin = place + 1
    return symbol
