"""A program for 64-bit ARM whose instructions can be counted by hand."""

from __future__ import annotations

import struct

ROUNDS = 1000

_ADDRESS = 0x400000
_HEADERS = 64 + 56  # of the file (Elf64_Ehdr) and of its one segment (Elf64_Phdr); the code follows


def _load(register: int, value: int) -> int:
    """MOVZ Xregister, #value."""
    return 0xD2800000 | value << 5 | register


_CALL = 0xD4000001  # SVC #0: system call X8 with X0, its first argument
_COUNT_DOWN = 0xF1000421  # SUBS X1, X1, #1
_REPEAT = 0x54FFFFE1  # B.NE, one instruction back

CODE = (
    *(_load(8, 7777), _load(0, 1), _CALL),
    *(_load(1, ROUNDS), _COUNT_DOWN, _REPEAT, _load(0, 2), _CALL),
    *(_load(8, 94), _load(0, 0), _CALL),  # exit_group(0)
)

EXECUTED = (3, 1 + 2 * ROUNDS + 2, 3)
"""Instructions up to the mark 1, then up to the mark 2, then up to the end."""


def program() -> bytes:
    """Content of the program, an ELF file (see elf(5))."""
    code = struct.pack(f"<{len(CODE)}I", *CODE)
    size = _HEADERS + len(code)
    executable, aarch64, load, read_and_execute = 2, 183, 1, 5
    file = struct.pack(
        "<4sBBBBQHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 0, executable, aarch64, 1, _ADDRESS + _HEADERS, 64, 0, 0, 64,
        56, 1, 0, 0, 0,
    )  # fmt: skip
    segment = struct.pack("<IIQQQQQQ", load, read_and_execute, 0, _ADDRESS, _ADDRESS, size, size, 0x1000)
    return file + segment + code
