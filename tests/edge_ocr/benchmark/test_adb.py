"""Devices behind adb: which one is meant, what can be wrong with it, and a phone that has no Python.

What every device promises is in test_device_contract.py.
"""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_ocr.benchmark.host.devices import open_device
from edge_ocr.benchmark.host.devices.base import PYTHON
from edge_ocr.benchmark.host.environment import prepare
from edge_ocr.benchmark.host.planning import make_plan
from edge_ocr.benchmark.host.python_root import VERSION, push_python
from edge_ocr.benchmark.host.run import measure
from edge_ocr.benchmark.result import Settings
from edge_ocr.bundle import Bundle
from edge_ocr.doctor import SAMPLE, SAMPLE_TEXT
from edge_ocr.errors import BenchmarkError, DeviceError
from tests.conftest import skip
from tests.edge_ocr.benchmark import adbd
from tests.edge_ocr.benchmark.adbd import ADDRESS, STORAGE, Adbd

OTHER_ADDRESS = ADDRESS.replace("127.0.0.1", "127.0.0.2")
"""Where the same device answers too, which makes it two in the eyes of adb."""

silent: Callable[[str], None] = lambda line: None  # noqa: E731


@pytest.fixture(scope="module")
def started_phone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adbd]:
    with adbd.phone(tmp_path_factory.mktemp("phone")) as device:
        yield device


@pytest.fixture
def phone(started_phone: Adbd, monkeypatch: pytest.MonkeyPatch) -> Iterator[Adbd]:
    """A phone that is connected; it must soon be as clean after the test as before."""
    started_phone.use(monkeypatch)
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    yield started_phone
    started_phone.adb("disconnect")
    started_phone.adb("connect", ADDRESS)
    left = ""
    for _ in range(100):
        left = started_phone.shell(
            f"ls -A {STORAGE}; ps -A -o ARGS= | grep -e 'edge-ocr[.-]' -e 'sleep 600' | grep -v grep"
        )
        if not left:
            return
        time.sleep(0.05)
    pytest.fail(f"left on the phone: {left}")


@pytest.fixture
def fake_adb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Makes a script stand for adb, for states that no adbd here can be brought into."""

    def install(script: str) -> None:
        (tmp_path / "adb").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "adb").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        monkeypatch.delenv("ANDROID_SERIAL", raising=False)

    return install


@contextmanager
def fetching() -> Iterator[None]:
    """Where nothing can be fetched, a test that has to is skipped."""
    try:
        yield
    except DeviceError:
        raise
    except BenchmarkError as problem:
        skip("network", str(problem))


def complaint_of(name: str) -> str:
    """The sentence with which a device refuses to be entered."""
    with pytest.raises(DeviceError) as refused, open_device(name, silent):
        pass
    return str(refused.value)


def sees(phone: Adbd) -> list[str]:
    return [line.partition("\t")[0] for line in phone.adb("devices").splitlines() if "\t" in line]


def read_by(phone: Adbd) -> tuple[str, str]:
    """The machine of a phone, and the text that it reads in the built-in picture with the default bundle."""
    bundle = Bundle.open(None)
    with open_device(phone.name, silent) as device:
        python = prepare(device, [bundle.manifest], None, silent)
        device.push({"bundle": bundle.path, "page.png": SAMPLE})
        words = [*python, "-m", "edge_ocr", "read", "page.png", "--bundle", "bundle", "--det-side", "480"]
        finished = device.run(words, timeout=300, on_line=silent)
    assert finished.status == 0, finished.complaint
    return device.machine, finished.output.decode().strip()


class TestWhichDevice:
    def test_the_only_one(self, phone: Adbd) -> None:
        with open_device("adb:", silent) as device:
            assert device.run(["getprop", "ro.product.model"], timeout=10, on_line=silent).output == b"MI 9\n"
            assert device.run(["pwd"], timeout=10, on_line=silent).output.decode().startswith(f"{STORAGE}/")

    def test_of_several_one_must_be_named(self, phone: Adbd, monkeypatch: pytest.MonkeyPatch) -> None:
        phone.adb("connect", OTHER_ADDRESS)
        said = complaint_of("adb:")
        assert said == f"adb: could be any of adb:{ADDRESS}, adb:{OTHER_ADDRESS}; name one of these"
        for name, serial in ((f"adb:{OTHER_ADDRESS}", ""), ("adb:", ADDRESS)):
            monkeypatch.setenv("ANDROID_SERIAL", serial)
            with open_device(name, silent) as device:
                assert device.machine == os.uname().machine

    def test_one_that_adb_does_not_see(self, phone: Adbd) -> None:
        assert complaint_of("adb:R58M12ABCDE") == f"adb sees no device 'R58M12ABCDE'; what it sees is adb:{ADDRESS}"

    def test_none_at_all(self, phone: Adbd) -> None:
        phone.adb("disconnect")
        for name in ("adb:", "adb:R58M12ABCDE"):
            assert complaint_of(name).startswith(f"{name}: adb sees no device; switch on USB debugging")

    def test_an_address_is_connected_to_for_as_long_as_needed(self, phone: Adbd) -> None:
        phone.adb("disconnect")
        notes: list[str] = []
        with open_device(phone.name, notes.append):
            assert sees(phone) == [ADDRESS]
        assert sees(phone) == []
        assert notes == [f"connecting to {ADDRESS}"]

    def test_an_address_where_nobody_answers(self, phone: Adbd) -> None:
        said = complaint_of("adb:127.0.0.1:1")
        assert said.startswith("adb:127.0.0.1:1 cannot be reached: ") and "Connection refused; see that" in said
        assert sees(phone) == [ADDRESS]

    @pytest.mark.parametrize("name", ["adb:-s", "adb:Ω", "adb:nul\0", "adb:line\nbreak"])
    def test_what_can_be_no_serial(self, name: str) -> None:
        with pytest.raises(DeviceError, match="names no device; write it as adb:SERIAL"):
            open_device(name, silent)


class TestWhatCanBeWrong:
    def test_no_adb(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert complaint_of("adb:").startswith(
            "adb: needs the program adb; install it (on Debian the package adb), or "
        )

    @pytest.mark.parametrize(
        ("state", "meaning"),
        [
            ("unauthorized", "has not allowed this computer yet; unlock it, accept the key that its dialog shows, "),
            ("authorizing", "is only now asked whether it allows this computer; try again"),
            ("offline", "is connected but does not answer; plug it in again, or run: adb reconnect offline"),
            (
                "no permissions (missing udev rules? user is in the plugdev group); see [http://developer.android.com]",
                "may not be opened by this user; install udev rules for Android devices",
            ),
            ("recovery", "is in state 'recovery' and runs no programs; start its system"),
        ],
    )
    def test_a_device_that_is_seen_but_cannot_be_used(
        self, state: str, meaning: str, fake_adb: Callable[[str], None]
    ) -> None:
        """States that adbd without its Android has none of."""
        listed = f"List of devices attached\nR58M12ABCDE\t{state}\n\n"
        fake_adb(f"printf %s {shlex.quote(listed)}")
        for name in ("adb:", "adb:R58M12ABCDE"):
            assert complaint_of(name).startswith(f"adb:R58M12ABCDE {meaning}")

    def test_an_adbd_without_exit_status(self, fake_adb: Callable[[str], None]) -> None:
        """That of Android 6, to which adb says this itself."""
        fake_adb("""
case $1 in
devices) printf 'List of devices attached\\nold\\tdevice\\n' ;;
*) echo "error: target doesn't support PTY args -Tt" >&2; exit 1 ;;
esac""")
        said = complaint_of("adb:old")
        assert (
            said
            == "adb:old cannot be used: its system is older than Android 7 and tells no exit status; use a newer one"
        )

    def test_an_adb_that_fails(self, fake_adb: Callable[[str], None]) -> None:
        fake_adb("echo 'error: cannot connect to daemon' >&2; exit 1")
        assert complaint_of("adb:") == (
            "adb devices fails (error: cannot connect to daemon); run: adb kill-server && adb start-server"
        )

    @pytest.mark.parametrize(
        ("fault", "cure", "meaning"),
        [
            ("ro", "rw", f"no folder there can be written to; make {STORAGE} writable there"),
            ("nr_inodes=1", "nr_inodes=0", f"its storage is full; make room in {STORAGE} there"),
        ],
    )
    def test_storage_without_a_place_to_work_in(self, phone: Adbd, fault: str, cure: str, meaning: str) -> None:
        phone.remount(fault)
        try:
            said = complaint_of(phone.name)
        finally:
            phone.remount(cure)
        assert said == f"{phone.name} cannot be used: {meaning}"

    def test_storage_that_is_full_in_the_end(self, phone: Adbd) -> None:
        phone.remount("size=64k")
        try:
            with open_device(phone.name, silent) as device:
                with pytest.raises(
                    DeviceError, match=r"cannot take the files into .*: there is no room left; make room"
                ):
                    device.push({"large": bytes(1 << 20)})
                assert device.run(["true"], timeout=10, on_line=silent).status == 0
        finally:
            phone.remount("size=50%")

    def test_a_link_that_is_lost(self, phone: Adbd) -> None:
        """What ran there ends, and the folder goes, though this side can do nothing about it any more."""
        lines: list[str] = []

        def cut(line: str) -> None:
            lines.append(line)
            phone.adb("disconnect")

        with (
            pytest.raises(DeviceError, match=r"the link was lost while sh ran.*; see that the device"),
            open_device(phone.name, silent) as device,
        ):
            device.run(["sh", "-c", "echo edge-ocr >&2; sleep 600"], timeout=60, on_line=cut)
        assert lines == ["edge-ocr"]

    def test_a_link_that_is_lost_while_files_are_sent(self, phone: Adbd, tmp_path: Path) -> None:
        (tmp_path / "large").touch()
        os.truncate(tmp_path / "large", 256 << 20)
        with (
            pytest.raises(DeviceError, match=r"the link was lost while files were sent"),
            open_device(phone.name, silent) as device,
        ):
            threading.Timer(0.1, phone.adb, ["disconnect"]).start()
            device.push({"large": tmp_path / "large"})


class TestAPhoneWithoutPython:
    def test_says_so(self, phone: Adbd) -> None:
        with open_device(phone.name, silent) as device:
            assert device.python is None
            with pytest.raises(DeviceError, match=r"has no Python of at least 3\.10"):
                device.run([PYTHON, "-c", ""], timeout=10, on_line=silent)

    def test_gets_one_that_stands_on_its_own(self, phone: Adbd) -> None:
        """Every library of it and of its children, wherever these run, comes from the working folder."""
        program = """
import ctypes, lzma, sqlite3, ssl, sys
libraries = {line.split()[5] for line in open("/proc/self/maps") if ".so" in line}
print(sys.version_info[0], sys.version_info[1], *libraries)
"""
        parent = f"import os, subprocess, sys; subprocess.run([sys.executable, '-c', {program!r}], cwd='/', check=True)"
        with fetching(), open_device(phone.name, silent) as device:
            python = push_python(device, silent)
            folder = device.run(["pwd"], timeout=10, on_line=silent).output.decode().strip()
            finished = device.run([*python, "-c", parent], timeout=60, on_line=silent)
        assert (finished.status, finished.complaint) == (0, "")
        major, minor, *libraries = finished.output.decode().split()
        assert (int(major), int(minor)) == VERSION
        assert len(libraries) > 5 and all(each.startswith(f"{folder}/") for each in libraries)

    def test_reads_a_page(self, phone: Adbd) -> None:
        with fetching():
            assert read_by(phone) == (os.uname().machine, SAMPLE_TEXT)

    @pytest.mark.slow
    def test_reads_a_page_with_arm64(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As near to a phone as it gets here: adbd, its shell and the Python sent there are all for arm64."""
        with fetching(), adbd.phone(tmp_path, emulated=True) as emulated:
            emulated.use(monkeypatch)
            assert read_by(emulated) == ("aarch64", SAMPLE_TEXT)
            assert emulated.shell(f"ls -A {STORAGE}") == ""

    def test_is_measured(self, phone: Adbd) -> None:
        """With cold starts, for which the Python there starts itself, and with what Android says of the phone."""
        plan = make_plan([None], [str(SAMPLE)], Settings((1,), 1, 0, 1, None, None))
        with fetching():
            result = measure(open_device("adb:", silent), plan, silent)
        assert result.device == phone.name
        assert (result.facts.board, result.facts.system) == ("Xiaomi MI 9", "Android 11")
        assert result.pictures[0].lines == len(SAMPLE_TEXT.splitlines())
        assert result.bundles[0].runs is not None
        assert result.bundles[0].runs[0].cold_start_ms is not None

    def test_has_no_room_for_one(self, phone: Adbd) -> None:
        phone.remount("size=8m")
        try:
            with (
                pytest.raises(DeviceError, match=r"cannot take the files into .*: there is no room left; make"),
                fetching(),
                open_device(phone.name, silent) as device,
            ):
                push_python(device, silent)
        finally:
            phone.remount("size=50%")

    def test_cannot_start_one(self, phone: Adbd) -> None:
        with fetching(), open_device(phone.name, silent) as device:
            phone.remount("noexec")
            try:
                with pytest.raises(
                    DeviceError, match=r"cannot use the one sent there either: .*ermission denied.*; inst"
                ):
                    push_python(device, silent)
            finally:
                phone.remount("exec")
