"""The plugin's counts and the kernels that they belong to, without an emulator."""

from __future__ import annotations

import ctypes
import re
import struct
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from edge_ocr.benchmark.host.emulation.counts import (
    REST,
    Blocks,
    hot_reference_kernels,
    hottest,
    kernel_name,
    kernels_of,
    read_counts,
    read_maps,
    together,
)
from edge_ocr.errors import BenchmarkError
from tests.conftest import skip

LIBRARY = r"""
int fast(void) __asm__("xnn_fast_ukernel");
int slow(void) __asm__("_ZN6tflite13reference_ops3AddIiEEvPKi");
static int hidden(void) { return 3; }
int fast(void) { return 1; }
int slow(void) { return 2; }
int (*address_of_hidden(void))(void) { return hidden; }
"""


def counts(*records: tuple[int, list[tuple[int, int]]]) -> bytes:
    """Content of a file of counts: account, and address and instructions of each block."""
    numbers = [number for account, blocks in records for number in (account, len(blocks), *sum(blocks, ()))]
    return b"COUNTS1\n" + struct.pack(f"={len(numbers)}Q", *numbers)


def blocks(*pairs: tuple[int, int]) -> Blocks:
    numbers = np.array(pairs, np.uint64).reshape(-1, 2)
    return Blocks(numbers[:, 0], numbers[:, 1])


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """A library with a fast kernel, a reference kernel and a function without a public name, in this process."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "kernels.c").write_text(LIBRARY)
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "libkernels.so", folder / "kernels.c"], check=True)
    except FileNotFoundError:
        skip("emulation", "there is no C compiler here")
    return ctypes.CDLL(str(folder / "libkernels.so"))


def address(function: object) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]


def test_records_of_one_account_are_added_up(tmp_path: Path) -> None:
    file = tmp_path / "counts"
    file.write_bytes(counts((7, [(100, 5), (200, 6)]), (3, []), (7, [(100, 1)]), (REST, [(300, 9)])))
    read = read_counts(file)
    assert {account: each.total for account, each in read.items()} == {7: 12, 3: 0, REST: 9}
    assert read[7].addresses.tolist() == [100, 200, 100]
    assert together([read[7], read[REST]]).total == 21


@pytest.mark.parametrize("length", [0, 7, 8, 16, 20, 24, 40, 55, 64])
def test_counts_that_break_off_are_refused(tmp_path: Path, length: int) -> None:
    whole = counts((1, [(100, 5), (200, 6)]), (REST, []))
    assert len(whole) == 72
    file = tmp_path / "counts"
    file.write_bytes(whole[:length])
    with pytest.raises(BenchmarkError, match=r"(no counts of instructions|are not whole: .*); count again"):
        read_counts(file)


@pytest.mark.parametrize(
    "content",
    [
        counts((1, [(100, 5)])),
        counts((REST, []), (1, [])),
        counts((REST, [])) + b"more",
        counts((1, [])) + struct.pack("=QQ", 2, 1 << 62),
        b"ELF",
    ],
)
def test_counts_of_another_shape_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "counts"
    file.write_bytes(content)
    with pytest.raises(BenchmarkError, match="count again"):
        read_counts(file)


def test_no_counts(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"counts cannot be read: No such file or directory; count again"):
        read_counts(tmp_path / "counts")


def test_kernels_by_the_addresses_of_a_loaded_library(library: ctypes.CDLL) -> None:
    slow = library._ZN6tflite13reference_ops3AddIiEEvPKi
    library.address_of_hidden.restype = ctypes.c_void_p
    executed = blocks(
        (address(library.xnn_fast_ukernel), 900),
        (address(slow), 40),
        (address(slow) + 1, 20),
        (library.address_of_hidden(), 30),
        (16, 10),
    )
    found = kernels_of(executed, read_maps(Path("/proc/self/maps").read_text()))
    assert found == {
        "xnn_fast_ukernel": 900,
        "tflite::reference_ops::Add<int>": 60,
        "hidden": 30,
        "outside of any file": 10,
    }
    assert hottest(found, 2) == hottest(found)[:2]
    assert [(kernel.name, kernel.share) for kernel in hottest(found, 1)] == [("xnn_fast_ukernel", 0.9)]
    assert [(kernel.name, kernel.share) for kernel in hot_reference_kernels(found)] == [
        ("tflite::reference_ops::Add<int>", 0.06)
    ]


def test_a_stripped_library_stands_for_its_functions(library: ctypes.CDLL, tmp_path: Path) -> None:
    stripped = tmp_path / "libstripped.so"
    subprocess.run(["strip", "-o", stripped, library._name], check=True)
    loaded = ctypes.CDLL(str(stripped))
    loaded.address_of_hidden.restype = ctypes.c_void_p
    executed = blocks((address(loaded.xnn_fast_ukernel), 2), (loaded.address_of_hidden(), 1))
    found = kernels_of(executed, read_maps(Path("/proc/self/maps").read_text()))
    assert found == {"xnn_fast_ukernel": 2, "libstripped.so": 1}


def test_a_file_that_is_gone_or_no_library(tmp_path: Path) -> None:
    file = tmp_path / "library.so"
    maps = read_maps(f"1000-2000 r-xp 00000000 fe:00 1 {file}\n")
    with pytest.raises(BenchmarkError, match=r"nm says '.*No such file'"):
        kernels_of(blocks((0x1800, 1)), maps)
    file.write_text("no library")
    with pytest.raises(BenchmarkError, match=r"nm says '.*file format not recognized'"):
        kernels_of(blocks((0x1800, 1)), maps)


def test_maps_name_files_only() -> None:
    text = (
        "5500000000-5500001000 ---p 00000000 00:00 0 \n"
        "7f0000002000-7f0000003000 r-xp 00001000 fe:00 12     /usr/lib/with space.so\n"
        "7f0000000000-7f0000002000 r--p 00000000 fe:00 12     /usr/lib/with space.so\n"
        "7fff00000000-7fff00001000 rw-p 00000000 00:00 0      [stack]\n"
    )
    assert read_maps(text) == [
        (0x7F0000000000, 0x7F0000002000, 0, "/usr/lib/with space.so"),
        (0x7F0000002000, 0x7F0000003000, 0x1000, "/usr/lib/with space.so"),
    ]


@pytest.mark.parametrize("text", ["nonsense", "1000 r-xp 0", "x-y r-xp 0 0 0", "\n"])
def test_maps_of_another_shape_are_refused(text: str) -> None:
    with pytest.raises(BenchmarkError, match=r"is no line of /proc/self/maps; count again"):
        read_maps(text)


@pytest.mark.parametrize(
    "symbol, name",
    [
        ("xnn_f32_gemm_minmax_ukernel_4x8__neon", "xnn_f32_gemm_minmax_ukernel_4x8__neon"),
        ("void tflite::reference_ops::Add<int>(int const*, int)", "tflite::reference_ops::Add<int>"),
        ("tflite::(anonymous namespace)::Eval(int)::{lambda(int)#1}::operator()(int) const", "tflite::Eval"),
        ("operator new(unsigned long)", "operator new"),
        ("__libc_free@@GLIBC_2.17", "__libc_free"),
        ("std::vector<int, std::allocator<int> > f<void (*)(int)>(long)", "f<void (*)(int)>"),
    ],
)
def test_names_of_kernels(symbol: str, name: str) -> None:
    assert kernel_name(symbol) == name


@pytest.mark.parametrize(
    "name, hot",
    [
        ("tflite::reference_integer_ops::Mul", True),
        ("tflite::reference_ops::BatchMatMul<signed char>", True),
        ("tflite::optimized_ops::Mul", False),
        ("xnn_reference_opsy", False),
    ],
)
def test_reference_kernels(name: str, hot: bool) -> None:
    assert bool(hot_reference_kernels(Counter({name: 5, "other": 995}))) is hot
    assert not hot_reference_kernels(Counter({name: 4, "other": 996}))


def test_no_instructions_have_no_hot_spots() -> None:
    assert hottest(kernels_of(blocks(), [])) == ()
    assert not re.search("reference", str(hot_reference_kernels(Counter())))
