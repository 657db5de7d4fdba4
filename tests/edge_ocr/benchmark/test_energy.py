"""Meters on made-up trees, with the values that the kernel's documents give their units for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_ocr.benchmark.energy import find_meter

Tree = Callable[[dict[str, object]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Writes files, of path -> content, and tells where their root is."""

    def write(files: dict[str, object]) -> Path:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"{content}\n")
        return tmp_path

    return write


def hwmon(number: int, name: str, **files: object) -> dict[str, object]:
    return {f"sys/class/hwmon/hwmon{number}/{key}": value for key, value in {"name": name, **files}.items()}


ORIN_NANO = hwmon(0, "cpu_thermal") | hwmon(
    1,
    "ina3221",
    **{"in1_label": "VDD_IN", "in1_input": 5000, "curr1_input": 1200},
    **{"in2_label": "VDD_CPU_GPU_CV", "in2_input": 5000, "curr2_input": 400},
    **{"in3_label": "VDD_SOC", "in3_input": 5000, "curr3_input": 300},
)
NANO = {
    f"sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/{name}": value
    for name, value in {
        **{"rail_name_0": "POM_5V_IN", "in_power0_input": 2500},
        **{"rail_name_1": "POM_5V_GPU", "in_power1_input": 100},
    }.items()
}
RAPL = {
    f"sys/class/powercap/{zone}/{key}": value
    for zone, values in {
        "intel-rapl:0": {"name": "package-0", "energy_uj": 5_000_000, "max_energy_range_uj": 9_999_999},
        "intel-rapl:0:0": {"name": "core", "energy_uj": 1_000_000, "max_energy_range_uj": 9_999_999},
        "intel-rapl:1": {"name": "package-1", "energy_uj": 1_000_000, "max_energy_range_uj": 9_999_999},
    }.items()
    for key, value in values.items()
}
BATTERY = {
    f"sys/class/power_supply/battery/{key}": value
    for key, value in {
        **{"type": "Battery", "status": "Discharging"},
        **{"voltage_now": 4_000_000, "current_now": -500_000},  # a Pixel's current is negative while it is discharged
    }.items()
}


@pytest.mark.parametrize(
    ("files", "rail", "watts"),
    [
        (ORIN_NANO, "VDD_IN (ina3221)", 6.0),
        (NANO, "POM_5V_IN (ina3221x)", 2.5),
        (hwmon(3, "ina226", power1_input=3_100_000), "ina226", 3.1),
        (hwmon(3, "ina219", power1_input=900_000, label="5V supply"), "5V supply (ina219)", 0.9),
        (BATTERY, "battery battery", 2.0),
        (BATTERY | {"sys/class/power_supply/battery/power_now": 1_500_000}, "battery battery", 1.5),
        (BATTERY | RAPL | ORIN_NANO, "VDD_IN (ina3221)", 6.0),
    ],
    ids=["Orin Nano", "Nano", "INA226", "INA219", "phone", "laptop", "the board's input goes first"],
)
def test_power_becomes_energy(tree: Tree, files: dict[str, object], rail: str, watts: float) -> None:
    meter = find_meter(tree(files))
    assert meter is not None
    assert meter.rail == rail
    begin = time.perf_counter()
    joules = meter.joules(lambda: time.sleep(0.05))
    assert joules is not None
    assert watts * 0.05 <= joules <= watts * (time.perf_counter() - begin)


def test_power_is_averaged_over_the_work(tree: Tree) -> None:
    root = tree(ORIN_NANO)
    meter = find_meter(root)
    assert meter is not None

    def work() -> None:
        time.sleep(0.3)
        tree({"sys/class/hwmon/hwmon1/curr1_input": 0})
        time.sleep(0.3)

    joules = meter.joules(work)
    assert joules is not None
    assert 0.2 < joules / (6.0 * 0.6) < 0.8


def test_counters_of_all_packages_are_added_and_may_turn_over(tree: Tree) -> None:
    meter = find_meter(tree(BATTERY | RAPL))
    assert meter is not None
    assert meter.rail == "processor package (rapl)"

    def work() -> None:
        tree(
            {
                "sys/class/powercap/intel-rapl:0/energy_uj": 1_000_000,  # 5 J to the end of the range, and 1 more
                "sys/class/powercap/intel-rapl:1/energy_uj": 1_500_000,
                "sys/class/powercap/intel-rapl:0:0/energy_uj": 9_000_000,  # within package-0: not counted again
            }
        )

    assert meter.joules(work) == 6.5


@pytest.mark.parametrize(
    "files",
    [
        {},
        hwmon(0, "k10temp", temp1_input=40_000),
        ORIN_NANO | {"sys/class/hwmon/hwmon1/in1_label": "VDD_GPU"},
        ORIN_NANO | {"sys/class/hwmon/hwmon1/curr1_input": "No data available"},
        RAPL | {"sys/class/powercap/intel-rapl:0/energy_uj": ""},
        BATTERY | {"sys/class/power_supply/battery/status": "Charging"},
        {"sys/class/power_supply/ac/type": "Mains"},
    ],
    ids=["nothing", "no power", "rails of parts only", "a dead channel", "an empty counter", "charging", "mains"],
)
def test_nothing_is_metered_that_cannot_be_told(tree: Tree, files: dict[str, object]) -> None:
    assert find_meter(tree(files)) is None


@pytest.mark.parametrize("files", [ORIN_NANO, RAPL], ids=["power", "counters"])
def test_a_meter_that_falls_silent_tells_nothing(tree: Tree, files: dict[str, object]) -> None:
    root = tree(files)
    meter = find_meter(root)
    assert meter is not None
    for name in ("sys/class/hwmon/hwmon1/curr1_input", "sys/class/powercap/intel-rapl:1/energy_uj"):
        (root / name).unlink(missing_ok=True)
    assert meter.joules(lambda: None) is None
