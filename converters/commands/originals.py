"""Arguments about models of the user's own, the same for every command that takes them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from converters.errors import ConversionError, UnknownModelError
from converters.inputs import Choices, Sources, fetch_sources, own_sources
from converters.progress import Progress
from converters.zoo import load_zoo
from edge_ocr.bundle import Bundle


def add_choices(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """What can be said about models of the user's own, where it cannot be inferred or should not; gives the group."""
    group = parser.add_argument_group(
        "your own models",
        "A folder with inference.pdmodel and inference.pdiparams, with inference.json and inference.pdiparams, or with "
        "one .onnx file; or that file. Its kind is read from the graph; how to feed it and read its output, from "
        "inference.yml beside it and from the model of `list --models` that has the same weights, is of the family "
        "that inference.yml or the name of the folder or file says, or has as many classes. What was taken from where "
        "is told.",
    )
    group.add_argument(
        "--with",
        dest="rest",
        metavar="SYSTEM",
        help="take the kinds of model that you do not give from this system (default: the one with the models that "
        "yours are like)",
    )
    group.add_argument(
        "--like",
        action="append",
        default=[],
        metavar="MODEL",
        help="feed and read your model of the same kind like this one of `list --models`; may be given for each kind",
    )
    group.add_argument(
        "--charset",
        type=Path,
        metavar="FILE",
        help="your recognizer's characters, one a line (default: those in inference.yml, in the ONNX metadata, in a "
        "text file beside the model, or the only known ones of that number)",
    )
    return group


def choices_of(args: argparse.Namespace) -> Choices:
    """What was said with the options of `add_choices`."""
    return Choices(args.like, args.rest, args.charset, getattr(args, "name", None), args.local)


def add_source(parser: argparse.ArgumentParser) -> None:
    """What is worked on, the same for every command that takes a system or models of the user's own."""
    parser.add_argument(
        "source",
        nargs="+",
        metavar="SYSTEM|PATH",
        help="a name that `list` shows; or the paths of one to three models of different kinds, see below",
    )


def sources_of(args: argparse.Namespace, progress: Progress) -> Sources:
    """The system of that name, or the models at those paths.

    Raises:
        UnknownModelError: there is neither.
        ConversionError: a system's name stands among paths, or a source cannot be had or read.
    """
    zoo, first = load_zoo(), args.source[0]
    if len(args.source) == 1 and first in zoo.systems:
        refuse_choices(args, "in place of the system's name")
        return fetch_sources(zoo, zoo.systems[first], progress, local=args.local)
    if len(args.source) == 1 and not os.path.lexists(first) and Path(first).name == first:
        try:
            zoo.system(first)
        except UnknownModelError as error:
            raise UnknownModelError(f"there is no folder or file {first}, and {error}") from error
    for source in args.source:
        if source in zoo.systems and not os.path.lexists(source):
            raise ConversionError(f"{source} is a system of the zoo, not a path; give it alone, or after --with")
    return own_sources([Path(source) for source in args.source], zoo, choices_of(args), progress)


def add_original(parser: argparse.ArgumentParser) -> None:
    """The original of a bundle, the same for every command that holds one against the other."""
    add_choices(parser).add_argument(
        "--original",
        nargs="+",
        type=Path,
        default=[],
        metavar="PATH",
        help="the models of your own that the bundle was made of, with the same options that were given to `convert`",
    )


def original_of(bundle: Bundle, args: argparse.Namespace, progress: Progress) -> Sources:
    """The sources of a bundle: of the system of its name, or the user's own.

    Raises:
        UnknownModelError: the bundle is of no known system, and the user names no models.
        ConversionError: a source cannot be had or read.
    """
    zoo = load_zoo()
    if args.original:
        return own_sources(args.original, zoo, choices_of(args), progress, bundle.manifest.models.by_kind())
    refuse_choices(args, "--original")
    if bundle.name not in zoo.systems:
        raise UnknownModelError(
            f"{bundle.name} is no system that `list` shows; name the models that the bundle was made of with --original"
        )
    return fetch_sources(zoo, zoo.system(bundle.name), progress, local=args.local)


def refuse_choices(args: argparse.Namespace, needs: str) -> None:
    """Refuse what can only be said about models of the user's own, where none are given.

    Raises:
        ConversionError: something was said; `needs` is what would give models of his own.
    """
    said = {"--with": args.rest, "--like": args.like, "--charset": args.charset, "--name": getattr(args, "name", None)}
    for option, value in said.items():
        if value:
            raise ConversionError(f"{option} is about models of your own; give their paths ({needs}), or leave it out")
