"""The zoo: what it says about the models, and how it refuses what it cannot mean."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
import pytest

from converters.charsets import from_inference_yml, from_lines, from_onnx_metadata
from converters.errors import SourceError, UnknownModelError, ZooError
from converters.sources import Fetcher
from converters.zoo import Model, System, UrlSource, load_zoo
from tests.conftest import skip

ZOO = load_zoo()
SYSTEMS = list(ZOO.systems.values())
RECOGNIZERS = [
    model for model in ZOO.models.values() if model.kind == "recognizer" and "onnx" in model.files and not model.untried
]

TINY = """
[systems.tiny]
title = "Tiny"
licence = "Apache-2.0"
detector = "tiny-det"
recognizer = "tiny-rec"

[models.tiny-det]
kind = "detector"
family = "Tiny"
licence = "Apache-2.0"
graph = { input = "x", shape = [1, 3, 640, 640] }
spec = "db"

[models.tiny-det.files.onnx]
name = "tiny-det.onnx"
bytes = 1_780_590
sha256 = "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8"
sources = [
    { url = "https://example.org/det.onnx" },
    { package = "tiny-ocr==1.0", member = "tiny_ocr/det.onnx" },
]

[models.tiny-rec]
kind = "recognizer"
family = "Tiny"
licence = "Apache-2.0"
graph = { input = "x", shape = [1, 3, 32, 320] }
spec = "lines"
charset = "letters"
untried = "its archive could not be reached"

[models.tiny-rec.files.program]
name = "tiny-rec.pdmodel"
sources = [{ url = "https://example.org/rec.tar", member = "rec/inference.pdmodel" }]

[models.tiny-rec.files.parameters]
name = "tiny-rec.pdiparams"
sha256 = "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6"
sources = [{ url = "https://example.org/rec.tar", member = "rec/inference.pdiparams" }]

[charsets.letters]
count = 26
blank = 0
space_appended = true

[charsets.letters.file]
name = "letters.txt"
bytes = 52
sha256 = "2af150bab777d86fa1ce821f6a37eabea90f1bb99ab9c41f031262e892a747bc"
sources = [{ package = "tiny-ocr==1.0", member = "tiny_ocr/letters.txt" }]

[specs.db]
input = { layout = "NHWC", dtype = "float32", colour_order = "BGR", scale = 0.004, mean = [0.5, 0.5, 0.5], \
std = [0.5, 0.5, 0.5], size = { rule = "long-side", long_side = 960, multiple = 32, minimum = 32 } }
output = { meaning = "text-logits", layout = "NHWC", border = 0 }
postprocess = { threshold = 0.3, box_threshold = 0.6, unclip_ratio = 1.5, minimum_side = 3, max_candidates = 1000 }

[specs.lines]
output = { meaning = "ctc-logits", layout = "NHWC" }
postprocess = {}
[specs.lines.input]
layout = "NHWC"
dtype = "float32"
colour_order = "BGR"
scale = 0.004
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]
size = { rule = "line-height", height = 32, minimum_width = 320, maximum_width = 3200, multiple = 8, squeeze = 1.0 }
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY.replace("\\\n", ""), "utf-8")
    return path


def by_name(entry: Model | System) -> str:
    return entry.name


def test_the_tiny_system_is_complete() -> None:
    system = ZOO.system("ppocrv6-tiny")
    assert [model.name for model in system.models] == [
        "ppocrv6-tiny-det",
        "ppocr-mobile-v2.0-cls",
        "ppocrv6-tiny-rec",
    ]
    assert [model.kind for model in system.models] == ["detector", "direction", "recognizer"]
    assert [model.input_shape for model in system.models] == [
        (1, 3, 640, 640),
        (1, 3, 48, 192),
        (1, 3, 48, 320),
    ]
    assert system.recognizer.forms == (("onnx",),)
    assert sum(file.bytes or 0 for file in system.recognizer.files.values()) == 4_462_639 + 34_060
    charset = system.recognizer.charset
    assert charset is not None and charset.classes == 6906


def test_every_generation_is_there() -> None:
    assert {
        "ppocrv1", "ppocrv1-english", "ppocrv1-slim", "ppocrv1-english-slim", "ppocrv1-pruned", "ppocrv2",
        "ppocrv2-slim", "ppocrv3", "ppocrv3-slim", "ppocrv3-english", "ppocrv3-japanese",
        "ppocrv3-chinese-traditional", "ppocrv4", "ppocrv4-english", "ppocrv5", "ppocrv6-tiny", "ppocrv6-small",
    } <= set(ZOO.systems)  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS, ids=by_name)
def test_the_input_to_trace_with_is_one_that_the_runtime_makes(system: System) -> None:
    for model in system.models:
        size = model.spec["input"]["size"]
        _, _, height, width = model.input_shape
        if size["rule"] == "long-side":
            assert height % size["multiple"] == width % size["multiple"] == 0
        else:
            assert height == size["height"]
            assert width == size.get("width", 320)


def test_whatever_was_run_is_pinned_by_its_hash_and_its_charset_by_any_means() -> None:
    for model in ZOO.models.values():
        for role, file in model.files.items():
            if role == "charset" or not model.untried:
                assert file.sha256 and file.bytes, file.name


def test_every_address_pins_what_it_points_to() -> None:
    """A branch such as `main` moves on, and then the hash does not fit."""
    for file in ZOO.files:
        for source in file.sources:
            if isinstance(source, UrlSource):
                assert "/main/" not in source.url and "/master/" not in source.url


def test_no_two_files_share_a_name() -> None:
    """People tell them apart by it, in messages and in a bundle's provenance."""
    names = [file.name for file in ZOO.files]
    assert len(set(names)) == len(names)


def test_the_files_of_the_development_folder_are_those_of_the_archives(shared_data: Path) -> None:
    """Its Paddle folders are named as the official archives, and lie as these unpack."""
    weights = shared_data.parent / "weights"
    found = 0
    for file in ZOO.files:
        for source in file.sources:
            if isinstance(source, UrlSource) and source.member and (weights / source.member).is_file():
                content = (weights / source.member).read_bytes()
                assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256), file.name
                found += 1
    assert found == 26


@pytest.fixture(scope="module")
def fetched() -> Fetcher:
    return Fetcher(ZOO.files)


@pytest.mark.parametrize("model", RECOGNIZERS, ids=by_name)
def test_a_charset_fits_its_recognizer(model: Model, fetched: Fetcher) -> None:
    """By its own length, the width of the published graph's output and, where that has them, its characters."""
    facts = model.charset
    assert facts is not None
    try:
        files = fetched.fetch_model(model)
    except SourceError as error:
        skip("network", str(error))
    entries = facts.read(files["charset"])
    graph = onnx.load(files["onnx"])
    assert graph.graph.output[0].type.tensor_type.shape.dim[-1].dim_value == facts.classes
    if any(entry.key == "character" for entry in graph.metadata_props):
        assert from_onnx_metadata(files["onnx"]) == entries


def test_the_charset_of_an_inference_yml_is_that_of_the_charset_file(shared_data: Path) -> None:
    weights = shared_data.parent / "weights"
    entries = from_inference_yml(weights / "PP-OCRv5_mobile_rec_infer" / "inference.yml")
    assert entries == from_lines(weights / "dicts" / "ppocrv5_dict.txt")
    assert len(entries) == 18383 and entries[0] == "\u3000"


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(UnknownModelError, match="no system 'ppocrv6-tny'; did you mean ppocrv6-tiny"):
        ZOO.system("ppocrv6-tny")
    with pytest.raises(UnknownModelError, match="no model 'ppocrv6-tiny-recc'; did you mean ppocrv6-tiny-rec"):
        ZOO.model("ppocrv6-tiny-recc")
    with pytest.raises(UnknownModelError, match="no system 'qqqq'; `ppocr-convert list` shows"):
        ZOO.system("qqqq")


def test_a_name_is_that_of_a_system_or_of_one_model() -> None:
    assert ZOO.models_of("ppocrv2") == ZOO.system("ppocrv2").models
    assert ZOO.models_of("ppocrv2-det") == (ZOO.model("ppocrv2-det"),)
    with pytest.raises(UnknownModelError, match="no system or model 'ppocrv2-dat'; did you mean ppocrv2-det"):
        ZOO.models_of("ppocrv2-dat")


def test_a_model_that_was_not_run_may_lack_what_nobody_published(tiny: Path) -> None:
    model = load_zoo(tiny).model("tiny-rec")
    assert model.untried == "its archive could not be reached"
    assert model.forms == (("program", "parameters"),)
    assert [(file.bytes, bool(file.sha256)) for file in model.files.values()] == [
        (None, False),
        (None, True),
        (52, True),
    ]


def test_forms_are_tried_onnx_first(tiny: Path) -> None:
    text = tiny.read_text("utf-8")
    both = text.replace(
        "[charsets.letters]",
        '[models.tiny-rec.files.onnx]\nname = "r.onnx"\nsources = [{ url = "http://e.org/r" }]\n\n[charsets.letters]',
    )
    tiny.write_text(both, "utf-8")
    assert load_zoo(tiny).model("tiny-rec").forms == (("onnx",), ("program", "parameters"))


def test_a_folder_is_read_as_one(tiny: Path) -> None:
    """Entries refer to each other across its files, whatever their order; other files in it are left alone."""
    text = tiny.read_text("utf-8")
    start = text.index("[charsets.letters]")
    tiny.write_text(text[:start], "utf-8")
    (tiny.parent / "a-charset.toml").write_text(text[start:], "utf-8")
    (tiny.parent / "notes.txt").write_text("no TOML", "utf-8")
    assert set(load_zoo(tiny.parent).systems) == {"tiny"}


def test_a_name_is_given_once_in_a_folder(tiny: Path) -> None:
    (tiny.parent / "zwei.toml").write_text('[specs.db]\ninput = "again"\n', "utf-8")
    with pytest.raises(ZooError, match=r"specs\.db in .*zwei\.toml is in the zoo already"):
        load_zoo(tiny.parent)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('kind = "detector"', 'kind = "detector"\nsize = 3', r"models\.tiny-det\.size is not a key"),
        ('family = "Tiny"', "", r"models\.tiny-det\.family is missing"),
        ('kind = "detector"', 'kind = "recogniser"', r"kind must be detector or direction or recognizer"),
        ("bytes = 1_780_590", "bytes = 0", r"files\.onnx\.bytes must be an integer of at least 1, not 0"),
        ("bytes = 1_780_590", "bytes = true", r"files\.onnx\.bytes must be an integer"),
        ("bytes = 1_780_590", "", r"models\.tiny-det\.files\.onnx\.bytes is missing"),
        ('untried = "its archive could not be reached"', "", r"models\.tiny-rec\.files\.program\.\w+ is missing"),
        ("bytes = 52", "", r"charsets\.letters\.file\.bytes is missing"),
        ('sha256 = "193bab7a', 'sha256 = "193BAB7A', r"files\.onnx\.sha256 must be 64 lower-case hexadecimal"),
        ('name = "tiny-det.onnx"', 'name = "../det.onnx"', r"files\.onnx\.name must be a plain file name"),
        ("files.parameters]", "files.weights]", r"models\.tiny-rec\.files\.weights is not a key"),
        ("[models.tiny-det.files.onnx]", "[models.tiny-det.files.program]", r"files must be onnx or program and param"),
        ('url = "https://example.org/det', 'url = "file:///det', r"sources\[0\]\.url must be an http or https"),
        ('url = "https://example.org/det', 'link = "https://det', r"sources\[0\]\.link is not a key"),
        ('package = "tiny-ocr==1.0"', 'package = "tiny-ocr"', r"sources\[1\]\.package must be a requirement"),
        ("shape = [1, 3, 640, 640]", "shape = [1, 3, 640]", r"graph\.shape must be four positive integers"),
        ('detector = "tiny-det"', 'detector = "tiny-rec"', r"must name a model of kind detector"),
        ('detector = "tiny-det"', 'detector = "tiny-det"\ndirection = "tiny-cls"', r"must name a model of kind direct"),
        ("[charsets.letters]", "[charsets.more]", r"charset must be one of more, not 'letters'|is missing"),
        ('spec = "db"', 'spec = "dB"', r"models\.tiny-det\.spec must be one of db, lines, not 'dB'"),
        ('spec = "db"', 'spec = "db"\ncharset = "letters"', r"charset if it is a recognizer, and only then"),
        ('charset = "letters"', "", r"charset if it is a recognizer, and only then"),
        ('spec = "db"', 'spec = "lines"', r"models\.detector|specs\.db is used by nothing"),
        ("std = [0.25, 0.25, 0.25]", "std = [0.25, 0.25]", r"systems\.tiny: models\.recognizer\.input\.std"),
        ("threshold = 0.3", "threshold = 2", r"systems\.tiny: models\.detector\.postprocess\.threshold"),
        ("[systems.tiny]", "[systms.tiny]", r"systms in .*tiny\.toml is not a key"),
        ("[systems.tiny]", "[systems", "is not TOML"),
    ],
)
def test_wrong_data_are_refused_by_their_place(tiny: Path, old: str, new: str, complaint: str) -> None:
    text = tiny.read_text("utf-8")
    assert old in text
    tiny.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ZooError, match=complaint):
        load_zoo(tiny)


@pytest.mark.parametrize(
    ("addition", "complaint"),
    [
        ("[specs.other]\ninput = {}\noutput = {}\npostprocess = {}\n", r"specs\.other is used by nothing"),
        (
            TINY[TINY.index("[charsets.letters]") : TINY.index("[specs.db]")].replace("letters", "digits"),
            r"charsets\.digits is used by nothing",
        ),
        (
            TINY[TINY.index("[models.tiny-det]") : TINY.index("[models.tiny-rec]")].replace("tiny-det", "other-det"),
            r"models\.other-det is used by nothing",
        ),
    ],
)
def test_what_nothing_uses_is_refused(tiny: Path, addition: str, complaint: str) -> None:
    (tiny.parent / "more.toml").write_text(addition, "utf-8")
    with pytest.raises(ZooError, match=complaint):
        load_zoo(tiny.parent)


def test_a_missing_zoo_is_named(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match=r"none\.toml \(No such file"):
        load_zoo(tmp_path / "none.toml")
