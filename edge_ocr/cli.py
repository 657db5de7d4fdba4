"""The command `edge-ocr`: results on standard output, everything else on standard error.

Exit status: 0 when all went well; 1 when some of several pictures failed, or a check of `doctor`, or a target of
`bench`; 2 when nothing could be done; 130 after Ctrl-C; 141 when the reader of standard output went away, as shells
count it.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from edge_ocr import __version__, interrupts
from edge_ocr.arguments import add_repetitions, whole, wholes
from edge_ocr.errors import EdgeOCRError, printable
from edge_ocr.output import FORMATS
from edge_ocr.threads import MOST_THREADS

FAILED, NOTHING_DONE, INTERRUPTED, NO_READER = 1, 2, 130, 141

_READ_EXAMPLES = """\
examples:
  edge-ocr read receipt.jpg
  edge-ocr read scans/ --format jsonl -o scans.jsonl
  edge-ocr read 'scans/*.png' --save-annotated seen/
  edge-ocr read book.pdf --pages 1-3,7
  edge-ocr read archive/ --recursive --format jsonl -o archive.jsonl --resume
  curl -s "$URL" | edge-ocr read -
"""

_BENCH_USAGE = """\
edge-ocr bench [OPTION...]
       edge-ocr bench compare A.json B.json
       edge-ocr bench targets [TARGETS]"""

_BENCH_DESCRIPTION = """\
Measure how fast a bundle reads on a device and what that costs, and hold it against targets. The exit
status is 1 where a target is missed or the run does not count, as on a board that throttles.
"""

_BENCH_EXAMPLES = """\
examples:
  edge-ocr bench                                                  # this machine
  edge-ocr bench --device ssh://pi@raspberrypi --targets raspberry-pi-4 --markdown report.md
  edge-ocr bench --device adb:0123456789 --targets snapdragon-855
  edge-ocr bench --device qemu:cortex-a76 --targets qemu-cortex-a76   # no board: instructions are counted
  edge-ocr bench --bundle out/mine --compare out/other --plot stages.svg
  edge-ocr bench --json today.json; edge-ocr bench compare yesterday.json today.json
  edge-ocr bench targets                                          # which targets there are
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (None: those of the process) and return its exit status."""
    return interrupts.guarded(_run, arguments)


def _run(arguments: Sequence[str] | None) -> int:
    prepare_streams()
    try:
        options = parsed(_parser(), arguments)
        status: int = options.run(options)
    except BrokenPipeError:
        return NO_READER
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as problem:
        if interrupts.led_to(problem):
            return INTERRUPTED
        if not isinstance(problem, EdgeOCRError):
            raise
        complain(problem)
        return NOTHING_DONE
    return status


def parsed(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options in these arguments (None: those of the process); raises as `put` where the help cannot be written."""
    with _writing():
        try:
            return parser.parse_args(arguments)
        except SystemExit:
            put("")  # what argparse has written, such as the help, must arrive too
            raise


def put(text: str) -> None:
    """Write text to standard output, now.

    Raises:
        BrokenPipeError: whoever read standard output has gone.
        EdgeOCRError: it cannot be written to for another reason.
    """
    with _writing():
        sys.stdout.write(text)
        sys.stdout.flush()


@contextmanager
def _writing() -> Iterator[None]:
    """Tell what stands in the way of writing to standard output; see `put`."""
    try:
        yield
    except OSError as problem:
        # Python flushes standard output once more when it ends; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(problem, BrokenPipeError):
            raise
        raise EdgeOCRError(f"cannot write to standard output: {problem.strerror}; send it elsewhere") from problem


def note(text: str) -> None:
    """Say on standard error what the user should know about a result."""
    print(f"note: {printable(text)}", file=sys.stderr, flush=True)


def complain(problem: EdgeOCRError) -> None:
    """Say on standard error what is wrong."""
    print(f"error: {problem}", file=sys.stderr, flush=True)


def prepare_streams() -> None:
    """Let all standard streams be there; what goes to standard output is UTF-8 whatever the locale, without CRLF."""
    _open_missing_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace", newline="\n")


def _open_missing_streams() -> None:
    """Open the standard streams that the process was started without (`<&-`, `>&-`, `2>&-`).

    Otherwise the next files to be opened would take their places. Standard input and output are opened the wrong
    way round, so that their use is the error that it should be; what goes to standard error is lost.
    """
    for name, mode, access in (("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, access), mode))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge-ocr", description="Text out of pictures, on this computer and with no network."
    )
    parser.add_argument("--version", action="version", version=f"edge-ocr {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_read(commands.add_parser)
    _add_bench(commands.add_parser)
    _add_info(commands.add_parser)
    _add_doctor(commands.add_parser)
    return parser


AddParser = Callable[..., argparse.ArgumentParser]


def _add_read(add_parser: AddParser) -> None:
    parser = add_parser(
        "read",
        help="read the text in pictures",
        description="Read the text in pictures and write it to standard output.",
        epilog=_READ_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "pictures",
        nargs="+",
        metavar="PICTURE",
        help="a picture, PDF or TIFF file, a folder of them, a pattern such as 'scans/*.png', or - for standard input",
    )
    parser.add_argument("-r", "--recursive", action="store_true", help="look into the folders of a folder too")
    parser.add_argument(
        "--pages",
        type=_pages,
        metavar="LIST",
        help="of a file that has several, such as 1-3,7 or 5- (default: all)",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="of the output (default: text)")
    parser.add_argument(
        "--characters", action="store_true", help="also write the box of each character (json, jsonl, hocr)"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write to FILE, whole or not at all")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="with --format jsonl -o FILE: add to FILE page by page, and pass over what is in it by name already; the "
        "other options are not compared",
    )
    parser.add_argument(
        "--save-annotated",
        metavar="OUT",
        help="also save each picture with what was seen in it: as a .png or .jpg file, or as new files in a folder",
    )
    _add_bundle_option(parser, "--bundle")
    parser.add_argument(
        "--engine",
        metavar="E",
        help="litert or onnx, as the bundle needs, or the package to run it on: ai-edge-litert, tflite-runtime, "
        "tensorflow or onnxruntime (default: the first that is installed and works)",
    )
    parser.add_argument(
        "--threads",
        type=whole(1, 1024),
        metavar="N",
        help=f"processor cores to use (default: those that this process may use, at most {MOST_THREADS})",
    )
    parser.add_argument(
        "--det-side",
        type=whole(32, 16_384),
        metavar="N",
        help="look for text at a long side of N pixels: smaller is faster, larger finds smaller text "
        "(default: the bundle's)",
    )
    parser.add_argument(
        "--min-score",
        type=_fraction,
        default=0.5,
        metavar="S",
        help="leave out lines with a score below S, 0 to 1 (default: 0.5)",
    )
    parser.add_argument(
        "--no-direction", action="store_true", help="do not look for lines that are upside down (faster)"
    )
    parser.set_defaults(run=_read)


def _add_bench(add_parser: AddParser) -> None:
    parser = add_parser(
        "bench",
        help="measure how fast a bundle reads on a device, and hold it against targets",
        usage=_BENCH_USAGE,
        description=_BENCH_DESCRIPTION,
        epilog=_BENCH_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=_bench)
    commands = parser.add_subparsers(title="instead of measuring", metavar="COMMAND", prog="edge-ocr bench")
    _add_bench_compare(commands.add_parser)
    _add_bench_targets(commands.add_parser)
    subject = parser.add_argument_group("what is measured")
    _add_bundle_option(subject, "--bundle")
    subject.add_argument(
        "--compare",
        metavar="BUNDLE",
        help="another bundle, read in turns with the first: which is faster, and how much?",
    )
    subject.add_argument(
        "--pictures",
        nargs="+",
        default=[],
        metavar="PICTURE",
        help="files, folders or patterns (default: a built-in page of 17 lines)",
    )
    subject.add_argument("--engine", metavar="E", help="as for edge-ocr read")
    subject.add_argument("--det-side", type=whole(32, 16_384), metavar="N", help="as for edge-ocr read")
    place = parser.add_argument_group("where")
    place.add_argument(
        "--device",
        action="append",
        metavar="D",
        help="local, ssh://user@host[:port], adb:SERIAL or qemu:CPU; nothing is installed there, and nothing is left "
        "there; may be given several times (default: local)",
    )
    method = parser.add_argument_group("how")
    method.add_argument(
        "--threads",
        type=wholes(1, 1024),
        metavar="N,...",
        help="measure with each of these numbers of threads (default: that of the targets, else 1,2,4)",
    )
    add_repetitions(method)
    report = parser.add_argument_group("targets and reports")
    report.add_argument(
        "--targets",
        metavar="T",
        help="limits to hold the result against: a name (see edge-ocr bench targets) or a file",
    )
    report.add_argument("--json", metavar="FILE.json", help="write the result, as bench compare reads it")
    report.add_argument("--markdown", metavar="FILE.md", help="write the report for an issue or a README")
    report.add_argument("--junit", metavar="FILE.xml", help="write each limit as a test, for a build server")
    report.add_argument("--plot", metavar="FILE", help="draw where the time goes, as .png or .svg")


def _add_bench_compare(add_parser: AddParser) -> None:
    parser = add_parser(
        "compare",
        help="two results side by side",
        description="Show what the bundle of result B takes beside that of result A, stage by stage.",
    )
    parser.add_argument("first", metavar="A.json", help="a result that edge-ocr bench --json wrote")
    parser.add_argument("second", metavar="B.json", help="another")
    parser.set_defaults(run=_bench_compare)


def _add_bench_targets(add_parser: AddParser) -> None:
    parser = add_parser(
        "targets",
        help="which targets there are, and where their limits come from",
        description="List the targets that come with edge-ocr, or the limits of one and where each comes from.",
    )
    parser.add_argument("name", nargs="?", metavar="TARGETS", help="a name or a file (default: list all)")
    parser.set_defaults(run=_bench_targets)


def _add_info(add_parser: AddParser) -> None:
    parser = add_parser(
        "info",
        help="describe the runtime and a bundle",
        description="Describe this runtime, its engine and a bundle.",
    )
    _add_bundle_option(parser, "bundle", nargs="?")
    parser.set_defaults(run=_info)


def _add_doctor(add_parser: AddParser) -> None:
    parser = add_parser(
        "doctor",
        help="check that everything needed is there and works",
        description="Check Python, the engine and a bundle, and read a built-in picture.",
    )
    _add_bundle_option(parser, "bundle", nargs="?")
    parser.set_defaults(run=_doctor)


def _add_bundle_option(parser: argparse._ActionsContainer, flag: str, nargs: str | None = None) -> None:
    parser.add_argument(
        flag,
        nargs=nargs,
        metavar=flag.lstrip("-").upper() if nargs else "B",
        help="a bundle folder, an .ocrbundle file or the name of an installed bundle (default: the built-in one)",
    )


def _pages(text: str) -> tuple[range, ...]:
    """`1-3,7,9-` as ranges."""
    parts = []
    for part in text.split(","):
        matched = re.fullmatch(r"([1-9]\d{0,8})(-([1-9]\d{0,8})?)?", part, re.ASCII)
        if matched is None:
            raise argparse.ArgumentTypeError(f"expected page numbers such as 1-3,7 or 5-, got '{text}'")
        first, through, last = matched.groups()
        parts.append(range(int(first), int(last) + 1 if last else sys.maxsize if through else int(first) + 1))
        if not parts[-1]:
            raise argparse.ArgumentTypeError(f"expected pages in ascending order, got '{part}'")
    return tuple(parts)


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got '{text}'")
    return value


def _read(options: argparse.Namespace) -> int:
    from edge_ocr.reading import read_pictures

    return read_pictures(options)


def _bench(options: argparse.Namespace) -> int:
    from edge_ocr.benchmark.host.command import run_bench

    return run_bench(options)


def _bench_compare(options: argparse.Namespace) -> int:
    from edge_ocr.benchmark.host.command import run_compare

    return run_compare(options)


def _bench_targets(options: argparse.Namespace) -> int:
    from edge_ocr.benchmark.host.command import run_targets

    return run_targets(options)


def _info(options: argparse.Namespace) -> int:
    from edge_ocr.info import describe

    put(describe(options.bundle))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from edge_ocr.doctor import examine

    healthy = True
    for verdict in examine(options.bundle):
        put(f"{verdict}\n")
        healthy = healthy and (verdict.well or verdict.optional)
    return 0 if healthy else FAILED
