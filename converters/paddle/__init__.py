"""Inference models of PaddlePaddle to ONNX, without PaddlePaddle.

Versions 1 and 2 write a program as `.pdmodel` (protobuf), version 3 as `inference.json` (PIR); both put the parameters
beside it as `.pdiparams`. The first goes through the C++ core of paddle2onnx, the second is read here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx

from converters.environments import FOLDER as ENVIRONMENTS
from converters.environments import worker
from converters.errors import ConversionError, SourceError
from converters.graph import OPSET
from converters.lfs import check_no_pointer
from converters.own_code import code_digest
from converters.paddle import pir
from converters.paddle.fake_quantisation import is_fake_quantised, remove_fake_quantisation
from converters.paddle.parameters import named_parameters
from converters.paddle.pir_to_onnx import to_onnx as pir_to_onnx
from converters.paddle.pooling import keep_windows
from converters.paddle.program import parameter_shapes, parse_program
from converters.paddle.sizes import open_sizes
from converters.progress import Progress
from converters.quantization.learned import LearnedQuantisation
from edge_ocr.cache import digest_of, run_stage

__all__ = ["PaddleModel", "to_onnx"]

_PADDLE2ONNX_OPSET = 14
"""The first with HardSwish, for which the core would raise a lower one; `converters.graph` goes on from there."""

_EXPORT_SECONDS = 120.0
"""The core needs about one for any model of PP-OCR."""

_MODEL, _LEARNED = "model.onnx", "learned.json"
"""Files of the stage; the second is there for a program that was trained with fake quantisation."""

_WRITERS = ("onnx", "onnxruntime")
"""Packages that have a part in the ONNX file, beside paddle2onnx."""


@dataclass(frozen=True)
class PaddleModel:
    """A Paddle model as ONNX.

    Attributes:
        onnx: the file, in the cache. Its input is open in batch, height and width as far as the model allows.
        learned: what a program trained with fake quantisation knows; None for any other.
    """

    onnx: Path
    learned: LearnedQuantisation | None


def to_onnx(program: Path, parameters: Path, progress: Progress) -> PaddleModel:
    """Convert an inference model to ONNX, or find it in the cache.

    Args:
        program: `.pdmodel` or `inference.json`; what it is follows from its content.
        parameters: its `.pdiparams`.
        progress: tells of the conversion, and of the environment when it has to be made.

    Raises:
        SourceError: a file is missing, a Git LFS pointer, or not what its name says, or the two do not belong together.
        ConversionError: the program uses an operator that cannot be converted; the sentence names it.
        WorkerError: the paddle2onnx environment cannot be made, or gives no answer.
    """
    _check_present(program, parameters)

    def make(folder: Path) -> None:
        progress.note(f"Paddle to ONNX: {program}")
        with _named(program):
            model, learned = _converted(program.read_bytes(), parameters.read_bytes(), progress)
            onnx.save(open_sizes(model), folder / _MODEL)
        if learned:
            (folder / _LEARNED).write_text(json.dumps(learned.to_json()), encoding="utf-8")

    environment = [file for file in sorted((ENVIRONMENTS / "paddle2onnx").iterdir()) if file.is_file()]
    code = code_digest("converters/paddle", "converters/quantization/learned.py", "converters/environments/serve.py")
    versions = {package: version(package) for package in _WRITERS}
    folder = run_stage("paddle", digest_of(program, parameters, environment, code, versions, OPSET), make)
    kept = folder / _LEARNED
    learned = LearnedQuantisation.from_json(json.loads(kept.read_text(encoding="utf-8"))) if kept.exists() else None
    return PaddleModel(folder / _MODEL, learned)


def _check_present(program: Path, parameters: Path) -> None:
    for file in (program, parameters):
        if not file.is_file():
            raise SourceError(
                f"there is no file {file}; a Paddle model is a program and its parameters ({program.name} and "
                f"{parameters.name}), so give the folder that its archive unpacks to"
            )
        check_no_pointer(file)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Put a path before what errors say."""
    try:
        yield
    except ConversionError as problem:
        raise type(problem)(f"{path}: {problem}") from problem


def _converted(
    program: bytes, parameters: bytes, progress: Progress
) -> tuple[onnx.ModelProto, LearnedQuantisation | None]:
    """A model of either form as ONNX, and what its training has fixed."""
    if program.lstrip().startswith(b"{"):
        return _from_pir(program, parameters), None
    program, parameters, learned = _prepared(program, parameters)
    return _from_protobuf(program, parameters, progress), learned


def _prepared(program: bytes, parameters: bytes) -> tuple[bytes, bytes, LearnedQuantisation | None]:
    """A `.pdmodel` and its parameters, checked, as paddle2onnx converts them well; and what training has fixed."""
    learned = None
    try:
        named_parameters(parameter_shapes(parse_program(program)), parameters)
        if is_fake_quantised(program):
            bare = remove_fake_quantisation(program, parameters)
            program, parameters, learned = bare.program, bare.parameters, bare.learned
        return keep_windows(program), parameters, learned
    except (ArithmeticError, LookupError, TypeError, ValueError) as problem:  # such as a name that is no UTF-8
        raise SourceError(f"the program is damaged ({problem}); fetch it again") from problem


def _from_pir(program: bytes, parameters: bytes) -> onnx.ModelProto:
    parsed = pir.parse(program)
    shapes = {name: value.shape for name, value in parsed.parameters.items()}
    return pir_to_onnx(parsed, named_parameters(shapes, parameters))


def _from_protobuf(program: bytes, parameters: bytes, progress: Progress) -> onnx.ModelProto:
    with TemporaryDirectory() as folder:
        files = {name: Path(folder, name) for name in ("program", "parameters", "output")}
        files["program"].write_bytes(program)
        files["parameters"].write_bytes(parameters)
        paths: dict[str, Any] = {name: str(file) for name, file in files.items()}
        with worker("paddle2onnx", progress=progress) as paddle2onnx:
            found = paddle2onnx.call("export", timeout=_EXPORT_SECONDS, opset=_PADDLE2ONNX_OPSET, **paths)
        another_form = "give the model in another form, such as ONNX"
        if found["unsupported"]:
            names = ", ".join(found["unsupported"])
            raise ConversionError(
                f"the program uses operators that paddle2onnx cannot convert: {names}; {another_form}"
            )
        if found["problem"]:
            raise ConversionError(f"paddle2onnx cannot convert the program ({found['problem']}); {another_form}")
        return onnx.load(files["output"])
