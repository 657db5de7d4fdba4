"""Devices by SSH: how they are named, and every way in which they can fail, with a real server of our own."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge_ocr.benchmark.host.devices import open_device, ssh
from edge_ocr.benchmark.host.devices.base import PYTHON
from edge_ocr.errors import DeviceError
from tests.edge_ocr.benchmark.sshd import Sshd, free_port, login_shell, own_disks, serving, use

Serve = Callable[..., Sshd]


def silent(line: str) -> None:
    """Pass over what a device says."""


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts a server with these settings, which is the one that `ssh` knows until the test ends."""
    with ExitStack() as servers:

        def start(*settings: str, within: Sequence[str] = ()) -> Sshd:
            server = servers.enter_context(serving(tmp_path, *settings, within=within))
            use(server, monkeypatch)
            return server

        yield start


def refusal(name: str) -> str:
    """The sentence with which a device refuses to be entered."""
    with pytest.raises(DeviceError) as raised, open_device(name, silent):
        pass
    sentence = str(raised.value)
    assert "\n" not in sentence and name in sentence
    return sentence


def left_behind() -> set[Path]:
    return {*Path("/var/tmp").glob("edge-ocr.*"), *Path("/tmp").glob(".edge-ocr-*")}


@pytest.mark.parametrize(
    "name",
    [
        "ssh://", "ssh://@host", "ssh://-oProxyCommand=reboot", "ssh://user@-host", "ssh://-user@host", "ssh://a b",
        "ssh://host;reboot", "ssh://$(reboot)@host", "ssh://host:port", "ssh://host:65536", "ssh://host:0", "ssh://host/path",
        "ssh://user:password@host", "ssh://::1", "ssh://[-o]", "ssh://host\n", "ssh://host%h",
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(DeviceError, match="names no device; write it as ssh://user@host or ssh://user@host:port"):
        open_device(name, silent)


@pytest.mark.parametrize("name", ["pi", "usb:1", "ssh:pi", "SSH://pi", "", "local "])
def test_an_unknown_kind_of_device_is_refused(name: str) -> None:
    with pytest.raises(DeviceError, match=r"name it as local, ssh://user@host.*adb:SERIAL or qemu:CPU"):
        open_device(name, silent)


def test_the_users_configuration_counts(serve: Serve) -> None:
    """Address, port and key of `board` stand there alone; what would only be in the way is overruled."""
    server = serve()
    with (server.folder / "config").open("a") as config:
        config.write(
            "RequestTTY force\nRemoteCommand reboot\nControlMaster auto\nControlPath /nowhere/%r\nControlPersist 60\n"
            "PermitLocalCommand yes\nLocalCommand echo local\nLocalForward 1 localhost:1\n"
        )
    with open_device("ssh://board", silent) as device:
        assert device.run(["echo", "here"], timeout=30, on_line=silent).output == b"here\n"


def test_one_connection_serves_all(serve: Serve) -> None:
    server = serve()
    with open_device(server.name, silent) as device:
        device.push({"file": b"content"})
        device.run(["true"], timeout=30, on_line=silent)
        device.pull("file")
    assert (server.folder / "log").read_text().count("Accepted publickey") == 1


def test_a_server_that_allows_one_session_gets_more_connections(serve: Serve) -> None:
    server = serve("MaxSessions 1")
    with open_device(server.name, silent) as device:
        device.push({"file": b"content"})
        assert device.pull("file") == b"content"
        assert (
            device.run(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout=30, on_line=silent).complaint == "err\n"
        )


def test_a_shell_that_greets_is_no_trouble(serve: Serve, tmp_path: Path) -> None:
    greeting = 'echo "Welcome, machine armv6l"; printf "no end of line"; echo ready >&2; eval "$SSH_ORIGINAL_COMMAND"'
    server = serve(login_shell(tmp_path, greeting))
    content = bytes(range(256))
    heard: list[str] = []
    with open_device(server.name, silent) as device:
        device.push({"file": content})
        assert device.pull("file") == content
        finished = device.run(["sh", "-c", "echo out; echo err >&2"], timeout=30, on_line=heard.append)
    assert device.machine == os.uname().machine
    assert (finished.output, finished.complaint, heard) == (b"out\n", "err\n", ["err"])


@pytest.mark.parametrize("shell", ["bash", "busybox", "dash", "fish", "mksh", "zsh"])
def test_any_shell_will_do(serve: Serve, tmp_path: Path, shell: str) -> None:
    """As the user's login shell and, except for fish, as the system's own."""
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"no {shell} here")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sh").symlink_to("/bin/sh" if shell == "fish" else path)
    login = path if shell == "fish" else tools / "sh"
    server = serve(login_shell(tmp_path, f'PATH={tools}:$PATH; exec {login} -c "$SSH_ORIGINAL_COMMAND"'))
    arguments = ["two words", "it's", '"$HOME" `id` \\ !!', "*"]
    with open_device(server.name, silent) as device:
        device.push({"it's a file": b"content"})
        assert device.pull("it's a file") == b"content"
        finished = device.run(["printf", "%s|", *arguments], timeout=30, on_line=silent)
        assert finished.output.decode() == "".join(f"{each}|" for each in arguments)
        with pytest.raises(DeviceError, match="had not ended"):
            device.run(["sleep", "600"], timeout=0.5, on_line=silent)


def test_a_name_that_nobody_knows(serve: Serve) -> None:
    serve()
    assert "check its spelling" in refusal("ssh://pi@no-such-board.invalid")


def test_nothing_listens(serve: Serve) -> None:
    serve()
    assert "nothing listens for SSH there; enable SSH" in refusal(f"ssh://pi@127.0.0.1:{free_port()}")


def test_something_listens_but_does_not_answer(serve: Serve) -> None:
    server = serve()
    ssh = server.folder / "bin" / "ssh"
    ssh.write_text(ssh.read_text().replace(" -F ", " -o ConnectTimeout=1 -F "))
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert "it does not answer; see that" in refusal(f"ssh://pi@127.0.0.1:{mute.getsockname()[1]}")


def test_a_key_that_is_not_accepted(serve: Serve) -> None:
    server = serve()
    (server.folder / "key.pub").write_text((server.folder / "host_key.pub").read_text())
    port, user = server.port, server.name.removeprefix("ssh://").partition("@")[0]
    assert (
        f"accepts none of your keys, and passwords cannot be asked for here; run once: ssh-copy-id -p {port} {user}@"
        in (refusal(server.name))
    )


def test_a_host_key_that_is_not_known(serve: Serve) -> None:
    server = serve()
    (server.folder / "known_hosts").write_text("")
    assert f"connect once by hand and confirm it: ssh -p {server.port} " in refusal(server.name)


def test_a_host_key_that_has_changed(serve: Serve) -> None:
    server = serve()
    (server.folder / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {(server.folder / 'key.pub').read_text()}")
    sentence = refusal(server.name)
    assert "its host key has changed; if the device was set up anew" in sentence
    assert f"remove its old key from {server.folder / 'known_hosts'}:1, " in sentence


def test_no_folder_for_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "sibling", lambda place: Path("/nowhere/folder"))
    with pytest.raises(DeviceError, match="no folder for the connection's socket can be made in /tmp: "):
        open_device("ssh://pi@board", silent).__enter__()


def test_no_ssh_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "needs the program ssh; install it" in refusal("ssh://pi@board")


def test_an_account_that_runs_nothing(serve: Serve, tmp_path: Path) -> None:
    server = serve(login_shell(tmp_path, "echo This account is currently not available.; exit 1"))
    assert "This account is currently not available." in refusal(server.name)


def test_no_python_there(serve: Serve, tmp_path: Path) -> None:
    """A system with a shell and its tools, and a Python that is too old."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "mktemp", "chmod", "rm", "mkdir", "uname", "sleep", "tar", "cat"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    (tools / "python3").write_text('#!/bin/sh\necho "python 3 9 $3"\nexit 1\n')
    (tools / "python3").chmod(0o755)
    server = serve(login_shell(tmp_path, f'PATH={tools}; eval "$SSH_ORIGINAL_COMMAND"'))
    with open_device(server.name, silent) as device:
        assert device.python is None
        device.push({"file": b"content"})
        assert device.pull("file") == b"content"
        with pytest.raises(DeviceError, match=rf"no Python of at least 3.10 \({tools}/python3 is 3.9\); install"):
            device.run([PYTHON, "-V"], timeout=30, on_line=silent)


def test_no_tar_there(serve: Serve, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("sh", "mktemp", "chmod", "rm", "mkdir", "uname", "sleep", "cat"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    (tools / "python3").symlink_to(os.path.realpath(sys.executable))
    server = serve(login_shell(tmp_path, f'PATH={tools}; eval "$SSH_ORIGINAL_COMMAND"'))
    with open_device(server.name, silent) as device:
        device.push({"folder/file": b"content"})
        assert device.pull("folder/file") == b"content"


def test_the_link_is_lost_while_a_program_runs(serve: Serve) -> None:
    server = serve()
    before = left_behind()
    program = "import os, time; os.write(2, b'go\\n'); time.sleep(600)"
    begin = time.monotonic()
    lost = pytest.raises(DeviceError, match=r"the link was lost while .* ran.*; see that the device has power")
    with lost, open_device(server.name, silent) as device:
        folder = device.run(["pwd"], timeout=30, on_line=silent).output.decode().strip()
        device.run([PYTHON, "-c", program], timeout=600, on_line=lambda line: server.cut())
    assert time.monotonic() - begin < 30
    for _ in range(100):
        if left_behind() <= before:
            break
        time.sleep(0.05)
    assert not Path(folder).exists() and left_behind() <= before


def test_the_link_is_lost_between_two_calls(serve: Serve) -> None:
    server = serve()
    with pytest.raises(DeviceError, match="the link was lost while file"), open_device(server.name, silent) as device:
        server.cut()
        device.pull("file")


def test_the_link_is_lost_at_the_end(serve: Serve) -> None:
    server = serve()
    with pytest.raises(DeviceError, match="may not have been removed; look"), open_device(server.name, silent):
        server.cut()


def test_a_full_disk(serve: Serve, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    server = serve(f"SetEnv TMPDIR={small}", within=own_disks(f"mount -t tmpfs -o size=1m none {small}"))
    with open_device(server.name, silent) as device:
        device.push({"fits": bytes(500_000)})
        with pytest.raises(DeviceError, match=r"cannot take the files into .*: there is no room left; make room there"):
            device.push({"too large": bytes(2_000_000)})
        assert device.pull("fits") == bytes(500_000)


@pytest.mark.parametrize("option", ["ro", "noexec"])
def test_a_disk_that_serves_for_nothing_is_passed_over(serve: Serve, tmp_path: Path, option: str) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    server = serve(f"SetEnv TMPDIR={bad}", within=own_disks(f"mount -t tmpfs -o {option} none {bad}"))
    with open_device(server.name, silent) as device:
        folder = device.run(["pwd"], timeout=30, on_line=silent).output.decode()
    assert re.match(r"/var/tmp/edge-ocr\.", folder)


@pytest.mark.parametrize("option", ["ro", "noexec"])
def test_no_disk_that_serves(serve: Serve, option: str) -> None:
    """All folders where temporary files could go are mounted once more, for this server alone."""
    again = f'mount --bind "$folder" "$folder" && mount -o remount,bind,{option} "$folder" || exit'
    server = serve(within=own_disks(f'for folder in /var/tmp /tmp "$HOME"; do {again}; done'))
    assert "there can be written to and run programs from" in refusal(server.name)
