"""Why a run does not count, and what would make the next one steadier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median, quantiles

from edge_ocr.benchmark.facts.device import DeviceFacts
from edge_ocr.benchmark.facts.health import Health

_OTHERS_MAY_USE = 0.10
"""Share of all cores. An idle system uses a few hundredths for itself. With as many threads as cores, what others take
is added to each page's time, and a tenth is about the smallest difference between two bundles that matters."""
_SHORTEST_RUN = 1.0
"""Seconds of all cores: the kernel counts CPU time in hundredths, so that the shares of less are chance."""
_SPREAD = 1.25
"""How much longer than the median p90 may be. The same work takes the same time, and whatever disturbs it only adds to
that; targets are held against p90, and one that is a quarter above the median tells of the disturbance."""
_DRIFT = 1.10
"""How much slower the second half of the repeats may be than the first: a device that heats up slows down at once and
for good, while single disturbances do not move the median of a half."""
_FEWEST_SAMPLES = 5
"""With fewer, p90 is hardly more than the largest of them, which is chance; so is the median of a half of ten."""
_SWAPPED_BYTES = 4 << 20
"""What may move into and out of swap: less is the trickle of pages that idle programs leave."""
_SLOWER = 0.9
"""Part of the allowed frequency below which a clock that should stand still at it has been slowed."""

_POWER = "use the device's own power supply and a short cable"
_COOLING = "cool the device, and let it rest before the next run"
_REMEDIES = {
    "under-voltage": _POWER,
    "average over-current": f"{_POWER}, or a lower power mode",
    "instantaneous over-current": f"{_POWER}, or a lower power mode",
    "CPU quota used up": "give the container more CPU",
}
"""Kind of throttling -> what to do; against all others cooling helps."""


def problems(
    facts: DeviceFacts, before: Health, after: Health, samples_ms: Mapping[str, Sequence[float]]
) -> tuple[str, ...]:
    """Why the run between `before` and `after` does not count, one sentence each with its value; empty if it does.

    Args:
        facts: of the device.
        before: its health when the run began.
        after: its health at once after the last page: what clocks say fades within milliseconds.
        samples_ms: what was repeated, in words (`default, 1 thread, page.jpg`) -> the milliseconds of each repeat, in
            their order. Only repeats of the same work belong together: pages differ.
    """
    return (
        *_throttled(before, after),
        *_happened(before, after),
        *_limits_lowered(before, after),
        *_slow_clocks(facts, after),
        *_saving_power(facts, before),
        *_others(before, after),
        *_swapping(before, after),
        *_noise(samples_ms),
    )


def advice(facts: DeviceFacts, before: Health) -> tuple[str, ...]:
    """What would make a run steadier or faster, one sentence each; none of it makes a run void."""
    return (
        *_had_happened(facts, before),
        *_limits_below_maximum(facts, before),
        *_better_governor(facts),
        *_jetson_clocks(facts),
        *_battery(before),
        *_bits(facts),
    )


def _throttled(before: Health, after: Health) -> Iterator[str]:
    hottest = max((*before.temperatures.values(), *after.temperatures.values()), default=None)
    heat = f", {hottest:.0f} degrees" if hottest is not None else ""
    for kind in dict.fromkeys((*before.throttled_by, *after.throttled_by)):
        looks = ((before, "when the run began"), (after, "when the run ended"))
        moments = " and ".join(when for health, when in looks if kind in health.throttled_by)
        remedy = _REMEDIES.get(kind)
        yield f"the CPU was slowed {moments} ({kind}{'' if remedy else heat}); {remedy or _COOLING}"


def _happened(before: Health, after: Health) -> Iterator[str]:
    for kind, count in after.events.items():
        times = count - before.events.get(kind, count)
        if times > 0 and kind not in after.throttled_by:
            often = "" if times == 1 else f", {times} times"
            yield f"the CPU was slowed during the run ({kind}{often}); {_REMEDIES.get(kind, _COOLING)}"


def _limits_lowered(before: Health, after: Health) -> Iterator[str]:
    limits = {clock.max_mhz: clock.limit_mhz for clock in before.clocks}
    for clock in after.clocks:
        earlier = limits.get(clock.max_mhz)
        if earlier and clock.limit_mhz and clock.limit_mhz < earlier:
            yield f"the clock's limit fell from {earlier} to {clock.limit_mhz} MHz during the run; {_COOLING}"


def _slow_clocks(facts: DeviceFacts, after: Health) -> Iterator[str]:
    """Only on ARM: an x86 CPU with this governor shares a frequency budget among its cores and says what it gave."""
    for clock in after.clocks:
        limit = clock.limit_mhz or clock.max_mhz
        if _is_arm(facts) and clock.governor == "performance" and clock.mhz and clock.mhz < _SLOWER * limit:
            yield f"the clock stood at {clock.mhz} of {limit} MHz though its governor is performance; {_COOLING}"


def _saving_power(facts: DeviceFacts, before: Health) -> Iterator[str]:
    """Only on ARM, where powersave is the lowest frequency: on x86 it is the usual governor, which follows the load."""
    if _is_arm(facts) and any("powersave" in (clock.governor or "") for clock in before.clocks):
        least = min(clock.mhz or clock.max_mhz for clock in before.clocks)
        yield f"the governor powersave holds the clock at {least} MHz; {_set_governor('performance')}"


def _others(before: Health, after: Health) -> Iterator[str]:
    if before.processor_time is None or after.processor_time is None:
        return
    total = after.processor_time.total - before.processor_time.total
    busy = after.processor_time.busy - before.processor_time.busy
    own = after.processor_time.own - before.processor_time.own
    if total >= _SHORTEST_RUN and (share := (busy - own) / total) > _OTHERS_MAY_USE:
        yield f"other programs used {share:.0%} of the CPU during the run; stop them, and run again"


def _swapping(before: Health, after: Health) -> Iterator[str]:
    if before.swapped_bytes is None or after.swapped_bytes is None:
        return
    moved = after.swapped_bytes - before.swapped_bytes
    if moved > _SWAPPED_BYTES:
        yield f"{moved / 1e6:.0f} MB went into or came out of swap during the run; stop other programs, and run again"


def _noise(samples_ms: Mapping[str, Sequence[float]]) -> Iterator[str]:
    """The noisiest series and the one that slowed down most, with how many others did."""
    enough = {name: samples for name, samples in samples_ms.items() if len(samples) >= _FEWEST_SAMPLES}
    spreads = {name: _p90(samples) / median(samples) for name, samples in enough.items()}
    if name := _worst(spreads, _SPREAD):
        yield (
            f"times are noisy ({name}: p90 is {_p90(enough[name]):.4g} ms, {spreads[name]:.2f} times the median"
            f"{_how_many(spreads, _SPREAD)}); stop other programs, and run again"
        )
    drifts = {name: _drift(samples) for name, samples in enough.items() if len(samples) >= 2 * _FEWEST_SAMPLES}
    if name := _worst(drifts, _DRIFT):
        yield (
            f"pages became slower ({name}: the second half of the repeats took {drifts[name]:.2f} times as long"
            f"{_how_many(drifts, _DRIFT)}); {_COOLING}"
        )


def _p90(samples: Sequence[float]) -> float:
    return quantiles(samples, n=10, method="inclusive")[-1]


def _drift(samples: Sequence[float]) -> float:
    half = len(samples) // 2
    return median(samples[-half:]) / median(samples[:half])


def _worst(ratios: Mapping[str, float], limit: float) -> str | None:
    worst = max(ratios, key=lambda name: ratios[name], default=None)
    return worst if worst is not None and ratios[worst] > limit else None


def _how_many(ratios: Mapping[str, float], limit: float) -> str:
    count = sum(ratio > limit for ratio in ratios.values())
    return f"; so are {count} of {len(ratios)} series" if count > 1 else ""


def _had_happened(facts: DeviceFacts, before: Health) -> Iterator[str]:
    """A Raspberry Pi notes once that something has happened: that it happens again cannot be seen any more."""
    if (facts.board or "").startswith("Raspberry Pi"):
        kinds = [kind for kind, count in before.events.items() if count and kind not in before.throttled_by]
        if kinds:
            yield (
                f"since its start the board has noted {' and '.join(kinds)}, and would not show it again; "
                "restart it before a run that has to count"
            )


def _limits_below_maximum(facts: DeviceFacts, before: Health) -> Iterator[str]:
    for clock in before.clocks:
        if clock.limit_mhz and clock.limit_mhz < clock.max_mhz:
            mode = f" in power mode {facts.power_mode}" if facts.power_mode else ""
            yield f"the clock is limited to {clock.limit_mhz} of {clock.max_mhz} MHz{mode}"


def _better_governor(facts: DeviceFacts) -> Iterator[str]:
    if _is_arm(facts) and facts.governor not in (None, "performance", "powersave"):
        yield f"the governor {facts.governor} changes the clock with the load; {_set_governor('performance')}"


def _jetson_clocks(facts: DeviceFacts) -> Iterator[str]:
    if facts.jetson_clocks is False:
        yield "jetson_clocks is off, and the clocks follow the load; run: sudo jetson_clocks"


def _battery(before: Health) -> Iterator[str]:
    if before.on_battery:
        yield "the device runs on its battery, which may slow it; connect its supply"


def _bits(facts: DeviceFacts) -> Iterator[str]:
    if facts.bits == 32 and facts.machine == "aarch64":
        yield "Python has 32 bits on a 64-bit CPU; a 64-bit system is faster"


def _is_arm(facts: DeviceFacts) -> bool:
    return facts.machine.startswith(("aarch64", "arm"))


def _set_governor(name: str) -> str:
    return f"run: echo {name} | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
