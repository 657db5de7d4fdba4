"""Reading ONNX files: whole, with their weights beside them, and nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from converters.errors import SourceError
from converters.graph.loading import load_onnx
from tests.converters.graph.tiny_onnx import tiny_model, weights

WEIGHTS = weights(6, 4, 3, 3)


@pytest.fixture
def model() -> onnx.ModelProto:
    return tiny_model("c = Conv<kernel_shape=[3,3]>(x, w) y = Sigmoid(c)", w=WEIGHTS)


def with_weights_in(model: onnx.ModelProto, location: str, length: int = WEIGHTS.nbytes, offset: int = 0) -> None:
    """Say that the weights are in another file, without writing it."""
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(length))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def saved(model: onnx.ModelProto, folder: Path) -> Path:
    file = folder / "model.onnx"
    file.write_bytes(model.SerializeToString())
    return file


def weights_of(model: onnx.ModelProto) -> np.ndarray:
    return onnx.numpy_helper.to_array(model.graph.initializer[0])


def test_weights_in_a_file_beside_are_read(model: onnx.ModelProto, tmp_path: Path) -> None:
    with_weights_in(model, "data/weights.bin", offset=8)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "weights.bin").write_bytes(bytes(8) + WEIGHTS.tobytes())
    np.testing.assert_array_equal(weights_of(load_onnx(saved(model, tmp_path))), WEIGHTS)


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/hostname", "data/../../weights.bin", "link.bin", "."])
def test_weights_outside_the_folder_are_refused(model: onnx.ModelProto, tmp_path: Path, location: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(WEIGHTS.tobytes())
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    with_weights_in(model, location)
    with pytest.raises(SourceError, match=r"keeps the weights w in '.*', outside its own folder; put all"):
        load_onnx(saved(model, folder))


def test_weights_that_are_missing_or_cut_off_are_refused(model: onnx.ModelProto, tmp_path: Path) -> None:
    with_weights_in(model, "weights.bin")
    file = saved(model, tmp_path)
    with pytest.raises(SourceError, match=r"the weights w in 'weights\.bin', which is missing"):
        load_onnx(file)
    (tmp_path / "weights.bin").write_bytes(WEIGHTS.tobytes()[:-1])
    with pytest.raises(SourceError, match="which ends before them"):
        load_onnx(file)


@pytest.mark.parametrize(
    ("location", "offset", "length"),
    [("weights.bin", -8, 16), ("weights.bin", 8, -8), ("weights\0.bin", 0, WEIGHTS.nbytes)],
)
def test_weights_in_an_impossible_place_are_refused(
    model: onnx.ModelProto, tmp_path: Path, location: str, offset: int, length: int
) -> None:
    with_weights_in(model, location, length, offset)
    (tmp_path / "weights.bin").write_bytes(WEIGHTS.tobytes())
    with pytest.raises(SourceError, match=r"says \{.*\} of the weights w; fetch or export it again"):
        load_onnx(saved(model, tmp_path))


def test_weights_behind_a_link_are_refused(model: onnx.ModelProto, tmp_path: Path) -> None:
    """Also one inside the folder, which onnx does not follow."""
    with_weights_in(model, "link.bin")
    (tmp_path / "weights.bin").write_bytes(WEIGHTS.tobytes())
    (tmp_path / "link.bin").symlink_to("weights.bin")
    with pytest.raises(SourceError, match=r"in a file that cannot be read \(.*\); put all its files in one folder"):
        load_onnx(saved(model, tmp_path))


@pytest.mark.parametrize("cut", [1, 4])
@pytest.mark.parametrize("beside", [True, False])
def test_fewer_weights_than_their_shape_says_are_refused(
    model: onnx.ModelProto, tmp_path: Path, beside: bool, cut: int
) -> None:
    if beside:
        with_weights_in(model, "weights.bin", WEIGHTS.nbytes - cut)
        (tmp_path / "weights.bin").write_bytes(WEIGHTS.tobytes())
    else:
        model.graph.initializer[0].raw_data = WEIGHTS.tobytes()[:-cut]
    with pytest.raises(SourceError, match=r"holds the weights w in a form that cannot be read \(.*\); fetch or export"):
        load_onnx(saved(model, tmp_path))


def test_weights_of_an_unknown_type_are_refused(model: onnx.ModelProto, tmp_path: Path) -> None:
    model.graph.initializer[0].data_type = 99
    with pytest.raises(SourceError, match=r"holds the weights w in a form that cannot be read \(99\)"):
        load_onnx(saved(model, tmp_path))


def test_weights_inside_a_node_are_looked_at_too(model: onnx.ModelProto, tmp_path: Path) -> None:
    with_weights_in(model, "../weights.bin")
    constant = onnx.helper.make_node("Constant", [], ["w2"], value=model.graph.initializer[0])
    branch = onnx.helper.make_graph([constant], "branch", [], [])
    del model.graph.initializer[:]
    model.graph.node.append(onnx.helper.make_node("If", ["y"], ["z"], then_branch=branch, else_branch=branch))
    with pytest.raises(SourceError, match="outside its own folder"):
        load_onnx(saved(model, tmp_path))


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(model: onnx.ModelProto, tmp_path: Path, share: float) -> None:
    content = model.SerializeToString()
    file = tmp_path / "model.onnx"
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(SourceError, match=r"model\.onnx is not an ONNX model, or only a part of one|without a graph"):
        load_onnx(file)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 40])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=r"model\.onnx is .*; fetch or export it again"):
        load_onnx(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot be read \(No such file"):
        load_onnx(tmp_path / "model.onnx")
