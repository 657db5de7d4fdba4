"""A process that loads a bundle, reads pictures and does nothing else, and how long that takes from its start.

The process is `python -m edge_ocr.benchmark.start ERRAND`, with an `Errand` as JSON. To standard output it writes the
milliseconds of loading, as soon as the first picture has been read; then the most bytes that it has held.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_ocr.errors import BenchmarkError, EdgeOCRError

_REFUSED = 2


@dataclass(frozen=True)
class Errand:
    """What a process is to read, and how.

    Attributes:
        bundle: as for `Bundle.open`.
        engine: as for `OCR`, and so the next two.
        threads: see there.
        det_side: see there.
        pictures: paths, at least one.
    """

    bundle: str | None
    engine: str | None
    threads: int
    det_side: int | None
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class Start:
    """What came of one process.

    Attributes:
        first_text_ms: from before it was started to the text of the first picture.
        load_ms: of that, `OCR(...)`, once it was imported: bundle read and checked, engine imported, models loaded.
        peak_bytes: the most memory that it held until all pictures were read.
    """

    first_text_ms: float
    load_ms: float
    peak_bytes: int


def start(errand: Errand) -> Start:
    """Send a process on an errand; BenchmarkError where it fails."""
    command = [sys.executable, "-m", "edge_ocr.benchmark.start", json.dumps(asdict(errand))]
    begin = time.perf_counter()
    # without a buffer, in which the second line could be lost before communicate() looks for it
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        try:
            assert process.stdout is not None
            load_ms = process.stdout.readline()
            first_text_ms = (time.perf_counter() - begin) * 1000
            peak_bytes, said = process.communicate()
        except BaseException:
            process.kill()
            raise
    complaint = said.decode(errors="replace").strip()
    if process.returncode == _REFUSED:
        raise BenchmarkError(complaint)
    reading = f"a process that reads {errand.pictures[0]} with --threads {errand.threads}"
    if process.returncode < 0:
        raise BenchmarkError(
            f"{reading} was killed by signal {-process.returncode}, for which too little memory is the usual reason; "
            "ask for fewer threads, or for smaller pictures"
        )
    if process.returncode:
        reason = (complaint.splitlines() or ["without a word"])[-1]
        raise BenchmarkError(f"{reading} ended with status {process.returncode} ({reason}); run edge-ocr doctor")
    return Start(first_text_ms, float(load_ms), int(peak_bytes))


def _run(errand: Errand) -> None:
    """The process itself; EdgeOCRError as `OCR` raises it."""
    from edge_ocr.ocr import OCR

    begin = time.perf_counter()
    ocr = OCR(errand.bundle, engine=errand.engine, threads=errand.threads, det_side=errand.det_side)
    loaded = time.perf_counter()
    first, *others = errand.pictures
    ocr.read(first)
    print((loaded - begin) * 1000, flush=True)
    for picture in others:
        ocr.read(picture)
    print(_peak_memory(), flush=True)


def _peak_memory() -> int:
    """The most memory that this process has held since it began its program, in bytes.

    Not from getrusage: there Linux counts in what the parent held when it started the process.
    """
    rows = Path("/proc/self/status").read_text().splitlines()
    (kibibytes,) = (row.split()[1] for row in rows if row.startswith("VmHWM:"))
    return int(kibibytes) * 1024


def main() -> int:
    """Run the errand in the arguments of the process, and return its exit status."""
    try:
        _run(Errand(**json.loads(sys.argv[1])))
    except EdgeOCRError as problem:
        print(problem, file=sys.stderr)
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
