"""`ppocr-convert` and `python -m converters`: the way in, which every Python that edge_ocr runs on can read.

The rest of this package is written for a newer Python and needs the packages of the extra `convert`; the runtime
brings neither.
"""

import sys

from edge_ocr import interrupts


def main() -> int:
    """Run the command line of the process; its exit status, or 2 where the converter's surroundings are missing."""
    try:
        from converters import cli
    except (ImportError, SyntaxError, KeyboardInterrupt) as problem:  # SyntaxError: of an older Python
        if isinstance(problem, KeyboardInterrupt) or interrupts.led_to(problem):
            print("interrupted", file=sys.stderr)
            return 130
        print(
            "error: ppocr-convert needs Python 3.12 and the converter's packages "
            f"(this is Python {sys.version_info[0]}.{sys.version_info[1]}: {problem}); "
            "run: pip install 'edge-ocr[convert]'",
            file=sys.stderr,
        )
        return 2
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
