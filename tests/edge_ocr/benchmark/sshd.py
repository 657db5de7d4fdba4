"""An SSH server of our own on 127.0.0.1, as whoever runs the tests, and an ssh that knows it and nothing else."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

import pytest

from tests.conftest import skip

_PATH = f"{os.environ['PATH']}:/usr/sbin"


@dataclass(frozen=True)
class Sshd:
    """A running server.

    Args:
        port: on 127.0.0.1.
        folder: of its keys, of the configuration of its clients `config`, and of `bin`, which begins their PATH.
        process: the server itself; each connection is a child of it.
        user: whom it lets in.
    """

    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    user: str

    @property
    def name(self) -> str:
        """As the name of a device."""
        return f"ssh://{self.user}@127.0.0.1:{self.port}"

    def cut(self) -> None:
        """End every connection as a network that fails would: with no farewell."""
        for pid in _descendants(self.process.pid):
            with suppress(ProcessLookupError, FileNotFoundError):
                if Path(f"/proc/{pid}/comm").read_text().startswith("sshd"):
                    os.kill(pid, signal.SIGKILL)


@contextmanager
def serving(
    folder: Path, *settings: str, within: Sequence[str] = (), program: str | None = None, user: str | None = None
) -> Iterator[Sshd]:
    """Run a server until the block ends.

    Args:
        folder: an empty one to work in.
        settings: lines for its sshd_config.
        within: a command that runs it, such as one that changes its view of the disks.
        program: the server; None: this machine's.
        user: as whom it runs; None: whoever runs the tests.
    """
    sshd = program or shutil.which("sshd", path=_PATH)
    if sshd is None or shutil.which("ssh") is None:
        skip("sshd", "no SSH server or client here; install openssh-server and openssh-client")
    assert sshd is not None
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where a server that is root gives up being it
    for key in ("host_key", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    port = free_port()
    public = (folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
    (folder / "sshd_config").write_text(
        "\n".join(
            [
                *settings,
                f"ListenAddress 127.0.0.1:{port}",
                f"HostKey {folder}/host_key",
                f"AuthorizedKeysFile {folder}/key.pub",
                "StrictModes no",
                "UsePAM no",
                "PasswordAuthentication no",
                "PidFile none",
                "SetEnv SHLVL=2",  # bash, where it is the login shell, does not read the ~/.bashrc of whoever tests
            ]
        )
    )
    (folder / "config").write_text(
        f"IdentityFile {folder}/key\nIdentitiesOnly yes\nUserKnownHostsFile {folder}/known_hosts\n"
        f"Host board\n    HostName 127.0.0.1\n    Port {port}\n"
    )
    # ssh reads the configuration of whom the system knows its user to be, whatever $HOME says.
    client = folder / "bin" / "ssh"
    client.parent.mkdir()
    client.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {shlex.quote(str(folder / "config"))} "$@"\n')
    client.chmod(0o755)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*within, sshd, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log, start_new_session=True
        )
    server = Sshd(port, folder, process, user or getuser())
    try:
        _wait_for(port, process, folder / "log")
        yield server
    finally:
        server.cut()
        process.kill()
        process.wait()


def use(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the `ssh` of this test be one that knows the server."""
    monkeypatch.setenv("PATH", f"{server.folder / 'bin'}:{os.environ['PATH']}")


def login_shell(folder: Path, script: str) -> str:
    """A setting that puts a script between the server and what it is asked to run."""
    shell = folder / "login-shell"
    shell.write_text(f"#!/bin/sh\n{script}\n")
    shell.chmod(0o755)
    return f"ForceCommand {shell}"


def own_disks(mount: str) -> list[str]:
    """A command that runs another, such as a server, with a view of the disks of its own, changed by a script."""
    unshare = ["unshare", "--mount", "--propagation", "private"]
    try:
        tried = subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    except FileNotFoundError:
        skip("mount", "there is no unshare here")
    if tried.returncode:
        skip("mount", f"no file system can be mounted in a namespace of one's own ({tried.stderr.decode().strip()})")
    return [*unshare, "sh", "-e", "-c", f'{mount}\nexec "$@"', "sh"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail(f"sshd does not start: {log.read_text()}")


def _descendants(pid: int) -> list[int]:
    """Children of a process, and theirs."""
    with suppress(FileNotFoundError):
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return children + [each for child in children for each in _descendants(child)]
    return []
