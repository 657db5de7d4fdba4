"""`ppocr-convert fetch`: published model files into the cache."""

from __future__ import annotations

import argparse
from pathlib import Path

from converters.progress import Progress
from converters.sources import Fetcher
from converters.zoo import load_zoo
from edge_ocr.cli import put


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "fetch",
        help="download and check the files of a system",
        description="Bring the files of a system or a model into the cache, check them, and print where they are: "
        "of a model that is published as ONNX and for Paddle, the first that can be had. `convert` does this by "
        "itself; fetch first to convert without a network.",
    )
    parser.add_argument("name", metavar="NAME", help="a name that `list` or `list --models` shows")
    add_local(parser)
    parser.set_defaults(run=run)


def add_local(parser: argparse.ArgumentParser) -> None:
    """Files that the user has already, the same for every command that fetches."""
    parser.add_argument(
        "--from",
        dest="local",
        type=Path,
        metavar="PATH",
        help="look in this file or folder before any download",
    )


def run(args: argparse.Namespace) -> int:
    """Fetch every file and print one line for each: its name, a tab, its path."""
    zoo = load_zoo()
    models = zoo.models_of(args.name)
    fetcher = Fetcher(zoo.files, local=args.local, progress=Progress())
    for model in models:
        for role, path in fetcher.fetch_model(model).items():
            put(f"{model.files[role].name}\t{path}\n")
    return 0
