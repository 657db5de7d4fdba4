"""Pools that keep their window."""

from __future__ import annotations

import io
from pathlib import Path

import onnx
import pytest

from converters.paddle import to_onnx
from converters.paddle.pooling import keep_windows
from converters.paddle.program import message, parse_program
from converters.progress import Progress
from tests.conftest import skip
from tests.converters.paddle.tiny_paddle import DENSE_TENSOR, FLOAT32, pdmodel

INTEGERS = 3
"""Of framework.proto: a kind of attribute."""


def pooled(*read: int, window: tuple[int, ...] = (2, 2)) -> bytes:
    """A program with one pool over a variable of the given sizes."""
    program = message("ProgramDesc")()
    block = program.blocks.add(idx=0, parent_idx=-1)
    tensor = {"tensor": {"data_type": FLOAT32, "dims": read}}
    block.vars.add(name="x", type={"type": DENSE_TENSOR, "lod_tensor": tensor})
    slot = {"parameter": "X", "arguments": ["x"]}
    block.ops.add(type="pool2d", inputs=[slot]).attrs.add(name="ksize", type=INTEGERS, ints=window)
    return bytes(program.SerializeToString())


@pytest.mark.parametrize(
    ("read", "left"),
    [
        ((-1, 200, 1, 50), [-1, 200, -1, -1]),
        ((-1, 200, 2, 50), [-1, 200, 2, 50]),
        ((-1, 200, -1, -1), [-1, 200, -1, -1]),
    ],
    ids=["narrower than the window", "as large", "open"],
)
def test_what_a_window_does_not_fit_into_is_left_open(read: tuple[int, ...], left: list[int]) -> None:
    (variable,) = parse_program(keep_windows(pooled(*read))).blocks[0].vars
    assert list(variable.type.lod_tensor.tensor.dims) == left


def test_a_program_without_such_a_pool_stays_as_it_is() -> None:
    assert keep_windows(pdmodel()) == pdmodel()
    assert keep_windows(pooled(-1, 8, 4, 4)) == pooled(-1, 8, 4, 4)


@pytest.mark.conversion
def test_the_slim_direction_classifier_pools_like_the_ordinary_one(shared_data: Path) -> None:
    windows = []
    for name in ("ch_ppocr_mobile_v2.0_cls_infer", "ch_ppocr_mobile_v2.0_cls_slim_infer"):
        folder = shared_data.parent / "weights" / name
        if not folder.is_dir():
            skip("shared", f"no {folder}")
        files = (folder / "inference.pdmodel", folder / "inference.pdiparams")
        graph = onnx.load(to_onnx(*files, Progress(io.StringIO())).onnx).graph
        windows.append([list(a.ints) for n in graph.node if n.op_type == "MaxPool" for a in n.attribute][:2])
    assert windows[0] == windows[1] == [[2, 2], [2, 2]]
