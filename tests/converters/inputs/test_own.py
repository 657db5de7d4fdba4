"""Models of the user's own: what is inferred about them, from what, and what he may say himself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from converters.errors import SourceError
from converters.inputs import Choices, own_sources
from converters.inputs.description import Description
from converters.inputs.found import find_model
from converters.inputs.likeness import likeness
from converters.inputs.signature import read_signature
from converters.paddle.parameters import write_parameters
from converters.progress import Progress
from converters.zoo import load_zoo
from tests.conftest import skip
from tests.converters.inputs.conftest import LETTERS, TinyZoo, detector, direction, recognizer, saved
from tests.converters.paddle.tiny_paddle import PirBuilder, run

OTHER = "vwxyz!"
DETECTOR_YML = """
Global:
  model_name: Tiny-v2_mobile_det
PreProcess:
  transform_ops:
  - DecodeImage: {channel_first: false, img_mode: RGB}
  - DetResizeForTest: {resize_long: 736}
  - NormalizeImage: {mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6], scale: 1./255., order: hwc}
PostProcess: {name: DBPostProcess, thresh: 0.21, box_thresh: 0.43, max_candidates: 77, unclip_ratio: 1.9}
"""


def recognizer_yml(characters: str) -> str:
    rows = "".join(f"  - '{character}'\n" for character in characters)
    return f"PostProcess:\n  name: CTCLabelDecode\n  character_dict:\n{rows}"


def test_of_a_model_and_its_variants_the_model_itself_is_named(tmp_path: Path) -> None:
    folder = saved(detector(), tmp_path / "my_PP-OCRv2_det")
    signature = read_signature(folder / "inference.onnx", folder)
    nearest, *variants = likeness(find_model(folder), signature, Description(), load_zoo()).models
    assert nearest.name == "ppocrv2-det" and "ppocrv2-det-slim" in {model.name for model in variants}


def test_a_published_model_needs_no_words(tiny_zoo: TinyZoo, tmp_path: Path) -> None:
    """The folder of a file that the zoo knows: everything else is of its system, whose variants have it, too."""
    folder = tmp_path / "My PP Model_infer"
    folder.mkdir()
    shutil.copy(tiny_zoo.files / "tinyv2-recognizer.onnx", folder / "inference.onnx")
    sources = tiny_zoo.own(folder)
    system, reference = sources.system, sources.reference()
    assert system.name == "my-pp-model_infer"
    assert [model.name for model in system.models] == ["tinyv2-detector", "tinyv2-direction", "my-pp-model_infer"]
    assert system.licence == "MIT"
    assert reference.charset == tuple(LETTERS)
    assert reference.manifest.models.recognizer.input.mean[0] == 2
    assert sources.models["recognizer"] == folder / "inference.onnx"


def test_three_models_of_ones_own_make_a_system(tiny_zoo: TinyZoo, tmp_path: Path) -> None:
    paths = [
        saved(recognizer(7), tmp_path / "tinyv1_rec"),
        saved(detector(7), tmp_path / "tiny-v1-det") / "inference.onnx",
        saved(direction(7), tmp_path / "tiny_v1_cls"),
    ]
    system = tiny_zoo.own(*paths, name="mine").system
    assert [model.name for model in system.models] == ["tiny-v1-det", "tiny_v1_cls", "tinyv1_rec"]
    assert (system.name, system.licence) == ("mine", "LicenseRef-unknown")
    assert {model.spec["input"]["mean"][0] for model in system.models} == {1.0}, (
        "fed like the family they are named for"
    )


def test_the_file_may_have_the_name_that_the_folder_has_not(tiny_zoo: TinyZoo, tmp_path: Path) -> None:
    folder = saved(detector(7), tmp_path / "weights")
    (folder / "inference.onnx").rename(folder / "tiny-v2-det.onnx")
    assert tiny_zoo.own(folder, rest="tinyv1").reference().manifest.models.detector.input.mean[0] == 2


def test_inference_yml_has_the_last_word(tiny_zoo: TinyZoo, tmp_path: Path) -> None:
    folder = saved(detector(7), tmp_path / "det")
    (folder / "inference.yml").write_text(DETECTOR_YML)
    spec = tiny_zoo.own(folder).reference().manifest.models.detector
    assert (spec.input.colour_order, spec.input.size.long_side) == ("RGB", 736)
    assert (spec.input.mean, spec.input.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert spec.input.scale == pytest.approx(1 / 255)
    assert (spec.postprocess.threshold, spec.postprocess.box_threshold) == (0.21, 0.43)
    assert (spec.postprocess.max_candidates, spec.postprocess.unclip_ratio) == (77, 1.9)
    assert spec.postprocess.minimum_side == 3, "as in the family that the file names"


def test_what_inference_yml_leaves_out_is_as_in_the_model_it_is_like(tiny_zoo: TinyZoo, tmp_path: Path) -> None:
    folder = saved(detector(7), tmp_path / "det")
    (folder / "inference.yml").write_text("PreProcess:\n  transform_ops:\n  - DetResizeForTest: null\nPostProcess: ~\n")
    spec = tiny_zoo.own(folder, like=["tinyv1-detector"], rest="tinyv2").reference().manifest.models.detector
    assert (spec.input.mean, spec.input.size.long_side) == ((1.0, 1.0, 1.0), 960)


@pytest.mark.parametrize("where", ["argument", "inference.yml", "metadata", "text"])
def test_a_charset_is_found_wherever_it_is(where: str, tiny_zoo: TinyZoo, tmp_path: Path) -> None:
    """Each place goes before those after it, and all before the zoo's own charset of that length."""
    model, folder = recognizer(7), tmp_path / "tinyv1_rec"
    places = ["text", "metadata", "inference.yml", "argument"]
    here = places[: places.index(where) + 1]
    texts = {place: OTHER if place == where else LETTERS[::-1] for place in here}
    if "metadata" in texts:
        onnx.helper.set_model_props(model, {"character": "\n".join(texts["metadata"])})
    saved(model, folder)
    if "text" in texts:
        (folder / "dict.txt").write_text("\r\n".join(texts["text"]) + "\r\n")
        (folder / "README.txt").write_text("This is no charset.\nIt is a text.\n")
    if "inference.yml" in texts:
        (folder / "inference.yml").write_text(recognizer_yml(texts["inference.yml"]))
    chosen = tmp_path / "chosen.txt"
    chosen.write_text("\n".join(OTHER))
    sources = tiny_zoo.own(folder, charset=chosen if where == "argument" else None)
    assert sources.reference().charset == tuple(OTHER)


def test_a_charset_may_write_the_space_itself(tiny_zoo: TinyZoo, tmp_path: Path) -> None:
    folder = saved(recognizer(7), tmp_path / "tinyv1_rec")
    (folder / "dict.txt").write_text("\n".join("uvwxyz "))
    charset = tiny_zoo.own(folder).reference().manifest.charset
    assert (charset.count, charset.space_appended) == (7, False)


def test_scalars_of_inference_yml_stay_characters(tiny_zoo: TinyZoo, tmp_path: Path) -> None:
    folder = saved(recognizer(7), tmp_path / "tinyv1_rec")
    (folder / "inference.yml").write_text(
        "PostProcess:\n  character_dict:\n  - 1\n  - no\n  - ~\n  - 0x1\n  - 2026-01-01\n  - \u3000\n", encoding="utf-8"
    )
    assert tiny_zoo.own(folder).reference().charset == ("1", "no", "~", "0x1", "2026-01-01", "\u3000")


def test_the_same_models_come_with_any_system_that_is_named(tiny_zoo: TinyZoo, tmp_path: Path) -> None:
    folder = saved(recognizer(7), tmp_path / "rec")
    sources = tiny_zoo.own(folder, like=["tinyv1-recognizer"], rest="tinyv2-abc")
    assert [model.name for model in sources.system.models] == ["tinyv2-detector", "tinyv1-direction", "rec"]


def test_weights_beside_the_graph_are_taken_in(tiny_zoo: TinyZoo, tmp_path: Path) -> None:
    folder = tmp_path / "tinyv1_rec"
    folder.mkdir()
    onnx.save(recognizer(7), folder / "a.onnx", save_as_external_data=True, location="a.data", size_threshold=0)
    reference = tiny_zoo.own(folder).reference()
    whole = onnx.load_from_string(reference.model_bytes("recognizer"))
    found, expected = (
        [onnx.numpy_helper.to_array(tensor).tolist() for tensor in model.graph.initializer]
        for model in (whole, recognizer(7))
    )
    assert found == expected


def test_paddle_folders_are_what_their_archives_say(shared_data: Path) -> None:
    """The official folders of PP-OCRv2 and v5, whose programs are of two formats."""
    weights, zoo = shared_data.parent / "weights", load_zoo()
    for names, system in (
        (["ch_PP-OCRv2_rec_infer", "ch_PP-OCRv2_det_infer", "ch_ppocr_mobile_v2.0_cls_infer"], "ppocrv2"),
        (["PP-OCRv5_mobile_rec_infer", "PP-OCRv5_mobile_det_infer", "ch_ppocr_mobile_v2.0_cls_infer"], "ppocrv5"),
    ):
        try:
            sources = own_sources([weights / name for name in names], zoo, Choices(), Progress())
        except SourceError as error:
            skip("network", str(error))
            raise
        manifest, charset = sources.reference().manifest, zoo.systems[system].recognizer.charset
        assert charset is not None
        assert (manifest.charset.count, manifest.charset.space_appended) == (charset.count, charset.space_appended)
        for own, theirs in zip(sources.system.models, zoo.systems[system].models, strict=True):
            assert (own.kind, own.spec, own.input_shape) == (theirs.kind, theirs.spec, theirs.input_shape)


def test_a_paddle_folder_is_read_like_any_other(tiny_zoo: TinyZoo, tmp_path: Path) -> None:
    """A program and its parameters become ONNX that computes what the program says."""
    builder, weights = PirBuilder(), np.random.default_rng(0).normal(size=(1, 3, 1, 1)).astype(np.float32)
    facts: dict[str, Any] = {"strides": [1, 1], "paddings": [0, 0, 0, 0], "dilations": [1, 1], "groups": 1}
    facts |= {"padding_algorithm": "EXPLICIT", "data_format": "NCHW"}
    shape = (-1, 1, -1, -1)
    x = builder.input((-1, 3, -1, -1))
    convolved = builder.add("1.conv2d", x, builder.parameter(weights), shape=shape, **facts)
    folder = tmp_path / "tinyv1_det_infer"
    folder.mkdir()
    (folder / "inference.json").write_bytes(builder.json(builder.add("1.sigmoid", convolved, shape=shape)))
    (folder / "inference.pdiparams").write_bytes(write_parameters(builder.parameters.values()))
    sources = tiny_zoo.own(folder, rest="tinyv1")
    assert [file.name for file in sources.system.detector.files.values()] == ["inference.json", "inference.pdiparams"]
    picture = np.random.default_rng(1).normal(size=(1, 3, 64, 96)).astype(np.float32)
    expected = 1 / (1 + np.exp(-(weights * picture).sum(axis=1, keepdims=True)))
    np.testing.assert_allclose(run(str(sources.models["detector"]), picture), expected, atol=1e-6)
