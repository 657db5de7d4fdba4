"""`ppocr-convert list`: the systems that the zoo knows."""

from __future__ import annotations

import argparse

from converters.sources import cached
from converters.zoo import System, load_zoo

HEADINGS = ("NAME", "TITLE", "SIZE", "FETCHED", "LICENCE")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "list",
        help="show the models that can be converted",
        description="Show the systems that can be converted, their size as published, and what is fetched.",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print a table of the systems."""
    rows = [HEADINGS, *(_row(system) for system in load_zoo().systems.values())]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _row(system: System) -> tuple[str, ...]:
    files = system.files
    size = sum(file.bytes for file in files) / 1e6
    fetched = sum(cached(file) is not None for file in files)
    return system.name, system.title, f"{size:.1f} MB", f"{fetched} of {len(files)} files", system.licence
