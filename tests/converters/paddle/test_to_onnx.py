"""Paddle models to ONNX: what is refused before the work, and the numbers against other publishers' ONNX files."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from converters.errors import ConversionError, SourceError, WorkerError
from converters.graph import rewrite
from converters.paddle import PaddleModel, to_onnx
from converters.paddle.parameters import write_parameters
from converters.paddle.program import parse_program
from converters.progress import Progress
from converters.sources import Fetcher
from converters.zoo import Model, load_zoo
from tests.conftest import skip
from tests.converters.paddle.tiny_paddle import BIAS, PirBuilder, pdmodel, run
from tests.converters.test_lfs import POINTER

PARAMETERS = write_parameters([BIAS])


@pytest.fixture(autouse=True)
def _fresh_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No result of an earlier run; environments and fetched files stay."""
    monkeypatch.setattr("edge_ocr.cache.stage_directory", lambda stage, digest: tmp_path / "stages" / stage / digest)


def convert(folder: Path, program: bytes, parameters: bytes | None = PARAMETERS) -> PaddleModel:
    """A model whose files are written into `folder` first."""
    (folder / "inference.pdmodel").write_bytes(program)
    if parameters is not None:
        (folder / "inference.pdiparams").write_bytes(parameters)
    return to_onnx(folder / "inference.pdmodel", folder / "inference.pdiparams", Progress(io.StringIO()))


def pir_program(operator: str = "1.relu") -> tuple[bytes, bytes]:
    """The program of `pdmodel` in the form of PaddlePaddle 3, and its parameters."""
    builder = PirBuilder()
    x = builder.input((-1, 3, 32, 100))
    added = builder.add("1.add", x, builder.parameter(BIAS), shape=(-1, 3, 32, 100))
    output = builder.add(operator, added, shape=(-1, 3, 32, 100), place="/Head/")
    return builder.json(output), write_parameters(builder.parameters.values())


@pytest.mark.conversion
@pytest.mark.parametrize("form", ["pdmodel", "inference.json"])
def test_both_forms_become_onnx_of_any_size(tmp_path: Path, form: str) -> None:
    model = convert(tmp_path, *((pdmodel(), PARAMETERS) if form == "pdmodel" else pir_program()))
    assert model.learned is None
    x = np.random.default_rng(0).normal(size=(2, 3, 48, 200)).astype(np.float32)
    np.testing.assert_allclose(run(str(model.onnx), x), np.maximum(x + BIAS, 0), rtol=1e-6)


def test_a_model_is_converted_once(tmp_path: Path) -> None:
    first = convert(tmp_path, *pir_program())
    written = first.onnx.stat().st_mtime_ns
    assert convert(tmp_path, *pir_program()) == first
    assert first.onnx.stat().st_mtime_ns == written
    builder = PirBuilder()
    other = builder.json(builder.add("1.relu", builder.input((-1, 3, 32, 100)), shape=(-1, 3, 32, 100)))
    assert convert(tmp_path, other, b"").onnx != first.onnx


def refusal(folder: Path, program: bytes, parameters: bytes | None = PARAMETERS) -> str:
    with pytest.raises(ConversionError) as error:
        convert(folder, program, parameters)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.conversion
def test_operators_that_paddle2onnx_does_not_know_are_named(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, pdmodel("fly_away"))
    assert sentence.startswith(f"{tmp_path / 'inference.pdmodel'}: ")
    assert "operators that paddle2onnx cannot convert: fly_away; give the model in another form" in sentence


@pytest.mark.conversion
def test_what_paddle2onnx_stumbles_over_is_told_in_its_own_words(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, pdmodel("flatten2"))  # without an axis
    assert "paddle2onnx cannot convert the program ([ERROR] Cannot found attribute axis in op: flatten2" in sentence


def test_operators_of_paddlepaddle_3_are_named_with_their_places(tmp_path: Path) -> None:
    assert "not known here: fly_away (first at /Head/)" in refusal(tmp_path, *pir_program("1.fly_away"))


def test_a_program_without_its_parameters_is_told(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, pdmodel(), None)
    assert f"there is no file {tmp_path / 'inference.pdiparams'}" in sentence
    assert "give the folder that its archive unpacks to" in sentence


@pytest.mark.parametrize(("program", "parameters"), [(POINTER, PARAMETERS), (pdmodel(), POINTER)])
def test_pointers_in_place_of_files_are_told(tmp_path: Path, program: bytes, parameters: bytes) -> None:
    assert "is a Git LFS pointer" in refusal(tmp_path, program, parameters)


@pytest.mark.parametrize(
    ("program", "parameters", "words"),
    [
        (pdmodel(), PARAMETERS[:-1], "tensor 0 of the parameters"),
        (pdmodel(), PARAMETERS * 2, "declares 1 parameters and the file holds 2"),
        (pdmodel(), write_parameters([BIAS[:, :2]]), "declares the parameter bias as [1, 3, 1, 1]"),
        (pdmodel(), np.random.default_rng(0).bytes(1000), "tensor 0 of the parameters"),
        (pdmodel()[:-3], PARAMETERS, "is not a Paddle program"),
        (np.random.default_rng(1).bytes(1000), PARAMETERS, "is not a Paddle program"),
        (b"", PARAMETERS, "holds no block"),
        (b'{"name": "a-package"}', PARAMETERS, "no program of PaddlePaddle 3"),
        (pir_program()[0], PARAMETERS * 2, "declares 1 parameters and the file holds 2"),
    ],
)
def test_damaged_files_are_told_before_any_tool_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: bytes, parameters: bytes, words: str
) -> None:
    monkeypatch.delattr("converters.paddle.worker")
    assert words in refusal(tmp_path, program, parameters)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_program_is_told_or_goes_to_paddle2onnx(
    data: st.DataObject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_worker(name: str, **_: object) -> None:
        raise WorkerError(f"{name} is reached")

    monkeypatch.setattr("converters.paddle.worker", no_worker)
    program = bytearray(pdmodel("fake_quantize_dequantize_moving_average_abs_max"))
    for place in data.draw(st.lists(st.integers(0, len(program) - 1), min_size=1, max_size=3)):
        program[place] = data.draw(st.integers(0, 255))
    refusal(tmp_path, bytes(program))


def test_an_operator_that_reads_nothing_known_is_told(tmp_path: Path) -> None:
    lost = parse_program(pdmodel("pool2d"))
    lost.blocks[0].ops[2].inputs[0].arguments[0] = "lost"
    assert "the program is damaged ('lost')" in refusal(tmp_path, lost.SerializeToString())


@pytest.mark.conversion
def test_hostile_sizes_are_told(tmp_path: Path) -> None:
    assert "at most 2048 pixels" in refusal(tmp_path, pdmodel(shape=(-1, 3, 1 << 20, 1 << 20)))


@pytest.mark.conversion
def test_what_a_program_has_learned_comes_along_and_out_of_the_cache(shared_data: Path) -> None:
    folder = shared_data.parent / "weights" / "ch_ppocr_mobile_v2.0_cls_slim_infer"
    files = folder / "inference.pdmodel", folder / "inference.pdiparams"
    model = to_onnx(*files, Progress(io.StringIO()))
    assert model.learned is not None
    read = {name for node in onnx.load(model.onnx).graph.node for name in node.input}
    assert model.learned.layers and model.learned.layers.keys() <= read
    assert to_onnx(*files, Progress(io.StringIO())) == model


def published(name: str, shared_data: Path) -> tuple[Model, Path, PaddleModel]:
    """A model of the zoo as somebody's ONNX, and as our own of its Paddle form; skips where one cannot be had."""
    model = load_zoo().model(name)
    fetcher = Fetcher(local=shared_data.parent / "weights", progress=Progress(io.StringIO()))
    try:
        files = {role: fetcher.fetch(model.files[role]) for role in ("onnx", "program", "parameters")}
    except SourceError as problem:
        skip("network", str(problem))
    return model, files["onnx"], to_onnx(files["program"], files["parameters"], Progress(io.StringIO()))


SIZES = {"detector": ((320, 320), (480, 640), (736, 96)), "direction": ((48, 192), (48, 320))}
WIDTHS = (128, 320, 1280)
TOLERANCE = 1e-4
"""Largest difference measured: 4.6e-5, of the PP-OCRv2 detector; the others stay below 1e-5."""


def check_against_published(name: str, shared_data: Path) -> None:
    model, theirs, ours = published(name, shared_data)
    picture = cv2.imread(str(sorted((shared_data / "pages" / "icdar2015").rglob("*.jpg"))[0]))
    assert picture is not None
    for height, width in SIZES.get(model.kind, [(model.input_shape[2], width) for width in WIDTHS]):
        x = cv2.resize(picture, (width, height)).transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1
        np.testing.assert_allclose(run(str(ours.onnx), x), run(str(theirs), x), atol=TOLERANCE)


@pytest.mark.conversion
@pytest.mark.parametrize("name", ["ppocrv5-det", "ppocrv5-rec", "ppocr-mobile-v2.0-rec"])
def test_a_paddle_model_gives_the_numbers_of_its_published_onnx(name: str, shared_data: Path) -> None:
    """Both models of PaddlePaddle 3, and one of PaddlePaddle 2 that declares a single width."""
    check_against_published(name, shared_data)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ppocr-mobile-v2.0-cls", "ppocrv2-det", "ppocrv2-rec", "ppocrv3-det", "ppocrv3-rec"])
def test_every_paddle_model_does(name: str, shared_data: Path) -> None:
    check_against_published(name, shared_data)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ppocrv5-det", "ppocrv5-rec"])
def test_the_graphs_of_paddlepaddle_3_are_rewritten_like_their_published_onnx(name: str, shared_data: Path) -> None:
    model, theirs, ours = published(name, shared_data)
    applied = [rewrite(onnx.load(file), input_shape=model.input_shape).applied for file in (theirs, ours.onnx)]
    assert applied[0] == applied[1]
