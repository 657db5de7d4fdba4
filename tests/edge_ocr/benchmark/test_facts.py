"""What a device is, told by trees of real boards; see `trees`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edge_ocr.benchmark.facts import Cluster, DeviceFacts, describe, read_facts, read_health
from edge_ocr.benchmark.facts.jetson import parse_sample
from edge_ocr.benchmark.records import from_plain, to_plain
from tests.edge_ocr.benchmark.trees import BOARDS, alone, plant, stub

Planted = Callable[[str], Path]

DESCRIPTIONS = {
    "jetson-nano": (
        "NVIDIA Jetson Nano Developer Kit, TEGRA210, 2 x Cortex-A57 at 1.48 GHz, aarch64, 4.2 GB, governor schedutil, "
        "power mode 5W, Ubuntu 18.04.6 LTS, L4T 32.7.1"
    ),
    "jetson-orin-nano": (
        "NVIDIA Jetson Orin Nano Developer Kit, TEGRA234, 6 x Cortex-A78AE at 1.51 GHz (asimddp), aarch64, 8.0 GB, "
        "governor schedutil, power mode 15W, Ubuntu 22.04.5 LTS, L4T 36.4.3"
    ),
    "raspberry-pi-3": (
        "Raspberry Pi 3 Model B Rev 1.2, BCM2837, 4 x Cortex-A53 at 1.2 GHz, aarch64, 952 MB, governor ondemand, "
        "Debian GNU/Linux 12 (bookworm)"
    ),
    "raspberry-pi-4": (
        "Raspberry Pi 4 Model B Rev 1.5, BCM2711, 4 x Cortex-A72 at 1.8 GHz, aarch64, 4.0 GB, governor ondemand, "
        "Debian GNU/Linux 12 (bookworm)"
    ),
    "raspberry-pi-5": (
        "Raspberry Pi 5 Model B Rev 1.0, BCM2712, 4 x Cortex-A76 at 2.4 GHz (asimddp), aarch64, 8.5 GB, "
        "governor performance, Debian GNU/Linux 13 (trixie)"
    ),
    "raspberry-pi-zero-2-w": (
        "Raspberry Pi Zero 2 W Rev 1.0, BCM2837, 4 x Cortex-A53 at 1 GHz, aarch64, 446 MB, governor ondemand, "
        "Raspbian GNU/Linux 12 (bookworm)"
    ),
    "snapdragon-855": (
        "realme RMX2086, SM8150, 4 x Kryo 4xx Silver at 1.79 GHz + 3 x Kryo 4xx Gold at 2.42 GHz + "
        "1 x Kryo 4xx Gold at 2.96 GHz (asimddp), aarch64, 8.0 GB, governor schedutil, Android 12"
    ),
    "x86-laptop": (
        "LENOVO 20XXS3HC00, 8 x 11th Gen Intel(R) Core(TM) i7-1165G7 at 4.7 GHz (avx2, avx512_vnni), aarch64, 16.5 GB, "
        "governor powersave, Debian GNU/Linux 12 (bookworm)"
    ),
}
"""Board -> the line that describes it, all but the Python, which like the machine is of the process that asks."""


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planted:
    """Plants a board's tree, with its programs alone on PATH; the process seems to run on 64-bit ARM."""
    alone(tmp_path / "bin", monkeypatch)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    return lambda board: plant(board, tmp_path)


def test_every_board_has_its_description() -> None:
    assert sorted(DESCRIPTIONS) == list(BOARDS)


@pytest.mark.parametrize("board", BOARDS)
def test_a_board_is_described(board: str, planted: Planted) -> None:
    description, _, python = describe(read_facts(planted(board))).rpartition(", ")
    assert description == DESCRIPTIONS[board]
    assert python.startswith("Python 3.")


@pytest.mark.parametrize("board", BOARDS)
def test_facts_and_health_are_plain_values_and_come_back_from_them(board: str, planted: Planted) -> None:
    root = planted(board)
    facts, health = read_facts(root), read_health(root)
    assert from_plain(type(facts), to_plain(facts)) == facts
    assert from_plain(type(health), to_plain(health)) == health


def test_a_phone_has_clusters_that_differ(planted: Planted) -> None:
    facts = read_facts(planted("snapdragon-855"))
    assert facts.clusters == (
        Cluster(4, "Kryo 4xx Silver", 1786),
        Cluster(3, "Kryo 4xx Gold", 2419),
        Cluster(1, "Kryo 4xx Gold", 2957),
    )
    assert facts.features == ("asimd", "fphp", "asimdhp", "asimddp")


def test_an_old_phone_is_known_by_the_code_name_of_its_chip(planted: Planted, tmp_path: Path) -> None:
    root = planted("snapdragon-855")
    stub(tmp_path / "bin", "getprop", '[ "$1" = ro.board.platform ] && echo msmnile')
    facts = read_facts(root)
    assert (facts.board, facts.soc, facts.system) == (None, "msmnile", None)


def test_old_kernels_state_once_what_all_cores_share(planted: Planted) -> None:
    root = planted("raspberry-pi-3")
    # Worded as in github.com/hrw/arm-socs-table/issues/138.
    (root / "proc/cpuinfo").write_text(
        "Processor : AArch64 Processor rev 4 (aarch64)\nprocessor : 0\nprocessor : 1\n"
        "Features : fp asimd crc32\nCPU implementer : 0x41\nCPU part : 0xd03\n"
    )
    facts = read_facts(root)
    assert facts.clusters == (Cluster(2, "Cortex-A53", 1200),)
    assert facts.features == ("asimd",)


def test_a_core_of_unknown_design_is_known_by_its_numbers(planted: Planted) -> None:
    root = planted("raspberry-pi-3")
    (root / "proc/cpuinfo").write_text("processor: 0\nCPU implementer: 0x61\nCPU part: 0x022\n")
    assert read_facts(root).clusters == (Cluster(1, "CPU 0x61/0x022", 1200),)


def test_a_container_on_a_raspberry_pi_still_names_the_board(planted: Planted) -> None:
    root = planted("raspberry-pi-5")
    shutil.rmtree(root / "proc/device-tree")
    facts = read_facts(root)
    assert facts.board == "Raspberry Pi 5 Model B Rev 1.0"
    assert facts.soc is None  # /proc/cpuinfo names BCM2835, which is another chip


@pytest.mark.parametrize(("status", "mode"), [("pmode:0001\n", "5W"), ("pmode:0000", "MAXN"), ("pmode:0007", None)])
def test_without_nvpmodel_its_files_tell_the_power_mode(
    status: str, mode: str | None, planted: Planted, tmp_path: Path
) -> None:
    root = planted("jetson-nano")
    (tmp_path / "bin/nvpmodel").unlink()
    (root / "var/lib/nvpmodel/status").write_text(status)
    assert read_facts(root).power_mode == mode


def test_jetson_clocks_holds_the_lowest_frequency_at_the_highest(planted: Planted) -> None:
    root = planted("jetson-orin-nano")
    assert read_facts(root).jetson_clocks is False
    for core in root.glob("sys/devices/system/cpu/cpu*/cpufreq"):
        (core / "scaling_min_freq").write_text("1510400\n")
    assert "jetson_clocks on" in describe(read_facts(root))


@pytest.mark.parametrize(
    ("row", "temperatures", "power"),
    [
        (  # JetPack 6, an Orin Nano
            "RAM 3423/7620MB (lfb 78x4MB) SWAP 0/3810MB (cached 0MB) CPU [2%@729,off] GR3D_FREQ 0% cpu@45.531C "
            "soc2@44.781C tj@46.468C soc1@46C cv0@-256C VDD_IN 3311mW/3290mW VDD_SOC 1008mW/1008mW",
            {"cpu": 45.531, "soc2": 44.781, "tj": 46.468, "soc1": 46.0},
            {"VDD_IN": 3311, "VDD_SOC": 1008},
        ),
        (  # JetPack 4.6.1, a Nano
            "RAM 1923/3964MB (lfb 2x2MB) SWAP 191/1982MB (cached 6MB) IRAM 0/252kB(lfb 252kB) CPU [5%@1224,4%@1224] "
            "EMC_FREQ 0%@1600 APE 25 PLL@37C CPU@40C PMIC@50C thermal@40C POM_5V_IN 1750/1628 POM_5V_CPU 366/406",
            {"PLL": 37.0, "CPU": 40.0, "thermal": 40.0},
            {"POM_5V_IN": 1750, "POM_5V_CPU": 366},
        ),
        ("tegrastats: permission denied", {}, {}),
    ],
)
def test_tegrastats_is_read_in_its_old_and_its_new_form(
    row: str, temperatures: dict[str, float], power: dict[str, int]
) -> None:
    sample = parse_sample(row)
    assert (sample.temperatures, sample.power_mw) == (temperatures, power)


def test_nothing_is_known_of_a_container_that_shows_nothing(tmp_path: Path) -> None:
    facts = read_facts(tmp_path)
    known = {"machine": facts.machine, "bits": facts.bits, "python": facts.python, "versions": facts.versions}
    unknown = DeviceFacts(
        board=None,
        soc=None,
        clusters=(),
        features=(),
        governor=None,
        memory_bytes=None,
        system=None,
        kernel=None,
        power_mode=None,
        jetson_clocks=None,
        **known,
    )
    assert facts == unknown
    assert describe(facts) == f"{facts.machine}, Python {facts.python}"


def test_32_bits_are_told() -> None:
    assert describe(replace(read_facts(), bits=32)).endswith(" of 32 bits")


def test_versions_are_of_what_the_process_has_imported() -> None:
    import numpy

    assert read_facts().versions["numpy"] == numpy.__version__


HOSTILE = {
    "binary rubbish": lambda path: path.write_bytes(bytes(range(256)) * 99),
    "no end": lambda path: path.symlink_to("/dev/zero"),
    "a FIFO that nobody writes to": os.mkfifo,
    "a folder": Path.mkdir,
    "a huge file": lambda path: (path.touch(), os.truncate(path, 1 << 40)),
    "a huge number": lambda path: path.write_text("9" * 5000),
    "a link to itself": lambda path: path.symlink_to(path),
    "nan": lambda path: path.write_text("nan nan nan nan nan nan nan nan nan nan\n"),
    "an endless name": lambda path: path.write_text("Raspberry Pi " * 9999),
    "a name that drives the terminal": lambda path: path.write_text("Raspberry Pi \x1b[2J"),
}
"""What a tree may hold in the place of a file, and how it is made."""


@pytest.mark.parametrize("rubbish", HOSTILE)
@pytest.mark.parametrize("board", ["raspberry-pi-zero-2-w", "jetson-orin-nano", "snapdragon-855"])
def test_a_hostile_tree_tells_nothing_and_does_no_harm(board: str, rubbish: str, planted: Planted) -> None:
    root = planted(board)
    for path in [path for path in root.rglob("*") if path.is_file()]:
        path.unlink()
        HOSTILE[rubbish](path)
    facts, health = read_facts(root), read_health(root)
    assert describe(facts).isprintable()
    assert len(describe(facts)) < 300
    assert facts.clusters == () and facts.memory_bytes is None and facts.system in (None, "Android 12")
    assert health.clocks == () and health.processor_time is None and health.load is None
    assert from_plain(type(health), to_plain(health)) == health


@pytest.mark.parametrize("program", ["exec sleep 60", "while :; do printf 'throttled=0x5'; done", "exit 3", "kill $$"])
def test_a_program_that_hangs_or_floods_or_fails_is_ended(
    program: str, planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_ocr.benchmark.facts.commands._SECONDS", 0.2)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.defpath}")
    for board, names in (("raspberry-pi-3", ["vcgencmd"]), ("jetson-nano", ["nvpmodel", "tegrastats"])):
        root = plant(board, tmp_path / board)
        for name in names:
            stub(tmp_path / "bin", name, program)
        assert read_facts(root).kernel
        assert read_health(root).load
