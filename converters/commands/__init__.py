"""The sub-commands of `ppocr-convert`, a module each with `add_parser(subparsers)` and `run(args) -> int`."""
