"""The manifest of a bundle: `manifest.json`, read strictly and written back unchanged.

Everything that the stages must know about a model stands here, so that no stage guesses and no stage asks
which PP-OCR generation it runs. A manifest is read key by key: a missing key, a key that this version does
not know, a value of the wrong type or beyond any sensible size is refused by one sentence that names the
place, such as `models.detector.input.mean`. Only `provenance`, `min_runtime` and `operators` are open: their
keys are names of the outside world.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, Union

from edge_ocr.errors import BundleError

FORMAT_VERSION = 1
"""The version that is written. It grows with every change of a key or of a meaning."""
READABLE_VERSIONS = range(max(1, FORMAT_VERSION - 1), FORMAT_VERSION + 1)
"""This version and the one before it."""

MANIFEST_FILE = "manifest.json"
VERIFICATION_FILE = "verification.json"
RESERVED_FILES = frozenset({MANIFEST_FILE, VERIFICATION_FILE})

AGAIN = "fetch or convert the bundle again"
"""What to do about a bundle that is not as its maker left it."""

MAXIMUM_MANIFEST_BYTES = 1 << 20
MAXIMUM_BUNDLE_BYTES = 256 << 20
"""Of all models and the charset together, which are held in memory."""
MAXIMUM_CHARSET_BYTES = 8 << 20
MAXIMUM_CHARSET_COUNT = 200_000
MAXIMUM_SIDE = 16_384


@dataclass(frozen=True)
class LongSide:
    """Shrink a picture whose long side exceeds `long_side` to it, then round both sides to the nearest multiple.

    Attributes:
        long_side: upper limit of the long side before it is rounded, pixels.
        multiple: both sides are rounded to the nearest multiple of this, up or down, pixels.
        minimum: no side becomes shorter than this, a multiple of `multiple`, pixels.
    """

    long_side: int
    multiple: int
    minimum: int


@dataclass(frozen=True)
class FixedSize:
    """Every input has this one size, in pixels."""

    height: int
    width: int


@dataclass(frozen=True)
class LineHeight:
    """Scale a line to `height`; its width follows, within limits.

    Attributes:
        height: pixels.
        minimum_width: narrower lines are padded on the right to this, pixels.
        maximum_width: wider lines are squeezed to this, pixels.
        multiple: widths are rounded up to a multiple of this, pixels.
        squeeze: factor on the width of lines wider than `minimum_width`, 0 (exclusive) to 1 (no squeeze).
    """

    height: int
    minimum_width: int
    maximum_width: int
    multiple: int
    squeeze: float


@dataclass(frozen=True)
class DetectorPostprocess:
    """Parameters of DB post-processing.

    Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI 2020.

    Attributes:
        threshold: a pixel of the map counts as text above this probability.
        box_threshold: a quad is kept when the mean probability inside it reaches this.
        unclip_ratio: a quad is grown by its area * ratio / perimeter.
        minimum_side: quads with a shorter side are dropped, map pixels.
        max_candidates: only so many contours are looked at, of a long picture for each piece of it.
    """

    threshold: float
    box_threshold: float
    unclip_ratio: float
    minimum_side: float
    max_candidates: int


@dataclass(frozen=True)
class DirectionPostprocess:
    """When a line counts as upside down, and how many lines speak for the page.

    Attributes:
        threshold: probability of 180 degrees from which a line is turned.
        voters: the longest lines that are asked first; when they agree, the others are not asked.
    """

    threshold: float
    voters: int


SizeT = TypeVar("SizeT", LongSide, FixedSize, LineHeight)
PostprocessT = TypeVar("PostprocessT", DetectorPostprocess, DirectionPostprocess, None)


@dataclass(frozen=True)
class InputSpec(Generic[SizeT]):
    """How a picture becomes a model's input: `(pixel * scale - mean) / std` for each channel.

    Attributes:
        layout: `NHWC` or `NCHW`.
        dtype: of the input tensor: `float32`, `int8` or `uint8`.
        colour_order: of the channels, and of `mean` and `std`: `BGR` or `RGB`.
        scale: factor on the 8-bit pixel.
        mean: subtracted after scaling, one number a channel.
        std: divided by after that, one number a channel.
        size: the rule that gives height and width.
    """

    layout: str
    dtype: str
    colour_order: str
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    size: SizeT


@dataclass(frozen=True)
class OutputSpec:
    """What a model's output means.

    Attributes:
        meaning: `text-logits` or `text-probability` (detector), `class-probability` (direction classifier),
            `ctc-logits` or `ctc-probability` (recognizer).
        layout: `NHWC` or `NCHW`; None where the output has no height and width.
        border: detector only: pixels on each side of the map that lie outside the input and are cut off.
        block: detector only: the channels of one place of the output are the pixels, row by row, of so many rows and
            columns of the map; 1, which may be left out, where the output is the map.
        labels: direction classifier only: clockwise degrees by which a line of each class is turned.
    """

    meaning: str
    layout: str | None = None
    border: int = 0
    block: int = 1
    labels: tuple[int, ...] = ()


@dataclass(frozen=True)
class ModelSpec(Generic[SizeT, PostprocessT]):
    """One model file and everything needed to run it.

    Attributes:
        file: plain file name inside the bundle.
        bytes: its size.
        sha256: its hash, 64 lower-case hexadecimal digits.
        input: how to feed it.
        output: what comes out.
        postprocess: parameters of what follows; None for the recognizer.
        operators: operator name -> its version in the model's own format.
    """

    file: str
    bytes: int
    sha256: str
    input: InputSpec[SizeT]
    output: OutputSpec
    postprocess: PostprocessT
    operators: Mapping[str, int]


DetectorSpec = ModelSpec[LongSide, DetectorPostprocess]
DirectionSpec = ModelSpec[FixedSize, DirectionPostprocess]
RecognizerSpec = ModelSpec[LineHeight, None]
AnySpec = Union[DetectorSpec, DirectionSpec, RecognizerSpec]  # noqa: UP007 - a run-time value; Python 3.10


@dataclass(frozen=True)
class Models:
    """The models of a bundle; the direction classifier may be absent."""

    detector: DetectorSpec
    direction: DirectionSpec | None
    recognizer: RecognizerSpec

    def by_kind(self) -> dict[str, AnySpec]:
        """Kind (`detector`, `direction`, `recognizer`) -> spec, of the models that are there."""
        kinds: dict[str, AnySpec | None] = {
            "detector": self.detector,
            "direction": self.direction,
            "recognizer": self.recognizer,
        }
        return {kind: spec for kind, spec in kinds.items() if spec is not None}


@dataclass(frozen=True)
class CharsetSpec:
    """The file of characters that a recognizer's classes stand for, one entry a line.

    Attributes:
        file: plain file name inside the bundle.
        bytes: its size.
        sha256: its hash.
        count: entries in the file.
        blank: class index of the CTC blank.
        space_appended: whether one more class, the space, follows the entries of the file.
    """

    file: str
    bytes: int
    sha256: str
    count: int
    blank: int
    space_appended: bool


@dataclass(frozen=True)
class Manifest:
    """A whole `manifest.json`.

    Attributes:
        name: short name, also that of the file it is packed as: lower-case letters, digits, `.`, `-`, `_`.
        title: for people.
        format: `tflite`, `paddle-lite` or `onnx`.
        precision: of the recipe: `float`, `int8`, `int8-weights` and so on.
        target: `arm` or `x86` for Paddle-Lite, whose models are compiled for one of them; None otherwise.
        licence: SPDX expression of the models.
        min_runtime: engine package -> the oldest version that runs the models; one that is not named is not known to
            run them, unless none is named.
        models: see `Models`.
        charset: see `CharsetSpec`.
        provenance: where the models come from and what made them; free-form.
    """

    name: str
    title: str
    format: str
    precision: str
    target: str | None
    licence: str
    min_runtime: Mapping[str, str]
    models: Models
    charset: CharsetSpec
    provenance: Mapping[str, Any]

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read the content of a `manifest.json`; BundleError says what is wrong with it."""
        if len(data) > MAXIMUM_MANIFEST_BYTES:
            raise BundleError(f"{MANIFEST_FILE} has {len(data)} bytes, more than {MAXIMUM_MANIFEST_BYTES}; {AGAIN}")
        try:
            parsed = json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError) as problem:
            raise BundleError(f"{MANIFEST_FILE} is not valid JSON ({problem}); {AGAIN}") from problem
        return cls.from_json(parsed)

    @classmethod
    def from_json(cls, value: object) -> Manifest:
        """Check a `manifest.json` as `json.load` gives it; BundleError names the place that is wrong."""
        root = _Node(value, "")
        _check_version(root["format_version"])
        root.only_keys(
            "format_version", "name", "title", "format", "precision", "target", "licence", "min_runtime",
            "models", "charset", "provenance",
        )  # fmt: skip
        models = root["models"].only_keys("detector", "direction", "recognizer")
        manifest = cls(
            name=root["name"].matching(_NAME, "a name of lower-case letters, digits, '.', '-' and '_'"),
            title=root["title"].text(),
            format=root["format"].one_of("tflite", "paddle-lite", "onnx"),
            precision=root["precision"].matching(_NAME, "a precision such as int8"),
            target=None if root["target"].value is None else root["target"].one_of("arm", "x86"),
            licence=root["licence"].text(),
            min_runtime={
                package: node.matching(_VERSION, "a version such as 1.4.0")
                for package, node in root["min_runtime"].items()
            },
            models=Models(
                detector=_detector(models["detector"]),
                direction=_direction(models["direction"]) if "direction" in models else None,
                recognizer=_recognizer(models["recognizer"]),
            ),
            charset=_charset(root["charset"]),
            provenance=_provenance(root["provenance"]),
        )
        manifest._check_together()
        return manifest

    def _check_together(self) -> None:
        """Refuse what is wrong only when two places are seen side by side."""
        if (self.target is not None) != (self.format == "paddle-lite"):
            raise _problem("target", "arm or x86 for paddle-lite and null for any other format", self.target)
        files = self.files()
        if len(files) != len(self.models.by_kind()) + 1:
            raise _problem("models", "a file of its own for each model and the charset", sorted(files))
        total = sum(spec.bytes for spec in files.values())
        if total > MAXIMUM_BUNDLE_BYTES:
            raise _problem("models", f"files of at most {MAXIMUM_BUNDLE_BYTES} bytes in all", total)
        last = self.charset.count + self.charset.space_appended
        if self.charset.blank > last:
            raise _problem("charset.blank", f"an index up to {last}", self.charset.blank)

    def files(self) -> dict[str, ModelSpec[Any, Any] | CharsetSpec]:
        """File name -> the spec that gives its size and hash; every file that the runtime reads."""
        specs = [*self.models.by_kind().values(), self.charset]
        return {spec.file: spec for spec in specs}

    def to_json(self) -> dict[str, Any]:
        """The manifest as `json.dump` takes it; `from_json` reads it back to an equal manifest."""
        return {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "title": self.title,
            "format": self.format,
            "precision": self.precision,
            "target": self.target,
            "licence": self.licence,
            "min_runtime": dict(self.min_runtime),
            "models": {kind: _model_to_json(spec) for kind, spec in self.models.by_kind().items()},
            "charset": dict(vars(self.charset)),
            "provenance": dict(self.provenance),
        }

    def to_bytes(self) -> bytes:
        """The content of `manifest.json`."""
        return (json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n").encode("utf-8")

    @property
    def digest(self) -> str:
        """What the bundle does, as a SHA-256 in hexadecimal.

        It is taken over this manifest without `provenance`, as JSON with sorted keys, no spaces and only
        ASCII. The hashes of models and charset are part of the manifest, so equal digests mean that every
        picture is read alike, whoever made the bundle, and when. `verification.json` and the report play no
        part in it.
        """
        described = {key: value for key, value in self.to_json().items() if key != "provenance"}
        canonical = json.dumps(described, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()


_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_VERSION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,3}")
_OUTSIDE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

_SIZE_RULES = {LongSide: "long-side", FixedSize: "fixed", LineHeight: "line-height"}


def _problem(path: str, expected: str, value: object) -> BundleError:
    """The sentence for a wrong value; a long value is cut."""
    try:
        shown = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        shown = type(value).__name__
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return BundleError(f"{path or MANIFEST_FILE}: expected {expected}, got {shown}; {AGAIN}")


class _Node:
    """A value of the manifest together with its place, so that every refusal can name it."""

    def __init__(self, value: object, path: str) -> None:
        self.value = value
        self.path = path

    def refuse(self, expected: str) -> BundleError:
        return _problem(self.path, expected, self.value)

    def object(self) -> dict[str, Any]:
        if not isinstance(self.value, dict) or not all(isinstance(key, str) for key in self.value):
            raise self.refuse("an object")
        return self.value

    def items(self) -> list[tuple[str, _Node]]:
        """The members of an open object, whose keys are names of packages or operators."""
        for key in self.object():
            if not _OUTSIDE_NAME.fullmatch(key):
                raise _problem(self.path, "plain names as keys", key)
        return [(key, self[key]) for key in self.object()]

    def __contains__(self, key: str) -> bool:
        return key in self.object()

    def __getitem__(self, key: str) -> _Node:
        members = self.object()
        path = f"{self.path}.{key}" if self.path else key
        if key not in members:
            raise BundleError(f"{path} is missing from {MANIFEST_FILE}; {AGAIN}")
        return _Node(members[key], path)

    def only_keys(self, *known: str) -> _Node:
        """Refuse any other key: it is a slip, or means something that this version would overlook."""
        for key in self.object():
            if key not in known:
                raise _problem(self.path, f"only the keys {', '.join(known)}" if known else "no keys", key)
        return self

    def integer(self, low: int, high: int) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not low <= self.value <= high:
            raise self.refuse(f"an integer from {low} to {high}")
        return self.value

    def number(self, low: float, high: float) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.refuse("a number")
        if not low <= self.value <= high:  # also refuses NaN
            raise self.refuse(f"a number from {low:g} to {high:g}")
        return float(self.value)

    def array(self, count: int) -> list[_Node]:
        if not isinstance(self.value, list) or len(self.value) != count:
            raise self.refuse(f"{count} numbers")
        return [_Node(item, f"{self.path}[{index}]") for index, item in enumerate(self.value)]

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.refuse("true or false")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str) or not 0 < len(self.value) <= 500 or not self.value.isprintable():
            raise self.refuse("a text of 1 to 500 printable characters")
        return self.value

    def matching(self, pattern: re.Pattern[str], expected: str) -> str:
        if not isinstance(self.value, str) or not pattern.fullmatch(self.value):
            raise self.refuse(expected)
        return self.value

    def one_of(self, *choices: str) -> str:
        if not isinstance(self.value, str) or self.value not in choices:
            raise self.refuse(" or ".join(choices))
        return self.value


def _check_version(node: _Node) -> None:
    version = node.integer(1, 10**6)
    if version > FORMAT_VERSION:
        raise BundleError(
            f"{node.path} is {version}, but this edge-ocr reads bundles up to version {FORMAT_VERSION}; update edge-ocr"
        )
    if version not in READABLE_VERSIONS:
        raise BundleError(
            f"{node.path} is {version}, but this edge-ocr reads bundles from version {READABLE_VERSIONS[0]}; "
            "convert the model again"
        )


def _file(node: _Node) -> str:
    name = node.matching(_FILE, "a plain file name, without folders")
    if name in RESERVED_FILES:
        raise node.refuse(f"a name other than {name}")
    return name


def _sha256(node: _Node) -> str:
    return node.matching(_SHA256, "64 lower-case hexadecimal digits")


def _three(node: _Node, low: float, high: float) -> tuple[float, float, float]:
    first, second, third = node.array(3)
    return first.number(low, high), second.number(low, high), third.number(low, high)


def _input(node: _Node, size: SizeT) -> InputSpec[SizeT]:
    node.only_keys("layout", "dtype", "colour_order", "scale", "mean", "std", "size")
    return InputSpec(
        layout=node["layout"].one_of("NHWC", "NCHW"),
        dtype=node["dtype"].one_of("float32", "int8", "uint8"),
        colour_order=node["colour_order"].one_of("BGR", "RGB"),
        scale=node["scale"].number(1e-9, 1e3),
        mean=_three(node["mean"], -1e3, 1e3),
        std=_three(node["std"], 1e-6, 1e3),
        size=size,
    )


def _size(node: _Node, rule: type[SizeT], *keys: str) -> _Node:
    """The node of a size rule, once it is known to be the rule that this kind of model follows."""
    node["rule"].one_of(_SIZE_RULES[rule])
    return node.only_keys("rule", *keys)


def _long_side(node: _Node) -> LongSide:
    _size(node, LongSide, "long_side", "multiple", "minimum")
    long_side = node["long_side"].integer(1, MAXIMUM_SIDE)
    multiple = node["multiple"].integer(1, long_side)
    minimum = node["minimum"].integer(1, long_side)
    if minimum % multiple:
        raise node["minimum"].refuse(f"a multiple of {multiple}")
    return LongSide(long_side, multiple, minimum)


def _fixed(node: _Node) -> FixedSize:
    _size(node, FixedSize, "height", "width")
    return FixedSize(node["height"].integer(1, MAXIMUM_SIDE), node["width"].integer(1, MAXIMUM_SIDE))


def _line_height(node: _Node) -> LineHeight:
    _size(node, LineHeight, "height", "minimum_width", "maximum_width", "multiple", "squeeze")
    maximum_width = node["maximum_width"].integer(1, MAXIMUM_SIDE)
    return LineHeight(
        height=node["height"].integer(1, MAXIMUM_SIDE),
        minimum_width=node["minimum_width"].integer(1, maximum_width),
        maximum_width=maximum_width,
        multiple=node["multiple"].integer(1, maximum_width),
        squeeze=node["squeeze"].number(0.1, 1.0),
    )


def _model(node: _Node, size: SizeT, output: OutputSpec, postprocess: PostprocessT) -> ModelSpec[SizeT, PostprocessT]:
    """What all models have in common, around the parts of one kind."""
    node.only_keys("file", "bytes", "sha256", "input", "output", "postprocess", "operators")
    return ModelSpec(
        file=_file(node["file"]),
        bytes=node["bytes"].integer(1, MAXIMUM_BUNDLE_BYTES),
        sha256=_sha256(node["sha256"]),
        input=_input(node["input"], size),
        output=output,
        postprocess=postprocess,
        operators={name: version.integer(1, 10_000) for name, version in node["operators"].items()},
    )


def _detector(node: _Node) -> DetectorSpec:
    output = node["output"].only_keys("meaning", "layout", "border", "block")
    postprocess = node["postprocess"].only_keys(
        "threshold", "box_threshold", "unclip_ratio", "minimum_side", "max_candidates"
    )
    return _model(
        node,
        _long_side(node["input"]["size"]),
        OutputSpec(
            meaning=output["meaning"].one_of("text-logits", "text-probability"),
            layout=output["layout"].one_of("NHWC", "NCHW"),
            border=output["border"].integer(0, 256),
            block=output["block"].integer(1, 32) if "block" in output else 1,
        ),
        DetectorPostprocess(
            threshold=postprocess["threshold"].number(0, 1),
            box_threshold=postprocess["box_threshold"].number(0, 1),
            unclip_ratio=postprocess["unclip_ratio"].number(0, 10),
            minimum_side=postprocess["minimum_side"].number(0, 1000),
            max_candidates=postprocess["max_candidates"].integer(1, 100_000),
        ),
    )


def _direction(node: _Node) -> DirectionSpec:
    output = node["output"].only_keys("meaning", "labels")
    postprocess = node["postprocess"].only_keys("threshold", "voters")
    labels = tuple(label.integer(0, 180) for label in output["labels"].array(2))
    if sorted(labels) != [0, 180]:
        raise output["labels"].refuse("0 and 180, in the order of the classes")
    return _model(
        node,
        _fixed(node["input"]["size"]),
        OutputSpec(meaning=output["meaning"].one_of("class-probability"), labels=labels),
        DirectionPostprocess(
            threshold=postprocess["threshold"].number(0, 1),
            voters=postprocess["voters"].integer(1, 1000),
        ),
    )


def _recognizer(node: _Node) -> RecognizerSpec:
    output = node["output"].only_keys("meaning", "layout")
    node["postprocess"].only_keys()
    return _model(
        node,
        _line_height(node["input"]["size"]),
        OutputSpec(
            meaning=output["meaning"].one_of("ctc-logits", "ctc-probability"),
            layout=output["layout"].one_of("NHWC", "NCHW"),
        ),
        None,
    )


def _charset(node: _Node) -> CharsetSpec:
    node.only_keys("file", "bytes", "sha256", "count", "blank", "space_appended")
    return CharsetSpec(
        file=_file(node["file"]),
        bytes=node["bytes"].integer(1, MAXIMUM_CHARSET_BYTES),
        sha256=_sha256(node["sha256"]),
        count=node["count"].integer(1, MAXIMUM_CHARSET_COUNT),
        blank=node["blank"].integer(0, MAXIMUM_CHARSET_COUNT + 1),
        space_appended=node["space_appended"].boolean(),
    )


def _provenance(node: _Node) -> dict[str, Any]:
    """Free-form, as long as it can be written again: JSON can spell half a character, UTF-8 cannot."""
    try:
        json.dumps(node.object(), ensure_ascii=False).encode()
    except UnicodeEncodeError as problem:
        raise BundleError(f"{node.path} holds a text that is not valid Unicode; {AGAIN}") from problem
    return node.object()


def _model_to_json(spec: AnySpec) -> dict[str, Any]:
    size: LongSide | FixedSize | LineHeight = spec.input.size
    output: dict[str, Any] = {"meaning": spec.output.meaning}
    if spec.output.layout is not None:
        output["layout"] = spec.output.layout
    if isinstance(size, LongSide):
        output["border"] = spec.output.border
    if spec.output.block != 1:
        output["block"] = spec.output.block
    if spec.output.labels:
        output["labels"] = list(spec.output.labels)
    return {
        "file": spec.file,
        "bytes": spec.bytes,
        "sha256": spec.sha256,
        "input": {
            **vars(spec.input),
            "mean": list(spec.input.mean),
            "std": list(spec.input.std),
            "size": {"rule": _SIZE_RULES[type(size)], **vars(size)},
        },
        "output": output,
        "postprocess": {} if spec.postprocess is None else dict(vars(spec.postprocess)),
        "operators": dict(spec.operators),
    }
