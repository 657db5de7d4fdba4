"""What every device promises, on each of them: this machine, a real SSH server, a real adbd, an emulated processor."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_ocr.benchmark.host.devices import open_device
from edge_ocr.benchmark.host.devices.base import PYTHON, Device
from edge_ocr.benchmark.host.emulation.emulator import Emulator
from edge_ocr.errors import DeviceError
from tests.edge_ocr.benchmark.adbd import Adbd, board
from tests.edge_ocr.benchmark.sshd import Sshd, serving, use

DEVICES = ("local", "ssh", "adb", "qemu")
ODD_NAMES = (
    "with space",
    "quotes ' \" `",
    "dollar $HOME",
    "line\nbreak",
    "文字 é",
    "-rf",
    "back\\slash",
    "folder/in folder/a*",
    "x" * 200,
)

UNTIL_KILLED = "echo $$ >pid; echo go >&2; while :; do sleep 1; done"


def silent(line: str) -> None:
    """Pass over what a device says."""


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with serving(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def ssh_name(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> str:
    use(sshd, monkeypatch)
    return sshd.name


@pytest.fixture(scope="module")
def adbd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adbd]:
    with board(tmp_path_factory.mktemp("adbd")) as device:
        yield device


@pytest.fixture
def adb_name(adbd: Adbd, monkeypatch: pytest.MonkeyPatch) -> str:
    adbd.use(monkeypatch)
    return adbd.name


@pytest.fixture
def qemu_name(emulator: Emulator) -> str:
    return "qemu:cortex-a76"


@pytest.fixture
def local_name() -> str:
    return "local"


@pytest.fixture(params=DEVICES)
def name(request: pytest.FixtureRequest) -> str:
    """The name of a device, which is there until the test ends: from the fixture `<kind>_name`."""
    return str(request.getfixturevalue(f"{request.param}_name"))


def working_folder(device: Device) -> Path:
    """The device's working folder, which lies on this machine for every device here."""
    return Path(device.run(["pwd", "-P"], timeout=30, on_line=silent).output.decode().rstrip("\n"))


def started(device: Device, name: str) -> int:
    """Process number in the file that a program wrote when it started."""
    return int(device.pull(name))


def runs(pid: int) -> bool:
    """Whether a process runs; one that is dead but not yet waited for does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def wait_until(holds: Callable[[], bool]) -> bool:
    """Whether something holds, now or within some seconds."""
    for _ in range(200):
        if holds():
            return True
        time.sleep(0.05)
    return False


def test_it_knows_its_processor_and_python(name: str) -> None:
    with open_device(name, silent) as device:
        machine = device.run(["uname", "-m"], timeout=30, on_line=silent).output.decode().strip()
        program = "import platform, sys; print(*sys.version_info[:2], platform.machine())"
        told = device.run([PYTHON, "-c", program], timeout=60, on_line=silent).output.decode().split()
        assert device.name == name
        assert device.emulated or device.machine == machine
        assert told == [*map(str, device.python or ()), device.machine]


def test_files_and_folders_arrive_and_come_back(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner" / "empty").mkdir(parents=True)
    (folder / "inner" / "program").write_text("#!/bin/sh\necho runs\n")
    (folder / "inner" / "program").chmod(0o755)
    (folder / "link").symlink_to("inner/program")
    binary = bytes(range(256)) * 4096
    with open_device(name, silent) as device:
        device.push({"folder": folder, "some/where/data": binary, "program": folder / "link"})
        device.push({"folder/more": b"", "empty": b""})
        assert device.pull("some/where/data") == binary
        assert device.pull("folder/more") == b""
        assert device.pull("folder/link") == device.pull("program") == (folder / "link").read_bytes()
        assert device.run(["folder/inner/program"], timeout=30, on_line=silent).output == b"runs\n"
        assert device.run(["test", "-d", "folder/inner/empty"], timeout=30, on_line=silent).status == 0


def test_odd_names_are_only_names(name: str) -> None:
    with open_device(name, silent) as device:
        device.push({each: each.encode() for each in ODD_NAMES})
        for each in ODD_NAMES:
            assert device.pull(each) == each.encode()
        read = device.run(["cat", *(f"./{each}" for each in ODD_NAMES)], timeout=30, on_line=silent)
        assert (read.status, read.output.decode()) == (0, "".join(ODD_NAMES))


@pytest.mark.parametrize("bad", ["/etc/passwd", "../up", "a/../../up", "", ".", "nul\0"])
def test_no_name_leads_out_of_the_folder(bad: str) -> None:
    with open_device("local", silent) as device:
        with pytest.raises(ValueError, match="no name in the working folder"):
            device.push({bad: b""})
        with pytest.raises(ValueError, match="no name in the working folder"):
            device.pull(bad)


def test_arguments_status_and_output(name: str) -> None:
    program = "import sys; print(*sys.argv[1:], sep='|', end=''); print('said', file=sys.stderr); sys.exit(7)"
    arguments = ["", "two words", 'it\'s "$HOME" `id` \\', "*", "line\nbreak", "-e", "文"]
    with open_device(name, silent) as device:
        finished = device.run([PYTHON, "-c", program, *arguments], timeout=60, on_line=silent)
        assert finished.status == 7
        assert finished.output.decode() == "|".join(arguments)
        assert finished.complaint == "said\n"
        assert device.run([PYTHON, "-c", "exit(255)"], timeout=60, on_line=silent).status == 255
        assert device.run(["no-such-program"], timeout=30, on_line=silent).status == 127
        assert device.run(["cat"], timeout=30, on_line=silent).output == b""


def test_a_signal_is_no_exit_status(name: str) -> None:
    with open_device(name, silent) as device:
        for number in (signal.SIGKILL, signal.SIGSEGV):
            killed = device.run(["sh", "-c", f"kill -{int(number)} $$"], timeout=30, on_line=silent)
            assert killed.status == -number


def test_lines_arrive_while_the_program_runs(name: str) -> None:
    """The second line is written only after the first has been answered, in a file that the test puts there."""
    program = r"printf 'first\nunder' >&2; until [ -e answer ]; do sleep 0.05; done; printf 'way\nlast' >&2"
    heard: list[str] = []
    with open_device(name, silent) as device:

        def hear(line: str) -> None:
            heard.append(line)
            if line == "first":
                device.push({"answer": b""})

        finished = device.run(["sh", "-c", program], timeout=30, on_line=hear)
    assert heard == ["first", "underway", "last"]
    assert finished.complaint.split("\n")[:3] == heard


def test_large_output_on_both_streams(name: str) -> None:
    content, line = bytes(range(256)) * 256, "x" * 65535
    heard: list[str] = []
    with open_device(name, silent) as device:
        device.push({"content": content, "line": f"{line}\n".encode()})
        program = "for _ in 1 2 3 4 5 6 7 8; do cat content content content content; cat line line >&2; done"
        finished = device.run(["sh", "-c", program], timeout=30, on_line=heard.append)
    assert finished.output == content * 32
    assert heard == [line] * 16


def test_a_file_that_is_not_there(name: str) -> None:
    with open_device(name, silent) as device:
        device.push({"folder/file": b""})
        for missing in ("nothing", "no/thing", "folder"):
            with pytest.raises(DeviceError, match=rf"cannot give the file '{missing}'.*; "):
                device.pull(missing)


def test_time_over_kills_the_program_and_its_children(name: str) -> None:
    program = "sleep 600 & echo $$ >parent; echo $! >child; trap '' HUP TERM; while :; do sleep 1; done"
    with open_device(name, silent) as device:
        with pytest.raises(DeviceError, match=r"had not ended after 1.5 seconds and was killed; "):
            device.run(["sh", "-c", program], timeout=1.5, on_line=silent)
        pids = [started(device, each) for each in ("parent", "child")]
        assert wait_until(lambda: not any(map(runs, pids)))
        assert device.run(["echo", "well"], timeout=30, on_line=silent).output == b"well\n"


def test_nothing_is_left_afterwards(name: str) -> None:
    with open_device(name, silent) as device:
        folder = working_folder(device)
        device.push({"folder/file": b""})
        device.run(["chmod", "0500", "folder"], timeout=30, on_line=silent)
        assert folder.is_dir()
    assert not folder.exists()


def test_nothing_is_left_after_an_exception(name: str) -> None:
    pid = 0
    with pytest.raises(ZeroDivisionError), open_device(name, silent) as device:
        folder = working_folder(device)

        def fail(line: str) -> None:
            nonlocal pid
            pid = started(device, "pid")
            raise ZeroDivisionError

        device.run(["sh", "-c", UNTIL_KILLED], timeout=60, on_line=fail)
    assert not folder.exists()
    assert wait_until(lambda: not runs(pid))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_when_this_side_is_killed(name: str, number: signal.Signals) -> None:
    host = f"""
from edge_ocr.benchmark.host.devices import open_device
with open_device({name!r}, print) as device:
    def tell(line):
        folder = device.run(["pwd", "-P"], timeout=30, on_line=print).output.decode()
        print(folder + device.pull("pid").decode(), flush=True)
    device.run(["sh", "-c", {UNTIL_KILLED!r}], timeout=600, on_line=tell)
"""
    with subprocess.Popen(
        [sys.executable, "-c", host], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        folder, pid = Path(process.stdout.readline().rstrip("\n")), int(process.stdout.readline())
        assert folder.is_dir() and runs(pid)
        process.send_signal(number)
    assert wait_until(lambda: not folder.exists() and not runs(pid))


def test_two_at_once_do_not_meet(name: str) -> None:
    with open_device(name, silent) as one, open_device(name, silent) as other:
        one.push({"file": b"one"})
        other.push({"file": b"other"})
        with pytest.raises(DeviceError, match="had not ended"):
            other.run(["sleep", "600"], timeout=0.5, on_line=silent)
        assert (one.pull("file"), other.pull("file")) == (b"one", b"other")


def test_it_can_be_entered_again(name: str) -> None:
    device = open_device(name, silent)
    folders = set()
    for _ in range(2):
        with device:
            folders.add(working_folder(device))
    assert len(folders) == 2
