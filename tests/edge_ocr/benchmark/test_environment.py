"""What a device gets so that edge_ocr runs there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from edge_ocr.benchmark.host.devices import open_device
from edge_ocr.benchmark.host.devices.base import PYTHON, Finished
from edge_ocr.benchmark.host.devices.local import LocalDevice
from edge_ocr.benchmark.host.environment import prepare
from edge_ocr.bundle import Bundle
from edge_ocr.errors import BenchmarkError, DeviceError, EngineError
from edge_ocr.manifest import Manifest
from tests.conftest import skip
from tests.edge_ocr.benchmark.sshd import Sshd, login_shell, own_disks, serving, use

READ = """
import sys
import edge_ocr
from edge_ocr import OCR
print(edge_ocr.__file__, sys.version_info[:2], OCR("bundle").read("sample.png").text)
"""


@pytest.fixture
def manifest(bundle_folder: Path) -> Manifest:
    return Bundle.open(str(bundle_folder)).manifest


@pytest.fixture
def bare_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """A device by SSH with the Python that runs this, but none of its packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    sshd = tmp_path / "sshd"
    sshd.mkdir()
    with serving(sshd, login_shell(sshd, f'PATH={tmp_path}/venv/bin:$PATH; eval "$SSH_ORIGINAL_COMMAND"')) as server:
        use(server, monkeypatch)
        yield server


def silent(line: str) -> None:
    """Pass over what a device says."""


def test_a_python_that_has_it_all_is_used_as_it_is(manifest: Manifest, bundle_folder: Path) -> None:
    notes: list[str] = []
    with open_device("local", notes.append) as device:
        python = prepare(device, [manifest], None, notes.append)
        place = device.run([*python, "-c", "import edge_ocr; print(edge_ocr.__file__)"], timeout=60, on_line=silent)
        folder = device.run(["pwd", "-P"], timeout=30, on_line=silent).output.decode().strip()
        assert place.output.decode().startswith(f"{folder}/edge_ocr/")
        assert device.run(["test", "-e", "numpy"], timeout=30, on_line=silent).status == 1
    assert python == (PYTHON,) and notes == []


def test_a_bare_python_gets_the_libraries(bare_board: Sshd, manifest: Manifest, bundle_folder: Path) -> None:
    """It reads a picture; what says so is the text in it."""
    from edge_ocr.doctor import SAMPLE, SAMPLE_TEXT

    notes: list[str] = []
    with open_device(bare_board.name, notes.append) as device:
        try:
            python = prepare(device, [manifest], None, notes.append)
        except DeviceError:
            raise
        except BenchmarkError as problem:
            skip("network", str(problem))
        device.push({"bundle": bundle_folder, "sample.png": SAMPLE})
        read = device.run([*python, "-c", READ], timeout=120, on_line=silent)
        assert (read.status, SAMPLE_TEXT) == (0, SAMPLE_TEXT if SAMPLE_TEXT in read.output.decode() else read)
        assert str(sys.version_info[:2]) in read.output.decode()
    assert any("No module named 'cv2'" in note for note in notes)


def test_no_room_is_told_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manifest: Manifest
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    sshd = tmp_path / "sshd"
    sshd.mkdir()
    settings = [f"SetEnv TMPDIR={small}"]
    with serving(sshd, *settings, within=own_disks(f"mount -t tmpfs -o size=256k none {small}")) as server:
        use(server, monkeypatch)
        with open_device(server.name, silent) as device:
            with pytest.raises(
                DeviceError, match=r"has 0 MB free where its temporary files go, but \d MB are needed; make"
            ):
                prepare(device, [manifest], None, silent)
            assert device.run(["ls"], timeout=30, on_line=silent).output == b""


def test_an_engine_that_nobody_has_is_refused_first(manifest: Manifest) -> None:
    class Untouched(LocalDevice):
        def push(self, files: Mapping[str, Path | bytes]) -> None:
            pytest.fail("the device was used")

    with Untouched("local") as device, pytest.raises(EngineError, match="no engine 'paddle' runs models"):
        prepare(device, [manifest], "paddle", silent)


class OldPi(LocalDevice):
    """A board with a 32-bit system, and a Python that has nothing; such a one is not at hand."""

    complaint = "No module named 'cv2'\n"

    def __enter__(self) -> OldPi:
        super().__enter__()
        self.machine = "armv7l"
        return self

    def run(self, arguments: Sequence[str], *, timeout: float, on_line: Callable[[str], None]) -> Finished:
        if arguments[0] == PYTHON:
            return Finished(1, b'{"glibc": "2.36", "bits": 32}\n', self.complaint)
        return super().run(arguments, timeout=timeout, on_line=on_line)


def test_a_32_bit_system_is_told_what_to_do(manifest: Manifest) -> None:
    sentence = r"a system for armv7l, to which .*lacks \(No module named 'cv2'\); install a 64-bit system"
    with OldPi("local") as device, pytest.raises(DeviceError, match=sentence):
        prepare(device, [manifest], None, silent)


def test_a_python_that_fails_without_a_word_has_failed(manifest: Manifest) -> None:
    with OldPi("local") as device:
        device.complaint = "\n"  # of an exception that has no message
        with pytest.raises(DeviceError, match=r"lacks \(Python there ended with status 1\)"):
            prepare(device, [manifest], None, silent)
