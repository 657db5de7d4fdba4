"""Debian packages of any release and machine, fetched and unpacked without root and without touching this system.

apt does the fetching, so that signatures are checked and dependencies resolved as on any Debian system, but with
state and configuration of its own in the cache folder. Nothing is installed: a *root* is a folder that the packages
were unpacked to, whose programs are started from where they lie.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_ocr.benchmark.host.tools import check_tools, run_tool
from edge_ocr.cache import digest_of, run_stage
from edge_ocr.errors import BenchmarkError

PACKAGES_FILE = "packages.json"
"""File in a root that names what was unpacked: package -> version."""

MIRROR_VARIABLE = "EDGE_OCR_DEBIAN_MIRROR"
"""Environment variable with the address of a Debian mirror, for a machine whose own apt knows none."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""The keys that Debian's releases are signed with, from the package debian-archive-keyring."""

_RECIPE = 2
"""Counts how roots are made, so that those made otherwise are not used again."""


def debian_root(
    packages: Sequence[str], architecture: str, *, suite: str = "trixie", note: Callable[[str], None]
) -> Path:
    """Folder that the packages and all that they depend on are unpacked to; read only, shared, kept in the cache.

    A mirror holds only the newest version of a package, so none is asked for by version; which ones a root holds is
    in `packages_of`.

    Args:
        packages: names of Debian packages.
        architecture: as Debian calls it, such as `arm64`.
        suite: codename of the release.
        note: told, in a line each, what takes a while.

    Raises:
        BenchmarkError: apt or dpkg-deb is missing, apt knows no Debian mirror or its keys, the mirror cannot be
            reached, or there is no such package.
        CacheError: the cache folder cannot be written.
    """

    def make(root: Path) -> None:
        note(f"fetching {', '.join(packages)} of Debian {suite} for {architecture}")
        scratch = root / "fetched"
        _unpack(_fetch(scratch, packages, architecture, suite), root)
        shutil.rmtree(scratch)

    return run_stage("debian", digest_of(_RECIPE, sorted(packages), architecture, suite), make)


def packages_of(root: Path) -> dict[str, str]:
    """What a root was made of: package -> version, in alphabetical order."""
    versions: dict[str, str] = json.loads((root / PACKAGES_FILE).read_text())
    return versions


def debian_mirror() -> str:
    """Address of a Debian mirror: that of $EDGE_OCR_DEBIAN_MIRROR, else the one that this machine's apt uses.

    Raises:
        BenchmarkError: there is neither.
    """
    if mirror := os.environ.get(MIRROR_VARIABLE):
        # Packages on a disk of this machine apt would otherwise use where they lie, and not fetch.
        return f"copy:{mirror.removeprefix('file:')}" if mirror.startswith("file:") else mirror
    known = run_tool("apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)", "Created-By: Packages")
    for target in known.splitlines():
        address, _, label = target.partition(" ")  # which can be several words, such as "Debian Backports"
        if label == "Debian":
            return address
    raise BenchmarkError(
        f"apt on this machine knows no mirror of Debian; set {MIRROR_VARIABLE} to the address of one, "
        "or where it should know one, run: sudo apt-get update"
    )


def _fetch(scratch: Path, packages: Sequence[str], architecture: str, suite: str) -> list[Path]:
    """The archives of packages and of what they depend on, in alphabetical order."""
    check_tools("apt-get", "dpkg-deb", "tar")
    mirror = debian_mirror()
    if not KEYRING.is_file():
        raise BenchmarkError(
            f"the keys that Debian's packages are checked against, {KEYRING}, are missing; "
            "install the package debian-archive-keyring"
        )
    configuration = _configure(scratch, architecture, f"deb [signed-by={KEYRING}] {mirror} {suite} main")
    apt = ("apt-get", "--config-file", str(configuration))
    try:
        run_tool(*apt, "update")
        run_tool(*apt, "install", "--yes", "--download-only", "--no-install-recommends", "--", *packages)
    except BenchmarkError as problem:
        raise BenchmarkError(
            f"{', '.join(packages)} of Debian {suite} for {architecture} cannot be fetched: {problem}; "
            f"check the network, or set {MIRROR_VARIABLE} to another mirror"
        ) from problem
    return sorted((scratch / "archives").glob("*.deb"))


def _configure(scratch: Path, architecture: str, source: str) -> Path:
    """Write the configuration of an apt that knows nothing of this system but its proxies."""
    for folder in ("lists/partial", "archives/partial"):
        (scratch / folder).mkdir(parents=True)
    (scratch / "status").touch()
    (scratch / "sources.list").write_text(source + "\n")
    settings = {
        "APT::Architecture": architecture,
        "APT::Default-Release": "",
        "APT::Sandbox::User": "root",  # not _apt, which may not write to the cache folder of whoever calls
        "APT::Update::Error-Mode": "any",  # a mirror that does not answer is an error and no remark
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Debug::NoLocking": "true",
        "Dir::State": scratch,
        "Dir::State::status": scratch / "status",
        "Dir::State::lists": scratch / "lists",
        "Dir::Cache": scratch,
        "Dir::Cache::archives": scratch / "archives",
        "Dir::Etc::sourcelist": scratch / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
    }
    lines = [f'{name} "{value}";' for name, value in settings.items()]
    lines += ["#clear APT::Architectures;", f'APT::Architectures {{ "{architecture}"; }};']
    # What this system does after an update, such as to empty its own cache, is not for us to set off.
    lines += ["#clear APT::Update::Post-Invoke;", "#clear APT::Update::Post-Invoke-Success;"]
    configuration = scratch / "apt.conf"
    configuration.write_text("\n".join(lines) + "\n")
    return configuration


def _unpack(archives: Sequence[Path], root: Path) -> None:
    """Unpack archives into a root whose /bin, /lib and so on are parts of /usr, as on any Debian system."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    versions = {}
    for archive in archives:
        package, version = run_tool("dpkg-deb", "--show", "--showformat", "${Package} ${Version}", str(archive)).split()
        versions[package] = version
        # Not `dpkg-deb --extract`, which puts a folder /lib in place of the link.
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as opened:
            run_tool(
                "tar", "--extract", "--no-same-owner", "--keep-directory-symlink", "--directory", str(root),
                stdin=opened.stdout,
            )  # fmt: skip
        if opened.returncode:
            raise BenchmarkError(f"dpkg-deb cannot unpack {archive.name} (status {opened.returncode}); try again")
    _make_links_relative(root)
    (root / PACKAGES_FILE).write_text(json.dumps(dict(sorted(versions.items())), indent=1) + "\n")


def _make_links_relative(root: Path) -> None:
    """Let absolute links lead to the root's own files, and not to those of this system."""
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            link = os.path.join(folder, name)
            if os.path.islink(link) and (target := os.readlink(link)).startswith("/"):
                os.unlink(link)
                os.symlink(os.path.relpath(f"{root}{target}", folder), link)
