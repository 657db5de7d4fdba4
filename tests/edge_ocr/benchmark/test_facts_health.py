"""How a device fares, told by trees of real boards; see `trees`."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest

from edge_ocr.benchmark.facts import Clock, Health, ProcessorTime, read_health
from tests.edge_ocr.benchmark.trees import alone, plant, stub

FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH: that of the planted board's programs."""
    alone(tmp_path / "bin", monkeypatch)
    return tmp_path / "bin"


def test_a_raspberry_pi_on_a_weak_power_supply(tmp_path: Path) -> None:
    health = read_health(plant("raspberry-pi-zero-2-w", tmp_path))
    assert health.processor_time is not None
    assert health == Health(
        temperatures={"cpu-thermal": 49.926},
        clocks=(Clock(cores=4, max_mhz=1000, limit_mhz=1000, mhz=600, governor="ondemand"),),
        throttled_by=("under-voltage", "throttling"),
        events={"under-voltage": 1, "frequency cap": 0, "throttling": 1, "soft temperature limit": 0},
        load=1.8,
        processor_time=ProcessorTime(total=4260.0, busy=250.0, own=health.processor_time.own),
        memory_available_bytes=180220 * 1024,
        swap_used_bytes=(102396 - 61440) * 1024,
        swapped_bytes=(9120 + 20480) * os.sysconf("SC_PAGE_SIZE"),
        on_battery=None,
        power_mw={},
    )


@pytest.mark.parametrize(
    ("flags", "now", "ever"),
    [
        ("0x0", (), ()),
        ("0x1", ("under-voltage",), ()),
        ("0x2", ("frequency cap",), ()),
        ("0x4", ("throttling",), ()),
        ("0x8", ("soft temperature limit",), ()),
        ("0x50000", (), ("under-voltage", "throttling")),
        ("0xe0008", ("soft temperature limit",), ("frequency cap", "throttling", "soft temperature limit")),
        ("0xF000F", ("under-voltage", "frequency cap", "throttling", "soft temperature limit"), None),
    ],
)
def test_the_bits_of_get_throttled(
    flags: str, now: tuple[str, ...], ever: tuple[str, ...] | None, tmp_path: Path, programs: Path
) -> None:
    root = plant("raspberry-pi-3", tmp_path)
    stub(programs, "vcgencmd", f"echo throttled={flags}")
    health = read_health(root)
    assert health.throttled_by == now
    assert tuple(kind for kind, count in health.events.items() if count) == (now if ever is None else ever)


def test_the_firmware_is_asked_before_the_kernel_which_asks_seldom(tmp_path: Path, programs: Path) -> None:
    root = plant("raspberry-pi-4", tmp_path)
    (root / FIRMWARE).write_text("5\n")
    assert read_health(root).throttled_by == ()
    stub(programs, "vcgencmd", "echo 'VCHI initialization failed'")  # what a user outside the group video is told
    assert read_health(root).throttled_by == ("under-voltage", "throttling")


def test_the_system_s_programs_get_the_system_s_libraries(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = plant("raspberry-pi-3", tmp_path)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/data/local/tmp/libc-of-another")
    stub(programs, "vcgencmd", '[ -z "$LD_LIBRARY_PATH" ] && echo throttled=0x1')
    assert read_health(root).throttled_by == ("under-voltage",)


def test_a_kernel_without_changes_of_its_maker_has_one_alarm(tmp_path: Path) -> None:
    root = plant("raspberry-pi-zero-2-w", tmp_path)
    (root / FIRMWARE).unlink()
    monitor = root / "sys/class/hwmon/hwmon1"
    monitor.mkdir(parents=True)
    (monitor / "name").write_text("rpi_volt\n")
    (monitor / "in0_lcrit_alarm").write_text("1\n")
    health = read_health(root)
    assert (health.throttled_by, health.events) == (("under-voltage",), {})


def test_a_board_without_that_firmware_never_runs_vcgencmd(tmp_path: Path, programs: Path) -> None:
    root = plant("jetson-orin-nano", tmp_path)
    stub(programs, "vcgencmd", "echo throttled=0xf")
    assert read_health(root).throttled_by == ()


def test_a_jetson_tells_its_rails_and_its_over_currents(tmp_path: Path) -> None:
    health = read_health(plant("jetson-orin-nano", tmp_path))
    assert health.power_mw == {"VDD_IN": 4563, "VDD_CPU_GPU_CV": 524, "VDD_SOC": 1373}
    assert health.events == {"under-voltage": 0, "average over-current": 15, "instantaneous over-current": 37}
    assert "cv0-thermal" not in health.temperatures  # powered down
    assert health.temperatures["tj-thermal"] == 48.531


def test_a_jetson_in_a_container_without_zones_has_tegrastats(tmp_path: Path) -> None:
    root = plant("jetson-nano", tmp_path)
    assert "PMIC-Die" not in read_health(root).temperatures  # always 100 degrees
    for zone in root.glob("sys/class/thermal/thermal_zone*/temp"):
        zone.unlink()
    assert read_health(root).temperatures == {"PLL": 37.0, "CPU": 40.0, "GPU": 40.0, "AO": 45.0, "thermal": 40.0}


def test_tegrastats_which_prints_for_ever_is_ended_after_a_line(tmp_path: Path, programs: Path) -> None:
    root = plant("jetson-nano", tmp_path)
    stub(programs, "tegrastats", f"echo $$ > {tmp_path}/pid", "while :; do echo 'CPU@40C VDD_IN 5/4'; done")
    assert read_health(root).power_mw == {"VDD_IN": 5}
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("device", "slows"),
    [
        ("cpufreq-cpu0", True),
        ("thermal-cpufreq-0", True),
        ("cpu-throttle-alert", True),
        ("cpu-balanced", True),
        ("Processor", True),
        ("pwm-fan", False),
        ("devfreq-17000000.gpu", False),
        ("hot-surface-alert", False),
        ("TCC Offset", False),
    ],
)
def test_what_cools_the_cpu_slows_it_and_what_cools_else_does_not(device: str, slows: bool, tmp_path: Path) -> None:
    root = plant("raspberry-pi-5", tmp_path)
    assert read_health(root).throttled_by == ()  # though its fan turns
    cooling = root / "sys/class/thermal/cooling_device7"
    cooling.mkdir()
    (cooling / "type").write_text(f"{device}\n")
    (cooling / "cur_state").write_text("3\n")
    assert read_health(root).throttled_by == (("heat",) if slows else ())


def test_a_zone_without_a_type_goes_by_its_name_if_that_can_be_written(tmp_path: Path) -> None:
    for name in (b"thermal_zone0", b"thermal_zone\xff"):
        zone = tmp_path / "sys/class/thermal" / os.fsdecode(name)
        zone.mkdir(parents=True)
        (zone / "temp").write_text("41000\n")
    assert read_health(tmp_path).temperatures == {"thermal_zone0": 41.0}


def test_a_phone(tmp_path: Path, programs: Path) -> None:
    root = plant("snapdragon-855", tmp_path)
    health = read_health(root)
    assert health.temperatures == {  # those that sleep say -273 and 0 degrees
        "cpu-0-0-usr": 46.3,
        "cpu-1-0-usr": 48.7,
        "cpu-1-0-usr (thermal_zone2)": 49.1,
        "quiet-therm-usr": 33.125,
    }
    assert [(clock.cores, clock.mhz, clock.max_mhz) for clock in health.clocks] == [
        (4, 1786, 1786),
        (3, 1613, 2419),
        (1, 2842, 2957),
    ]
    assert health.throttled_by == ()
    assert health.on_battery is False
    stub(programs, "dumpsys", "echo 'Thermal Status: 2'")
    assert read_health(root).throttled_by == ("moderate thermal throttling",)


def test_root_learns_of_the_hardware_what_the_clock_is(tmp_path: Path) -> None:
    root = plant("raspberry-pi-5", tmp_path)
    for core in root.glob("sys/devices/system/cpu/cpu*/cpufreq"):
        (core / "cpuinfo_cur_freq").write_text("1500000\n")
    assert [clock.mhz for clock in read_health(root).clocks] == [1500]


def test_a_phone_that_hides_its_zones_has_a_thermal_service(tmp_path: Path) -> None:
    root = plant("snapdragon-855", tmp_path)
    for zone in root.glob("sys/class/thermal/thermal_zone*/temp"):
        zone.unlink()
    assert read_health(root).temperatures == {"AP": 25.6, "BAT": 23.8, "CPU0": 36.1}


def test_a_laptop(tmp_path: Path) -> None:
    root = plant("x86-laptop", tmp_path)
    health = read_health(root)
    assert health.on_battery is True
    assert health.events == {"thermal throttling": 5}
    assert "iwlwifi_1" not in health.temperatures
    (root / "sys/class/power_supply/AC/online").write_text("1\n")
    assert read_health(root).on_battery is False


def test_the_battery_of_a_mouse_is_not_the_device_s(tmp_path: Path) -> None:
    root = plant("raspberry-pi-4", tmp_path)
    mouse = root / "sys/class/power_supply/hidpp_battery_0"
    mouse.mkdir(parents=True)
    (mouse / "type").write_text("Battery\n")
    (mouse / "scope").write_text("Device\n")
    assert read_health(root).on_battery is None


def test_a_container_whose_cpu_is_rationed(tmp_path: Path) -> None:
    ration = tmp_path / "sys/fs/cgroup/cpu.stat"
    ration.parent.mkdir(parents=True)
    ration.write_text("usage_usec 81\nnr_periods 9\nnr_throttled 4\nthrottled_usec 7\n")
    assert read_health(tmp_path).events == {"CPU quota used up": 4}


def test_nothing_is_known_of_a_container_that_shows_nothing(tmp_path: Path) -> None:
    empty = {field.name: None for field in dataclasses.fields(Health)}
    collections = dict(temperatures={}, clocks=(), throttled_by=(), events={}, power_mw={})
    assert dataclasses.asdict(read_health(tmp_path)) == {**empty, **collections}


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="only Linux has /proc")
def test_this_process_s_own_work_is_told_from_that_of_others() -> None:
    before = read_health().processor_time
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    after = read_health().processor_time
    assert before is not None and after is not None
    assert 0.15 <= after.own - before.own <= 1.0
    assert after.busy - before.busy >= 0.1
    assert after.total >= after.busy
