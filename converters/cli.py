"""Turn published PP-OCR models into checked bundles for small devices."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from converters.commands import analyse, choose, convert, evaluate, fetch, matrix, verify
from converters.commands import list as list_systems
from edge_ocr import interrupts
from edge_ocr.cli import INTERRUPTED, NO_READER, complain, parsed, prepare_streams
from edge_ocr.errors import EdgeOCRError

COMMANDS = (list_systems, fetch, convert, verify, evaluate, choose, analyse, matrix)

FAILED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (those of the process unless given); gives the exit status.

    0 when all went well, 1 where a command finds a model wanting, 2 for bad input or a failure, told in one
    sentence on standard error, 130 when interrupted, 141 when the reader of standard output went away.
    """
    return interrupts.guarded(_run, arguments)


def _run(arguments: Sequence[str] | None) -> int:
    prepare_streams()
    try:
        args = parsed(_parser(), arguments)
        if args.cache:
            os.environ["EDGE_OCR_CACHE"] = args.cache
        return args.run(args)
    except BrokenPipeError:
        return NO_READER
    except EdgeOCRError as error:
        complain(error)
        return FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ppocr-convert", description=__doc__)
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    for subparser in subparsers.choices.values():
        subparser.add_argument(
            "--cache", metavar="FOLDER", help="keep what is fetched and made here (default: $EDGE_OCR_CACHE)"
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
