"""Energy, where the board measures it.

Looked for in this order: a power sensor on the board's input (the INA3221 of a Jetson, an INA2xx), the energy counters
of an Intel or AMD processor (RAPL), a battery that is being discharged. They meter different things, which is why each
tells its rail: only figures of one rail can be compared. Idle power is always included.

The files are those of the kernel's documents hwmon/ina3221, hwmon/ina2xx, power/powercap/powercap and
ABI/testing/sysfs-class-power (https://docs.kernel.org).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge_ocr.benchmark.facts.files import line, matching, number

SAMPLING_SECONDS = 0.02
"""Between two looks at a power sensor; an INA3221 takes about as long to convert its three channels."""


class Meter(Protocol):
    """Something that tells what energy goes into a device, or into a part of it.

    Attributes:
        rail: what it meters, such as `VDD_IN (ina3221)`.
    """

    @property
    def rail(self) -> str:
        """See above."""
        ...

    def joules(self, work: Callable[[], None]) -> float | None:
        """Energy spent while `work` runs, in joules; None where the meter falls silent."""
        ...


@dataclass(frozen=True)
class Counters:
    """Energy counters; the sum of what they count.

    Attributes:
        rail: see `Meter`.
        counters: of each its file, which holds microjoules, and the number after which it begins at 0 again.
    """

    rail: str
    counters: tuple[tuple[Path, int], ...]

    def joules(self, work: Callable[[], None]) -> float | None:
        """See `Meter.joules`; none of the counters may turn over twice meanwhile, which takes them minutes."""
        before = [number(file) for file, _ in self.counters]
        work()
        spent = 0
        for start, (file, last) in zip(before, self.counters, strict=True):
            end = number(file)
            if start is None or end is None:
                return None
            spent += (end - start) % (last + 1)
        return spent / 1e6


@dataclass(frozen=True)
class PowerSensor:
    """A sensor of power, which is looked at again and again.

    Attributes:
        rail: see `Meter`.
        watts: the power at this moment; None where it cannot be read.
    """

    rail: str
    watts: Callable[[], float | None]

    def joules(self, work: Callable[[], None]) -> float | None:
        """See `Meter.joules`: the mean power, times the time."""
        samples: list[float] = []
        done = threading.Event()

        def look() -> None:
            while True:
                if (watts := self.watts()) is not None:
                    samples.append(watts)
                if done.wait(SAMPLING_SECONDS):
                    return

        watcher = threading.Thread(target=look)
        begin = time.perf_counter()
        watcher.start()
        try:
            work()
        finally:
            seconds = time.perf_counter() - begin
            done.set()
            watcher.join()
        return seconds * sum(samples) / len(samples) if samples else None


def find_meter(root: Path = Path("/")) -> Meter | None:
    """The meter that tells most, of the device whose file system begins at `root`; None where there is none to read."""
    sensor = _board_input([*_ina3221(root), *_ina2xx(root), *_old_jetson(root)])
    return sensor or _processor(root) or _battery(root)


_INPUT = re.compile(r"(VDD|POM_5V)_IN\b")
"""The rail that feeds a whole Jetson, by its label: VDD_IN, and POM_5V_IN of the Nano. An AGX has none."""


def _board_input(sensors: Sequence[PowerSensor]) -> PowerSensor | None:
    """Of the sensors on a board the one on its input: by its label, or because there is no other."""
    labelled = [sensor for sensor in sensors if _INPUT.match(sensor.rail)]
    candidates = labelled or (sensors if len(sensors) == 1 else ())
    return next((sensor for sensor in candidates if sensor.watts() is not None), None)


def _ina3221(root: Path) -> Iterator[PowerSensor]:
    """Its channels, labelled by the board's device tree: millivolts on the bus, milliamperes through the shunt."""
    for folder in _chips(root, r"ina3221"):
        for label in matching(folder, "in[123]_label"):
            channel = label.name[2]
            files = folder / f"in{channel}_input", folder / f"curr{channel}_input"
            yield PowerSensor(f"{line(label)} (ina3221)", _product(*files, unit=1e-6))


def _ina2xx(root: Path) -> Iterator[PowerSensor]:
    """One channel each: microwatts."""
    for folder in _chips(root, r"ina2[0-9]{2}"):
        chip, label = line(folder / "name"), line(folder / "label")
        yield PowerSensor(f"{label} ({chip})" if label else str(chip), _product(folder / "power1_input", unit=1e-6))


def _old_jetson(root: Path) -> Iterator[PowerSensor]:
    """The INA3221 under the kernel 4.9 of JetPack 4, which has it among the IIO devices: milliwatts."""
    for label in matching(root, "sys/bus/i2c/drivers/ina3221x/*/iio:device*/rail_name_[012]"):
        power = label.with_name(f"in_power{label.name[-1]}_input")
        yield PowerSensor(f"{line(label)} (ina3221x)", _product(power, unit=1e-3))


def _chips(root: Path, kind: str) -> Iterator[Path]:
    """The folders of the sensor chips whose name matches."""
    for name in matching(root, "sys/class/hwmon/hwmon*/name"):
        if re.fullmatch(kind, line(name) or ""):
            yield name.parent


def _processor(root: Path) -> Counters | None:
    """RAPL: the packages together; since Linux 5.10 root alone may read them (CVE-2020-8694)."""
    found = []
    for name in matching(root, "sys/class/powercap/intel-rapl:*/name"):
        energy, last = name.with_name("energy_uj"), number(name.with_name("max_energy_range_uj"))
        if (line(name) or "").startswith("package-") and last is not None:
            found.append((energy, last))
    meter = Counters("processor package (rapl)", tuple(found))
    return meter if found and meter.joules(lambda: None) is not None else None


def _battery(root: Path) -> PowerSensor | None:
    """A battery that feeds the device: microwatts, or microvolts and microamperes, of which some tell a sign."""
    for kind in matching(root, "sys/class/power_supply/*/type"):
        supply = kind.parent
        if (line(kind), line(supply / "status")) != ("Battery", "Discharging"):
            continue
        for watts in (
            _product(supply / "power_now", unit=1e-6),
            _product(supply / "voltage_now", supply / "current_now", unit=1e-12),
        ):
            if watts() is not None:
                return PowerSensor(f"battery {supply.name}", watts)
    return None


def _product(*files: Path, unit: float) -> Callable[[], float | None]:
    """Reads the product of the whole numbers in files, without its sign, in so many watts."""

    def read() -> float | None:
        product = unit
        for file in files:
            factor = number(file)
            if factor is None:
                return None
            product *= abs(factor)
        return product

    return read
