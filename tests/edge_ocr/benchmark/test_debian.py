"""Debian packages without root: what is refused. That they arrive and run is shown by the tests of the emulator."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from edge_ocr.benchmark.host import debian
from edge_ocr.benchmark.host.debian import debian_mirror, debian_root, packages_of
from edge_ocr.cache import sha256_of
from edge_ocr.errors import BenchmarkError
from tests.conftest import skip

silent = lambda line: None  # noqa: E731


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("EDGE_OCR_CACHE", str(folder))
    return folder


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A mirror of a Debian that has one package and is signed with a key of its own, which is trusted."""
    for tool in ("apt-get", "dpkg-deb", "gpg", "gpgv"):
        if shutil.which(tool) is None:
            skip("emulation", f"Debian packages need {tool}")
    archive = _package(tmp_path / "tiny")
    folder = tmp_path / "mirror"
    packages = folder / "dists/trixie/main/binary-arm64/Packages"
    packages.parent.mkdir(parents=True)
    shutil.copy(archive, folder)
    fields = subprocess.run(["dpkg-deb", "--field", archive], capture_output=True, check=True, text=True).stdout
    size, digest = archive.stat().st_size, sha256_of(archive)
    packages.write_text(f"{fields}Filename: {archive.name}\nSize: {size}\nSHA256: {digest}\n")
    release = folder / "dists/trixie/Release"
    release.write_text(
        "Origin: Debian\nLabel: Debian\nSuite: trixie\nCodename: trixie\nArchitectures: arm64\nComponents: main\n"
        "Date: Sat, 01 Nov 2025 00:00:00 UTC\n"
        f"SHA256:\n {sha256_of(packages)} {packages.stat().st_size} main/binary-arm64/Packages\n"
    )
    monkeypatch.setattr(debian, "KEYRING", _sign(release, tmp_path))
    monkeypatch.setenv(debian.MIRROR_VARIABLE, f"file:{folder}")
    return folder


def _sign(release: Path, folder: Path) -> Path:
    """Sign a release with a new key; returns the keyring that holds it."""
    # Its agent's socket has a name of at most 107 bytes.
    with tempfile.TemporaryDirectory(dir="/tmp") as home:
        gpg = ("gpg", "--homedir", home, "--batch", "--quiet", "--passphrase", "")
        subprocess.run([*gpg, "--quick-generate-key", "tests@example.org", "ed25519", "sign", "never"], check=True)
        subprocess.run([*gpg, "--output", folder / "keys.gpg", "--export"], check=True)
        subprocess.run([*gpg, "--output", release.with_name("InRelease"), "--clearsign", release], check=True)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)
    return folder / "keys.gpg"


def _package(folder: Path) -> Path:
    """An archive with a program in /lib and a link to it by its absolute name."""
    (folder / "DEBIAN").mkdir(parents=True)
    (folder / "DEBIAN/control").write_text(
        "Package: tiny\nVersion: 1:2-3\nArchitecture: arm64\nMaintainer: me <me@example.org>\nDescription: tiny\n"
    )
    (folder / "lib").mkdir()
    (folder / "lib/tiny").write_text("tiny\n")
    (folder / "usr/bin").mkdir(parents=True)
    (folder / "usr/bin/link").symlink_to("/lib/tiny")
    archive = folder.with_name("tiny_arm64.deb")
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", folder, archive], capture_output=True, check=True)
    return archive


def test_a_root_has_the_files_and_says_the_versions(mirror: Path, cache: Path) -> None:
    heard: list[str] = []
    root = debian_root(["tiny"], "arm64", note=heard.append)
    assert packages_of(root) == {"tiny": "1:2-3"}
    assert (root / "usr/lib/tiny").read_text() == (root / "lib/tiny").read_text() == "tiny\n"
    assert os.readlink(root / "usr/bin/link") == "../../lib/tiny"
    assert heard == ["fetching tiny of Debian trixie for arm64"]
    assert [each.suffix for each in (cache / "stages/debian").iterdir() if each != root] == [".lock"]
    assert not (root / "fetched").exists()
    shutil.rmtree(mirror)
    assert debian_root(["tiny"], "arm64", note=heard.append) == root  # from the cache
    assert len(heard) == 1


def test_what_this_system_prefers_does_not_count(mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that the root is not of, and a pin that forbids the package."""
    preferences, configuration = tmp_path / "preferences", tmp_path / "apt.conf"
    preferences.write_text("Package: tiny\nPin: release *\nPin-Priority: -1\n")
    configuration.write_text(f'APT::Default-Release "sid";\nDir::Etc::preferences "{preferences}";\n')
    monkeypatch.setenv("APT_CONFIG", str(configuration))
    assert packages_of(debian_root(["tiny"], "arm64", note=silent)) == {"tiny": "1:2-3"}


@pytest.mark.parametrize("change", ["unsigned", "another key", "altered release", "altered package"])
def test_what_debian_has_not_signed_is_refused(mirror: Path, cache: Path, tmp_path: Path, change: str) -> None:
    signed = mirror / "dists/trixie/InRelease"
    if change == "unsigned":
        signed.unlink()
    elif change == "another key":
        signed.unlink()
        (tmp_path / "keys.gpg").rename(tmp_path / "trusted.gpg")
        _sign(signed.with_name("Release"), tmp_path)
        (tmp_path / "trusted.gpg").rename(tmp_path / "keys.gpg")
    elif change == "altered release":
        signed.write_text(signed.read_text().replace("Origin: Debian", "Origin: Nobody"))
    else:
        with (mirror / "tiny_arm64.deb").open("r+b") as archive:
            archive.seek(-1, os.SEEK_END)
            archive.write(b"?")
    with pytest.raises(
        BenchmarkError, match=r"^tiny of Debian trixie for arm64 cannot be fetched: .*; check the network"
    ):
        debian_root(["tiny"], "arm64", note=silent)
    assert [each.suffix for each in (cache / "stages/debian").iterdir()] == [".lock"]


def test_a_package_that_cannot_be_unpacked(
    mirror: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though what arrives of it is an archive, and tar is content."""
    program = tmp_path / "dpkg-deb"
    real = shutil.which("dpkg-deb")
    program.write_text(f'#!/bin/sh\n[ "$1" = --fsys-tarfile ] || exec {real} "$@"\nhead -c 10240 /dev/zero; exit 2\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(BenchmarkError, match=r"^dpkg-deb cannot unpack tiny_.*\.deb \(status 2\); try again$"):
        debian_root(["tiny"], "arm64", note=silent)
    assert [each.suffix for each in (cache / "stages/debian").iterdir()] == [".lock"]


def test_a_package_that_is_not_there(mirror: Path) -> None:
    for name in ("absent", "--help"):
        with pytest.raises(BenchmarkError, match=rf"says 'Unable to locate package {name}'; check the network"):
            debian_root([name], "arm64", note=silent)


def test_a_mirror_that_does_not_answer(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(debian.MIRROR_VARIABLE, "http://127.0.0.1:1/debian")
    with pytest.raises(
        BenchmarkError, match=r"Could not connect to 127.0.0.1:1 .*, or set EDGE_OCR_DEBIAN_MIRROR to anoth"
    ):
        debian_root(["tiny"], "arm64", note=silent)


def test_without_the_keys(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "KEYRING", Path("/nowhere/keys.gpg"))
    with pytest.raises(
        BenchmarkError, match=r"/nowhere/keys.gpg, are missing; install the package debian-archive-keyring"
    ):
        debian_root(["tiny"], "arm64", note=silent)


def test_without_apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchmarkError, match=r"^apt-get is needed and not installed; install the package apt$"):
        debian_root(["tiny"], "arm64", note=silent)


@pytest.mark.parametrize(
    "known, mirror",
    [
        ("http://one/debian/ Debian\nhttp://two/debian/ Debian\n", "http://one/debian/"),
        ("http://one/security/ Debian-Security\nhttp://two/ \nhttp://three/d/ Debian\n", "http://three/d/"),
        ("http://one/debian/ Debian Backports\nhttp://two/debian/ Debian\n", "http://two/debian/"),
    ],
)
def test_the_mirror_is_that_of_this_machine(
    known: str, mirror: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(debian.MIRROR_VARIABLE, raising=False)
    _say(tmp_path, known, monkeypatch)
    assert debian_mirror() == mirror


def test_without_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(debian.MIRROR_VARIABLE, raising=False)
    _say(tmp_path, "http://one/ubuntu/ Ubuntu\n", monkeypatch)
    with pytest.raises(BenchmarkError, match=r"knows no mirror of Debian; set EDGE_OCR_DEBIAN_MIRROR to the address"):
        debian_mirror()


def _say(folder: Path, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let apt-get print these words."""
    (folder / "words").write_text(words)
    program = folder / "apt-get"
    program.write_text(f"#!/bin/sh\nexec cat {folder}/words\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
