"""Everything that `ppocr-convert convert PATH` refuses: one sentence that says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from converters.cli import main
from tests.converters.inputs.conftest import LETTERS, TinyZoo, detector, direction, recognizer, saved
from tests.converters.inputs.test_own import recognizer_yml

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.fixture
def refusal(
    tiny_zoo: TinyZoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs `convert` on arguments that it must refuse, and gives its sentence."""
    monkeypatch.setattr("converters.commands.originals.load_zoo", lambda: tiny_zoo.zoo)
    monkeypatch.setattr("converters.commands.convert.evaluation_datasets", lambda: [object()])

    def run(*arguments: object) -> str:
        words = ["convert", *map(str, arguments), "--from", str(tiny_zoo.files), "-o", str(tmp_path / "out")]
        assert main(words) == 2
        *_, last = capsys.readouterr().err.splitlines()
        assert last.startswith("error: ") and not (tmp_path / "out").exists()
        return last.removeprefix("error: ")

    return run


def folder_with(folder: Path, **files: str) -> Path:
    """A folder of text files; `__` stands for the dot in a name."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    return folder


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "holds no model; give a folder with an .onnx file"),
        ({"config__json": "{}", "README__md": ""}, "holds no model"),
        ({"a__onnx": "", "b__onnx": ""}, "holds 2 models (a.onnx, b.onnx); name the file"),
        ({"det__pdmodel": "", "det__pdiparams": "", "rec__onnx": ""}, "holds 2 models (det.pdmodel, rec.onnx)"),
        ({"inference__pdmodel": ""}, "inference.pdiparams is missing beside it"),
        ({"inference__pdiparams": ""}, "weights (.pdiparams) without a program"),
        ({"best__pdparams": ""}, "tools/export_model.py"),
        ({"inference__onnx": POINTER}, "is a Git LFS pointer"),
        ({"inference__pdmodel": "", "inference__pdiparams": POINTER}, "is a Git LFS pointer"),
        ({"inference__onnx": "", "inference__yml": POINTER}, "inference.yml is a Git LFS pointer"),
        ({"inference__onnx": "Not Found"}, "is not an ONNX model"),
        ({"inference__json": "{}", "inference__pdiparams": ""}, "inference.json"),
    ],
)
def test_a_folder_that_is_no_model(
    files: dict[str, str], complaint: str, refusal: Callable[..., str], tmp_path: Path
) -> None:
    folder = folder_with(tmp_path / "model", **files)
    sentence = refusal(folder)
    assert str(folder) in sentence and complaint in sentence


def test_a_path_that_leads_nowhere(refusal: Callable[..., str], tmp_path: Path) -> None:
    assert "there is no folder or file" in refusal(tmp_path / "modle")
    assert refusal("tinyv3").endswith("the zoo has no system 'tinyv3'; did you mean tinyv2 or tinyv1 or tinyv2-abc?")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "loop cannot be opened (" in refusal(tmp_path / "loop")
    (tmp_path / "a.jpg").write_text("")
    assert "a.jpg is not a model that can be read" in refusal(tmp_path / "a.jpg")


def test_a_kind_may_be_given_once(refusal: Callable[..., str], tmp_path: Path) -> None:
    first, second = (saved(detector(), tmp_path / name) for name in ("tinyv1_det", "tinyv2_det"))
    assert refusal(first, second) == f"{first} and {second} are both a detector; give one of each kind"


def test_a_detector_given_as_a_recognizer(refusal: Callable[..., str], tmp_path: Path) -> None:
    folder, charset = saved(detector(), tmp_path / "tinyv1_rec"), tmp_path / "dict.txt"
    charset.write_text("\n".join(LETTERS))
    assert f"{folder} is a detector" in refusal(folder, "--charset", charset)
    assert f"names a recognizer, but {folder} is a detector" in refusal(folder, "--like", "tinyv1-recognizer")


def test_a_charset_that_does_not_fit(refusal: Callable[..., str], tmp_path: Path) -> None:
    folder, charset = saved(recognizer(classes=11), tmp_path / "tinyv1_rec"), tmp_path / "dict.txt"
    assert "no charset of 11 classes" in refusal(folder)
    charset.write_text("\n".join(LETTERS))
    numbers = "has 6 characters, which make 7 classes, or 8 with a space, but"
    for arguments in ([folder, "--charset", charset], [folder]):
        sentence = refusal(*arguments)
        assert numbers in sentence and "gives 11; name the one that belongs to it with --charset" in sentence
        (folder / "inference.yml").write_text(recognizer_yml(LETTERS))
    charset.write_text(POINTER)
    assert "is a Git LFS pointer" in refusal(folder, "--charset", charset)
    assert "there is no charset file" in refusal(folder, "--charset", tmp_path / "nowhere.txt")


def test_a_charset_beside_the_model_may_be_a_pointer(refusal: Callable[..., str], tmp_path: Path) -> None:
    folder = saved(recognizer(), tmp_path / "tinyv1_rec")
    (folder / "keys.txt").write_text(POINTER)
    assert "keys.txt is a Git LFS pointer" in refusal(folder)


def test_what_cannot_be_told_is_asked_for(refusal: Callable[..., str], tmp_path: Path) -> None:
    folder = saved(recognizer(), tmp_path / "my_rec")
    (folder / "a.txt").write_text("\n".join(LETTERS))
    (folder / "b.txt").write_text("\n".join(LETTERS))
    sentence = refusal(folder)
    assert "tinyv1-recognizer, tinyv2-recognizer, which differ" in sentence and "--like MODEL" in sentence
    assert "several charsets (a.txt, b.txt); choose one with --charset" in refusal(
        folder, "--like", "tinyv1-recognizer"
    )
    model = saved(direction(), tmp_path / "cls")
    sentence = refusal(model, "--like", "tinyv1-direction")
    assert "from any of tinyv1, tinyv2-abc" in sentence and "--with SYSTEM" in sentence


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: direction(classes=4), "tells 4 classes apart, where a direction classifier has 2 (0 and 180 degrees)"),
        (lambda: detector(size="640,640"), "a height of 640 pixels only"),
        (lambda: recognizer(height=48), "the zoo has no recognizer like"),
    ],
)
def test_a_model_that_no_system_could_use(
    make: Callable[[], onnx.ModelProto], complaint: str, refusal: Callable[..., str], tmp_path: Path
) -> None:
    assert complaint in refusal(saved(make(), tmp_path / "tinyv1_model"), "--with", "tinyv1")


@pytest.mark.parametrize(
    ("side", "pixels", "numbers", "complaint"),
    [
        (1, 1, onnx.TensorProto.FLOAT, "takes (?, 1, ?, ?), not single colour pictures"),
        (0, 4, onnx.TensorProto.FLOAT, "takes (4, 3, ?, ?), not single colour pictures"),
        (0, 1, onnx.TensorProto.UINT8, "takes numbers that are not float32"),
    ],
)
def test_a_model_that_takes_something_else(
    side: int, pixels: int, numbers: int, complaint: str, refusal: Callable[..., str], tmp_path: Path
) -> None:
    model = detector()
    taken = model.graph.input[0].type.tensor_type
    taken.elem_type = numbers
    taken.shape.dim[side].dim_value = pixels
    assert complaint in refusal(saved(model, tmp_path / "tinyv1_det"))


def test_a_graph_that_is_none_of_the_three_kinds(refusal: Callable[..., str], tmp_path: Path) -> None:
    model = detector()
    model.graph.output.append(model.graph.output[0])
    assert "has 1 inputs and 2 outputs" in refusal(saved(model, tmp_path / "two"))
    model = detector()
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 3
    assert "gives (?, 3, ?, ?), but a detector gives a map (N, 1, H, W)" in refusal(saved(model, tmp_path / "three"))


def test_weights_outside_the_folder(refusal: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "tinyv1_det"
    folder.mkdir()
    onnx.save(detector(), folder / "a.onnx", save_as_external_data=True, location="a.data", size_threshold=0)
    model = onnx.load(folder / "a.onnx", load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        entry.value = "../secret" if entry.key == "location" else entry.value
    (folder / "a.onnx").write_bytes(model.SerializeToString())
    assert "outside its own folder" in refusal(folder)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: b: c", "is not YAML ("),
        ("[" * 1_000_000, "nested more than"),
        ("a" * (1 << 21), "bytes, too many"),
        ("- a\n- b\n", "the document must be a table"),
        ("PostProcess: [1]", "PostProcess must be a table"),
        ("PreProcess: {transform_ops: [{NormalizeImage: {mean: [1, 2]}}]}", "NormalizeImage.mean must be 3 numbers"),
        ("PreProcess: {transform_ops: [{NormalizeImage: {scale: 1/0}}]}", "NormalizeImage.scale must be a number"),
        ("PostProcess: {name: DBPostProcess, thresh: high}", "PostProcess.thresh must be a number, not 'high'"),
        (
            "PostProcess: {name: DBPostProcess, thresh: 30}",
            "detector.postprocess.threshold: expected a number from 0 to 1",
        ),
        ("PreProcess: {transform_ops: [{DetResizeForTest: {resize_long: 1e9}}]}", "resize_long must be a number"),
    ],
)
def test_a_description_that_makes_no_sense(
    text: str, complaint: str, refusal: Callable[..., str], tmp_path: Path
) -> None:
    folder = saved(detector(), tmp_path / "tinyv1_det")
    (folder / "inference.yml").write_text(text)
    sentence = refusal(folder)
    assert complaint in sentence and "inference.yml" in sentence


def test_aliases_of_aliases_are_not_multiplied(refusal: Callable[..., str], tmp_path: Path) -> None:
    """A billion laughs, in what would be a charset of the right length."""
    folder = saved(recognizer(), tmp_path / "tinyv1_rec")
    laughs = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 6)}]\n" for n in range(1, 30))
    (folder / "inference.yml").write_text(f"l0: &l0 [a]\n{laughs}PostProcess: {{character_dict: *l29}}\n")
    assert "has no charset" in refusal(folder)


def test_names(refusal: Callable[..., str], tmp_path: Path) -> None:
    folder = saved(detector(), tmp_path / "模型")
    assert "choose a name in Latin letters with --name" in refusal(folder, "--like", "tinyv1-detector")
    assert "tinyv2 is a system of the zoo" in refusal(folder, "--name", "TinyV2")
    assert "the zoo has no model 'tinyv1-det'" in refusal(folder, "--name", "a", "--like", "tinyv1-det")
    assert "the zoo has no system 'tiny'" in refusal(folder, "--name", "a", "--with", "tiny")
    assert "--with is about models of your own" in refusal("tinyv1", "--with", "tinyv2")
    assert refusal("tinyv2", folder) == "tinyv2 is a system of the zoo, not a path; give it alone, or after --with"
