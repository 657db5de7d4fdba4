"""A board with 64-bit ARM, all of it emulated but its kernel: Debian's files for arm64, and in them Debian's sshd.

QEMU runs every program there, as the kernel is told by binfmt_misc. Since Linux 6.7 a user namespace has one of its
own, so that nobody need be root, nothing else on this machine learns of it, and nothing is left afterwards.
"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_ocr.benchmark.host.debian import debian_root
from tests.conftest import skip
from tests.edge_ocr.benchmark.sshd import Sshd, serving

USER = "pi"
CPU = "cortex-a76"

_PACKAGES = ("coreutils", "dash", "libstdc++6", "openssh-server", "python3", "tar")

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

_NAMESPACES = ["unshare", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"]

# An ELF file for 64-bit ARM; F: the kernel opens QEMU now, so that the board need not have it.
_AARCH64 = (
    r":aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
    r":\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:%s:F"
)

_MOUNT = "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc"

REGISTER = f"""\
{_MOUNT}
printf '{_AARCH64}' "$qemu" >/proc/sys/fs/binfmt_misc/register
"""
"""Shell script that lets the program of `emulator`, named by $qemu, run the programs for arm64 in a user namespace."""

_BOOT = f"""\
qemu=$1 debian=$2 board=$3 keys=$4
shift 4
{REGISTER}
mount --bind "$debian/usr" "$board/usr"
mount --bind "$keys" "$board$keys"
mount -t proc none "$board/proc"
mount --rbind /sys "$board/sys"
for device in null zero urandom; do
    : >"$board/dev/$device"
    mount --bind "/dev/$device" "$board/dev/$device"
done
# No longer as root: an sshd that is only a user asks for less.
QEMU_CPU={CPU} exec unshare --user --map-user=1000 --map-group=1000 --root="$board" "$@"
"""


def emulator() -> Path:
    """The QEMU that runs programs for arm64 here; skips the test where none may be registered."""
    tried = subprocess.run([*_NAMESPACES, "sh", "-c", _MOUNT], capture_output=True, check=False)
    if tried.returncode:
        skip("binfmt", f"no binfmt_misc of one's own here, as since Linux 6.7 ({tried.stderr.decode().strip()})")
    return debian_root(["qemu-user"], _ARCHITECTURES[platform.machine()], note=print) / "usr/bin/qemu-aarch64"


@contextmanager
def emulated_board(folder: Path) -> Iterator[Sshd]:
    """A board that is on, until the block ends; its files are those in `folder / "board"`.

    Args:
        folder: to be made, and worked in.
    """
    qemu = emulator()
    debian = debian_root(_PACKAGES, "arm64", note=print)
    keys, board = folder / "keys", folder / "board"
    keys.mkdir(parents=True)
    for place in ("usr", "dev", "proc", "sys", "tmp", "run/sshd", "var/tmp", "var/empty", f"home/{USER}", "etc/ssh"):
        (board / place).mkdir(parents=True)
    (board / str(keys).lstrip("/")).mkdir(parents=True)
    for link in ("bin", "lib", "sbin"):
        (board / link).symlink_to(f"usr/{link}")
    (board / "etc/passwd").write_text(f"{USER}:*:1000:1000::/home/{USER}:/bin/sh\n")
    within = [*_NAMESPACES, "sh", "-e", "-c", _BOOT, "sh", str(qemu), str(debian), str(board), str(keys)]
    with serving(keys, f"SetEnv QEMU_CPU={CPU}", within=within, program="/usr/sbin/sshd", user=USER) as server:
        yield server
