#!/usr/bin/env python3
"""Install the wheel on every Python of this machine, as a stranger would, and read a picture with it.

    check_install.py PICTURE

For each Python that edge_ocr supports: a clean environment in a temporary folder, the wheel and its
dependencies from the package index, then `edge-ocr read PICTURE` in an empty home without network. Prints as
Markdown a verdict for each version and the installed size of each distribution; exits 1 if a version fails.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from find_python import Version, candidates, dotted, probe

ROOT = Path(__file__).resolve().parents[1]
SUPPORTED: Sequence[Version] = ((3, 10), (3, 11), (3, 12), (3, 13), (3, 14))

NO_NETWORK: Sequence[Sequence[str]] = (("unshare", "--net"), ("unshare", "--map-root-user", "--net"))
"""Ways of cutting a command off the network: as root, and as a user where the kernel lets users do it."""

# Runs inside the environment under test, so with the standard library alone.
MEASURE_SIZES = """
import importlib.metadata, json, os
sizes = {}
for distribution in importlib.metadata.distributions():
    paths = {os.path.realpath(file.locate()) for file in distribution.files or ()}
    sizes[distribution.metadata["Name"]] = sum(map(os.path.getsize, filter(os.path.isfile, paths)))
print(json.dumps(sizes))
"""


class StepError(Exception):
    """One step of an installation failed; the message is the last line that it said."""


@dataclass(frozen=True)
class Outcome:
    """How the wheel fared on one Python version.

    Attributes:
        version: major and minor.
        verdict: "ok", "not found", or "failed: " and why.
        sizes: bytes installed by each distribution; empty unless ok.
    """

    version: Version
    verdict: str
    sizes: Mapping[str, int]

    @property
    def failed(self) -> bool:
        return self.verdict.startswith("failed")


def run(command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Standard output of `command`.

    Raises:
        StepError: it cannot be run or exits non-zero.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env)
    except OSError as error:
        raise StepError(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        raise StepError(f"{Path(command[0]).name}: {said[-1]}")
    return done.stdout


def pythons_by_version() -> dict[Version, str]:
    """The first interpreter of this machine for each supported version."""
    found: dict[Version, str] = {}
    for python in map(probe, candidates(SUPPORTED)):
        if python is not None and python.version in SUPPORTED:
            found.setdefault(python.version, python.path)
    return found


def network_barrier() -> Sequence[str]:
    """The prefix that runs a command without network on this machine; empty where none works."""
    for prefix in NO_NETWORK:
        try:
            run([*prefix, "true"])
        except StepError:
            continue
        return prefix
    return ()


def stranger_environment(home: Path) -> dict[str, str]:
    """Variables of somebody new to this project: no proxy, package index, cache or Python settings."""
    return {"PATH": os.defpath, "HOME": str(home), "LANG": "C.UTF-8"}


def check(python: str, wheel: Path, picture: Path, barrier: Sequence[str]) -> dict[str, int]:
    """Install `wheel` in a fresh environment of `python` and read `picture` there; bytes by distribution.

    The environment is made without pip, so that Debian's Pythons will do and pip is not among the sizes.

    Raises:
        StepError: a step failed, or nothing was read.
    """
    with tempfile.TemporaryDirectory(prefix="edge-ocr-install-") as folder:
        environment, home = Path(folder, "environment"), Path(folder, "home")
        home.mkdir()
        run([python, "-m", "venv", "--without-pip", environment])
        inside = environment / "bin" / "python"
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", inside]
        run([*pip, "install", "--quiet", "--only-binary", ":all:", wheel])
        edge_ocr: list[str | Path] = [*barrier, environment / "bin" / "edge-ocr"]
        text = run([*edge_ocr, "read", picture], cwd=home, env=stranger_environment(home))
        if not text.strip():
            raise StepError(f"edge-ocr read no text in {picture.name}")
        sizes: dict[str, int] = json.loads(run([inside, "-c", MEASURE_SIZES]))
        return sizes


def check_all(wheel: Path, picture: Path, barrier: Sequence[str]) -> list[Outcome]:
    """An outcome for every supported version, present or not, told on standard error as it comes."""
    pythons = pythons_by_version()
    outcomes = []
    for version in SUPPORTED:
        sizes: Mapping[str, int] = {}
        if version not in pythons:
            verdict = "not found"
        else:
            try:
                sizes = check(pythons[version], wheel, picture, barrier)
                verdict = "ok"
            except StepError as error:
                verdict = f"failed: {error}"
        print(f"Python {dotted(version)}: {verdict}", file=sys.stderr, flush=True)
        outcomes.append(Outcome(version, verdict, sizes))
    return outcomes


def report(outcomes: Sequence[Outcome]) -> str:
    """Two Markdown tables: the verdicts, then megabytes by distribution (largest first) and version."""
    verdicts = [(dotted(outcome.version), outcome.verdict) for outcome in outcomes]
    installed = [outcome for outcome in outcomes if outcome.sizes]
    text = table(("Python", "install and read"), verdicts)
    if installed:
        versions = [dotted(outcome.version) for outcome in installed]
        text += "\n" + table(("MB installed", *versions), size_rows([outcome.sizes for outcome in installed]))
    return text


def size_rows(columns: Sequence[Mapping[str, int]]) -> list[tuple[str, ...]]:
    """Rows of megabytes, one a distribution, then the totals; each of `columns` maps names to bytes."""

    def row(title: str, sizes: Sequence[int]) -> tuple[str, ...]:
        return (title, *(f"{size / 1e6:.1f}" for size in sizes))

    by_name = {key: [column.get(key, 0) for column in columns] for column in columns for key in column}
    largest_first = sorted(by_name, key=lambda key: max(by_name[key]), reverse=True)
    totals = row("total", [sum(column.values()) for column in columns])
    return [*(row(key, by_name[key]) for key in largest_first), totals]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    ruler = ["---"] * len(head)
    return "".join("| " + " | ".join(cells) + " |\n" for cells in (head, ruler, *rows))


def main() -> int:
    parser = argparse.ArgumentParser(description="install the wheel on every Python here and read a picture with it")
    parser.add_argument("picture", type=Path, metavar="PICTURE")
    picture: Path = parser.parse_args().picture.resolve()
    if not picture.is_file():
        parser.error(f"no picture at {picture}")
    barrier = network_barrier()
    with tempfile.TemporaryDirectory(prefix="edge-ocr-wheel-") as folder:
        try:
            run([sys.executable, "-m", "build", "--outdir", folder, ROOT])  # the wheel from the source archive
        except StepError as error:
            print(f"error: the wheel does not build: {error}", file=sys.stderr)
            return 1
        (wheel,) = Path(folder).glob("*.whl")
        outcomes = check_all(wheel, picture, barrier)
    print(report(outcomes), end="")
    print(
        "\nRead without network." if barrier else "\nThis machine cannot cut the network off: only proxies were unset."
    )
    return 1 if any(outcome.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
