"""Results as devices would have written them; the figures are made up and easy to reckon with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge_ocr.benchmark.facts import Clock, Cluster, DeviceFacts, Health
from edge_ocr.benchmark.host.planning import DEFAULT_PICTURE
from edge_ocr.benchmark.result import (
    PAGE,
    SCHEMA,
    STAGES,
    BundleResult,
    Count,
    Energy,
    EngineFacts,
    Healths,
    Instructions,
    Kernel,
    MeasuredPicture,
    Result,
    Run,
    Settings,
    SpeedUp,
)
from edge_ocr.benchmark.summary import Summary
from edge_ocr.cache import sha256_of

STAGE_MS: Mapping[str, float] = {
    "decode": 8.0,
    "preprocess": 4.0,
    "detect": 100.0,
    "postprocess": 3.0,
    "crop": 5.0,
    "direction": 10.0,
    "recognise": 60.0,
    "ctc": 2.0,
}
"""Stage -> its mean in `run()`."""

STAGE_MILLIONS: Mapping[str, float] = {
    "preprocess": 20.0,
    "detect": 420.0,
    "postprocess": 15.0,
    "direction": 25.0,
    "recognise": 205.0,
    "ctc": 15.0,
}
"""Stage of a page -> million instructions in `instructions()`: 700 together."""

PI_4 = DeviceFacts(
    board="Raspberry Pi 4 Model B Rev 1.4",
    soc="BCM2711",
    machine="aarch64",
    bits=64,
    clusters=(Cluster(4, "Cortex-A72", 1500),),
    features=("asimd", "crc32"),
    governor="ondemand",
    memory_bytes=3_971_000_000,
    system="Debian GNU/Linux 13 (trixie)",
    kernel="6.12.34+rpt-rpi-v8",
    python="3.13.5",
    versions={"ai-edge-litert": "2.3.0", "numpy": "2.3.5"},
    power_mode=None,
    jetson_clocks=None,
)


def health(celsius: float) -> Health:
    return Health(
        temperatures={"cpu-thermal": celsius},
        clocks=(Clock(4, 1500, 1500, 1500, "ondemand"),),
        throttled_by=(),
        events={"under-voltage": 0},
        load=0.5,
        processor_time=None,
        memory_available_bytes=3_000_000_000,
        swap_used_bytes=0,
        swapped_bytes=0,
        on_battery=None,
        power_mw={},
    )


def samples(mean: float, count: int = 20, spread: float = 0.02) -> list[float]:
    """Evenly spread around their mean."""
    return [mean * (1 + spread * (2 * place / (count - 1) - 1)) for place in range(count)]


def run(threads: int = 4, *, factor: float = 1.0, energy: Energy | None = None) -> Run:
    pages = samples(sum(STAGE_MS.values()) * factor)
    return Run(
        threads=threads,
        cold_start_ms=Summary.of(samples(1500 * factor, 5)),
        load_ms=Summary.of(samples(90 * factor, 5)),
        stages_ms={
            **{stage: Summary.of(samples(STAGE_MS[stage] * factor)) for stage in STAGES},
            PAGE: Summary.of(pages),
        },
        page_samples_ms=(tuple(pages),),
        lines_per_page=17.0,
        peak_rss_bytes=180_000_000,
        energy=energy,
    )


def bundle(precision: str = "int8", runs: Sequence[Run] = (), instructions: Instructions | None = None) -> BundleResult:
    return BundleResult(
        name="ppocrv6-tiny",
        digest=("ab" if precision == "int8" else "cd") * 32,
        precision=precision,
        bytes={
            "detector": 550_024,
            "direction": 183_944,
            "recognizer": 1_426_912,
            "charset": 27_156,
            "total": 2_188_036,
        },
        engine=EngineFacts("ai-edge-litert", "2.3.0"),
        accuracy_loss_points=0.375,
        runs=() if instructions else tuple(runs) or (run(),),
        instructions=instructions,
    )


def result(
    *bundles: BundleResult,
    facts: DeviceFacts = PI_4,
    problems: tuple[str, ...] = (),
    advice: tuple[str, ...] = (),
    device: str = "ssh://pi@raspberrypi",
    speed_ups: tuple[SpeedUp, ...] = (),
) -> Result:
    """Of a Raspberry Pi 4, or of whatever `facts` say."""
    found = bundles or (bundle(),)
    return Result(
        schema=SCHEMA,
        edge_ocr="0.1.0",
        date="2026-11-22T07:00:00+00:00",
        device=device,
        facts=facts,
        health=None if found[0].instructions else Healths(health(45.0), health(61.0)),
        problems=problems,
        advice=advice,
        pictures=(MeasuredPicture("page.jpg", sha256_of(DEFAULT_PICTURE), 960, 720, 17),),
        settings=Settings((4,), 20, 3, 5, None, None),
        bundles=found,
        speed_ups=speed_ups,
    )


def instructions(factor: float = 1.0, cpu: str = "cortex-a76") -> Instructions:
    def count(million: float, *kernels: Kernel) -> Count:
        return Count(int(million * factor * 1e6), kernels, "01" * 32)

    igemm = Kernel("xnn_qs8_qc8w_igemm_minmax_fp32_ukernel_4x16c4__neondot", 0.41)
    depthwise = Kernel("xnn_qs8_qc8w_dwconv_minmax_fp32_ukernel_9p16c__neon_mul8_ld64", 0.22)
    return Instructions(
        cpu=cpu,
        versions={"qemu": "7.2.22", "python": "3.13", "ai-edge-litert": "2.3.0"},
        models={
            "detector 640x640": count(250, igemm, depthwise),
            "direction 48x192": count(6, depthwise),
            "recognizer 48x320": count(20, igemm),
        },
        page=count(700, igemm),
        stages={stage: int(million * factor * 1e6) for stage, million in STAGE_MILLIONS.items()},
    )


def emulated(*bundles: BundleResult) -> Result:
    """Counted on an emulated Cortex-A76."""
    return result(*(bundles or (bundle(instructions=instructions()),)), device="qemu:cortex-a76")
