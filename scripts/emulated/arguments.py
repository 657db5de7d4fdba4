"""The options that the commands which emulate have in common."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from comparison.arguments import destination, positive

from edge_ocr.benchmark.host.emulation.cpus import CPUS
from edge_ocr.threads import usable_cores


def add_emulation(parser: argparse.ArgumentParser, cpus: Sequence[str]) -> None:
    """Add --cpu (None where it is not given, which is to mean `cpus`), --jobs and --markdown."""
    parser.add_argument(
        "--cpu",
        action="append",
        choices=CPUS,
        metavar="CPU",
        help=f"{', '.join(CPUS)}; may be repeated (default: {', '.join(cpus)})",
    )
    parser.add_argument(
        "--jobs",
        type=positive,
        default=usable_cores(),
        metavar="N",
        help="programs that are emulated at once (default: one for every core)",
    )
    parser.add_argument("--markdown", type=destination, metavar="FILE", help="write the tables there, too")
