"""The CPUs that can be emulated, and the files by which Linux describes them to programs.

QEMU's user mode tells a program the truth about its CPU in the auxiliary vector, but lets it read this machine's own
/proc/cpuinfo and /sys. Libraries that look there, such as pytorch's cpuinfo inside XNNPACK and onnxruntime, would find
an x86 and crash, or choose other kernels than on a board. So the root that QEMU shows the program holds such files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class CPU:
    """An emulated CPU, and the board that it stands for.

    Attributes:
        name: such as cortex-a72.
        model: as QEMU 7.2 takes it.
        board: what has it.
        part: primary part number, see `Main ID Register` in the Arm Cortex manuals; the implementer is Arm.
        variant: of that, r*n*p*m* is n.
        revision: the m.
        features: as Linux calls them, in its order: exactly those that QEMU has for this model.
        cores: of the board.
        megahertz: of the board, lowest and highest.
    """

    name: str
    model: str
    board: str
    part: int
    variant: int
    revision: int
    features: str
    cores: int
    megahertz: tuple[int, int]

    def files(self) -> Mapping[str, str]:
        """Path from the root -> content of the files by which Linux describes this CPU."""
        last = self.cores - 1
        cores = f"0-{last}\n"
        files = {
            "proc/cpuinfo": "".join(self._cpuinfo(core) for core in range(self.cores)),
            "proc/device-tree/model": f"QEMU {self.name}, as in {self.board}\0",
            "sys/devices/system/cpu/possible": cores,
            "sys/devices/system/cpu/present": cores,
            "sys/devices/system/cpu/online": cores,
            "sys/devices/system/cpu/kernel_max": "255\n",
        }
        for core in range(self.cores):
            folder = f"sys/devices/system/cpu/cpu{core}"
            files[f"{folder}/cpufreq/cpuinfo_min_freq"] = f"{1000 * self.megahertz[0]}\n"
            files[f"{folder}/cpufreq/cpuinfo_max_freq"] = f"{1000 * self.megahertz[1]}\n"
            files[f"{folder}/topology/physical_package_id"] = "0\n"
            files[f"{folder}/topology/core_id"] = f"{core}\n"
            files[f"{folder}/topology/core_siblings"] = f"{(1 << self.cores) - 1:x}\n"
            files[f"{folder}/topology/core_siblings_list"] = cores
            files[f"{folder}/topology/thread_siblings_list"] = f"{core}\n"
        return files

    def _cpuinfo(self, core: int) -> str:
        rows = {
            "processor\t": core,
            "BogoMIPS\t": "108.00",
            "Features\t": self.features,
            "CPU implementer\t": "0x41",
            "CPU architecture": 8,
            "CPU variant\t": f"0x{self.variant:x}",
            "CPU part\t": f"0x{self.part:x}",
            "CPU revision\t": self.revision,
        }
        return "".join(f"{key}: {value}\n" for key, value in rows.items()) + "\n"


_ARMV8 = "fp asimd aes pmull sha1 sha2 crc32 cpuid"
_ARMV8_2 = "fp asimd aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
_ARMV8_6 = (
    "fp asimd aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc dcpop sha3 sm3 sm4 "
    "asimddp sha512 asimdfhm ilrcpc flagm sb paca pacg dcpodp flagm2 frint i8mm bf16 rng bti mte"
)

CPUS = {
    cpu.name: cpu
    for cpu in (
        CPU("cortex-a53", "cortex-a53", "Raspberry Pi 3 and Zero 2 W", 0xD03, 0, 4, _ARMV8, 4, (600, 1400)),
        CPU("cortex-a72", "cortex-a72", "Raspberry Pi 4", 0xD08, 0, 3, _ARMV8, 4, (600, 1500)),
        CPU("cortex-a76", "cortex-a76", "Raspberry Pi 5", 0xD0B, 4, 1, _ARMV8_2, 4, (1500, 2400)),
        CPU("neoverse-n1", "neoverse-n1", "arm64 servers, as Ampere Altra", 0xD0C, 3, 1, _ARMV8_2, 4, (1000, 3000)),
        # Not QEMU's `max` as it is: no board has its long vectors (SVE, SME), and the standard's way to sign pointers
        # is slow to emulate.
        CPU(
            "i8mm",
            "max,sve=off,pauth-impdef=on",
            "Armv8.6 phones, as Cortex-A710",
            0xD47,
            2,
            0,
            _ARMV8_6,
            8,
            (300, 2500),
        ),
    )
}
"""Name -> CPU: the older NEON multiplications (A53, A72), with dot products (A76, N1), with matrix products (i8mm)."""
