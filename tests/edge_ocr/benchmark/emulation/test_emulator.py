"""Programs on emulated CPUs, and instructions counted to the last one."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from edge_ocr.benchmark.host.devices import open_device
from edge_ocr.benchmark.host.devices.base import PYTHON
from edge_ocr.benchmark.host.emulation.__main__ import main
from edge_ocr.benchmark.host.emulation.counts import REST, read_counts
from edge_ocr.benchmark.host.emulation.cpus import CPU, CPUS
from edge_ocr.benchmark.host.emulation.emulator import Emulator, compiled_plugin, pinned_requirements
from edge_ocr.errors import BenchmarkError, DeviceError
from tests.edge_ocr.benchmark.emulation.arm_program import EXECUTED, program

AUXILIARY_VECTOR = """
import ctypes, os
library = ctypes.CDLL(None)
library.getauxval.restype = ctypes.c_ulong
print(hex(library.getauxval(16)), hex(library.getauxval(26)), os.sysconf("SC_NPROCESSORS_ONLN"))
print(open("/proc/cpuinfo").read())
"""
"""Prints AT_HWCAP and AT_HWCAP2, how many cores are online, and what else Linux says of them."""

HWCAP = """
fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc dcpop sha3 sm3 sm4
asimddp sha512 sve asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg
"""
HWCAP2 = """
dcpodp sve2 sveaes svepmull svebitperm svesha3 svesm4 flagm2 frint svei8mm svef32mm svef64mm svebf16 i8mm bf16 dgh
rng bti mte
"""
"""Names of the bits, the lowest first, from Linux' arch/arm64/include/uapi/asm/hwcap.h."""


def test_every_instruction_is_counted(emulator: Emulator, tmp_path: Path) -> None:
    file, folder = tmp_path / "program", tmp_path / "with, comma"
    file.write_bytes(program())
    file.chmod(0o755)
    folder.mkdir()
    finished = emulator.run(CPUS["cortex-a53"], [str(file)], tmp_path, counts=folder / "counts", timeout=60)
    assert (finished.status, finished.complaint) == (0, "")
    booked = read_counts(folder / "counts")
    assert tuple(booked[account].total for account in (1, 2, REST)) == EXECUTED


@pytest.mark.parametrize("cpu", CPUS.values(), ids=CPUS)
def test_linux_describes_each_cpu_as_qemu_has_it(emulator: Emulator, tmp_path: Path, cpu: CPU) -> None:
    finished = emulator.run(cpu, [PYTHON, "-I", "-S", "-c", AUXILIARY_VECTOR], tmp_path, timeout=120)
    bits, *cpuinfo = finished.output.decode().splitlines()
    first, second, cores = bits.split()
    features = [
        name
        for names, word in ((HWCAP, first), (HWCAP2, second))
        for place, name in enumerate(names.split())
        if int(word, 16) >> place & 1
    ]
    described = [line.partition(": ")[2].split() for line in cpuinfo if line.startswith("Features")]
    assert described == [features] * cpu.cores
    assert int(cores) == cpu.cores


def test_the_counts_of_a_killed_program_are_refused(emulator: Emulator, tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    with pytest.raises(DeviceError, match=r"qemu:cortex-a53: PYTHON .* had not ended after 3 seconds"):
        emulator.run(CPUS["cortex-a53"], [PYTHON, "-c", "while True: pass"], tmp_path, counts=counts, timeout=3)
    with pytest.raises(BenchmarkError, match=r"are not whole|holds no counts"):
        read_counts(counts)


def test_status_output_and_the_working_folder(emulator: Emulator, tmp_path: Path) -> None:
    heard: list[str] = []
    script = "import os, sys; print(os.getcwd(), os.environ['WORD']); print('said', file=sys.stderr); sys.exit(7)"
    finished = emulator.run(
        CPUS["cortex-a72"], [PYTHON, "-c", script], tmp_path, environment={"WORD": "文"}, timeout=60,
        on_line=heard.append,
    )  # fmt: skip
    assert (finished.status, finished.output.decode()) == (7, f"{tmp_path} 文\n")
    assert heard == ["said"]


def test_a_program_that_is_not_there(emulator: Emulator, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no program 'tesseract'; name the Debian package"):
        emulator.run(CPUS["cortex-a72"], ["tesseract"], tmp_path, timeout=60)


def test_an_unknown_cpu() -> None:
    with pytest.raises(DeviceError, match=r"no CPU 'cortex-a99' can be emulated; choose one of cortex-a53, .*, i8mm"):
        open_device("qemu:cortex-a99", print)


def test_another_kind_of_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(DeviceError, match=r"on x86-64 Linux only, and this is Linux on riscv64; use another machine"):
        Emulator.prepare(print)


def test_a_compiler_that_fails_is_quoted_and_its_words_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    compiler = tmp_path / "bin" / "cc"
    compiler.write_text(
        "#!/bin/sh\necho 'In file included' >&2\necho 'x.c:1: error: no such type' >&2\necho more >&2\nexit 1"
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(compiler.parent), prepend=":")
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    with pytest.raises(BenchmarkError) as problem:
        compiled_plugin()
    log = tmp_path / "cache" / "logs" / "plugin.log"
    assert str(problem.value) == f"cc says 'x.c:1: error: no such type'; all of it is in {log}"
    assert log.read_text() == "In file included\nx.c:1: error: no such type\nmore\n"


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    with pytest.raises(
        BenchmarkError, match=r"^cc cannot be run \(No such file or directory\); install the package gcc$"
    ):
        compiled_plugin()


def test_wheels_are_pinned() -> None:
    assert all(requirement.count("==") == 1 for requirement in pinned_requirements())


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        ([], "there is nothing to count; name a bundle, or a model as detector.tflite@640x640\n"),
        (["m.tflite@48x320", "--cpu=pentium"], "no CPU 'pentium' can be emulated; choose one of "),
        (["nowhere"], "there is no bundle 'nowhere'"),
    ],
)
def test_the_command_refuses_in_one_sentence(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert complaint in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)
