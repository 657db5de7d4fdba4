"""What each side of the comparison has installed: environments of their own, and how large they are."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from comparison.errors import ComparisonError
from converters.environments import make_environment
from converters.progress import Progress
from edge_ocr.cache import cache_directory, digest_of, locked, run_stage

ROOT = Path(__file__).resolve().parents[2]
PEERS_LOCK = ROOT / "constraints" / "compare.txt"
RUNTIME_LOCK = ROOT / "constraints" / "runtime.txt"

_PACKAGES = ("edge_ocr", "converters")
_METADATA = ("setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "NOTICE")


def rapidocr_environment(progress: Progress) -> Path:
    """The interpreter of an environment with RapidOCR, made once.

    Raises:
        WorkerError: it cannot be made.
    """
    return make_environment("rapidocr", PEERS_LOCK, disk_space="0.4 GB", progress=progress)


def edge_ocr_environment(progress: Progress) -> Path:
    """The interpreter of an environment with edge_ocr as a user has it: this checkout's wheel and what it needs.

    The dependencies are installed once; the wheel is built once for each state of the checkout.

    Raises:
        WorkerError: the environment cannot be made.
        ComparisonError: the wheel cannot be built or installed.
    """
    python = make_environment("edge-ocr", RUNTIME_LOCK, disk_space="0.35 GB", progress=progress)
    (wheel,) = run_stage("wheel", _checkout_digest(), lambda folder: _build_wheel(folder, progress)).glob("*.whl")
    with locked(cache_directory() / "environments" / "edge-ocr.lock"):
        pip = ("pip", "--python", str(python), "--disable-pip-version-check")
        _run(*pip, "install", "--quiet", "--no-deps", "--no-index", "--force-reinstall", str(wheel))
    return python


def _checkout_digest() -> str:
    """Of all that goes into the wheel."""
    paths = sorted(path for package in _PACKAGES for path in _sources(ROOT / package))
    paths += [ROOT / name for name in _METADATA]
    return digest_of({str(path.relative_to(ROOT)): path for path in paths})


def _sources(package: Path) -> Iterator[Path]:
    return (path for path in package.rglob("*") if path.is_file() and path.parent.name != "__pycache__")


def _build_wheel(folder: Path, progress: Progress) -> None:
    progress.note("building edge_ocr's wheel from this checkout")
    # By way of the source archive: a wheel built in place would take along what an older build has left behind.
    _run("build", "--outdir", str(folder), str(ROOT))
    for archive in folder.glob("*.tar.gz"):
        archive.unlink()


def _run(module: str, *arguments: str) -> None:
    """Run one of our own Python's modules, silently."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise ComparisonError(f"edge_ocr cannot be installed from this checkout: {module} failed ({words})")


def installed_bytes(python: Path) -> int:
    """Size of all files in the site-packages of an environment; those made here have no pip and no setuptools."""
    environment = {"base": str(python.parents[1]), "platbase": str(python.parents[1])}
    # As this interpreter's, because it is the one that the environment was made from.
    packages = Path(sysconfig.get_path("platlib", scheme="venv", vars=environment))
    return sum(path.lstat().st_size for path in packages.rglob("*") if not path.is_dir())
