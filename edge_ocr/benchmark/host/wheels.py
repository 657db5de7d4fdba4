"""Python packages for another machine, fetched as wheels by this machine's pip; and edge_ocr itself, to be sent."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import edge_ocr
from edge_ocr.benchmark.host.tools import run_tool
from edge_ocr.cache import digest_of, run_stage
from edge_ocr.errors import BenchmarkError

_RECIPE = 1
"""Counts how sites are made, so that those made otherwise are not used again."""

_GLIBC_MINORS = range(34, 16, -1)
"""Of the C libraries 2.N that wheels are built for, the newest first; each runs what was built for an older one."""


def site_for(
    requirements: Sequence[str],
    *,
    python: tuple[int, int] = (3, 13),
    machine: str = "aarch64",
    glibc_minor: int = _GLIBC_MINORS[0],
    note: Callable[[str], None],
) -> Path:
    """Folder of installed wheels for a Linux of another kind, to be put on its PYTHONPATH; kept in the cache.

    Args:
        requirements: as pip takes them, such as `numpy==2.3.5`. Those of one call are kept as long as the cache, even
            where a newer version would do by now.
        python: version of the interpreter that will import them.
        machine: as `uname -m` calls it.
        glibc_minor: of the newest C library 2.N that wheels may have been built for.
        note: told, in a line each, what takes a while.

    Raises:
        BenchmarkError: this Python has no pip, no index can be reached, or none has such wheels.
        CacheError: the cache folder cannot be written.
    """
    version = ".".join(map(str, python))
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBC_MINORS if minor <= glibc_minor]

    def make(site: Path) -> None:
        note(f"fetching {', '.join(requirements)} for Python {version} on {machine}")
        try:
            run_tool(
                sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile",
                "--only-binary=:all:", "--implementation=cp", f"--python-version={version}",
                *(f"--platform={platform}" for platform in [*platforms, f"manylinux2014_{machine}"]),
                "--target", str(site), "--", *requirements,
            )  # fmt: skip
        except BenchmarkError as problem:
            raise BenchmarkError(
                f"wheels for Python {version} on {machine} cannot be fetched: {problem}; check the network"
            ) from problem

    if importlib.util.find_spec("pip") is None:
        raise BenchmarkError(f"{sys.executable} has no pip to fetch wheels with; run: {sys.executable} -m ensurepip")
    return run_stage("sites", digest_of(_RECIPE, sorted(requirements), version, platforms), make)


def runtime_files() -> dict[str, Path]:
    """What of the installed edge_ocr a device needs to be measured: relative POSIX path -> file.

    Without the models, which are sent as bundles, and without `benchmark/host`, which stays here.
    """
    package = Path(edge_ocr.__file__).parent
    stays = {PurePosixPath("models"), PurePosixPath("benchmark/host")}
    files = {}
    for file in sorted(package.rglob("*")):
        name = PurePosixPath(file.relative_to(package).as_posix())
        if file.is_file() and "__pycache__" not in name.parts and stays.isdisjoint(name.parents):
            files[f"{package.name}/{name}"] = file
    return files
