"""What a device is and how it fares, so that a figure measured on it can be believed or marked.

`read_facts` tells what stays (board, CPU, memory, versions), `read_health` what changes (temperature, clocks,
throttling, who else uses the CPU). `problems` holds the health before a run against the health after it and says why
the run does not count; `advice` says what would make the next one steadier.

All of it is standard library alone. What cannot be found out is None or empty, never an error: a benchmark must run in
a container that shows nothing.
"""

from edge_ocr.benchmark.facts.device import Cluster, DeviceFacts, describe, read_facts
from edge_ocr.benchmark.facts.health import Clock, Health, ProcessorTime, read_health
from edge_ocr.benchmark.facts.verdict import advice, problems

__all__ = [
    "Clock",
    "Cluster",
    "DeviceFacts",
    "Health",
    "ProcessorTime",
    "advice",
    "describe",
    "problems",
    "read_facts",
    "read_health",
]
