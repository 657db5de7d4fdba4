"""Model files are looked at before an interpreter gets them: ours pass, and each kind of harm is refused by name."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_ocr import OCR
from edge_ocr.bundle import Bundle
from edge_ocr.engines import tflite_file
from edge_ocr.engines.tflite_file import check_model
from edge_ocr.errors import BundleError, EngineError

schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="ai-edge-litert is not installed")
flatbuffer_utils = pytest.importorskip("ai_edge_litert.tools.flatbuffer_utils")

CODES = {name: code for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


@pytest.fixture(scope="module")
def bundle(bundle_folder: Path) -> Bundle:
    return Bundle.open(bundle_folder)


@pytest.fixture(scope="module")
def detector(bundle: Bundle) -> bytes:
    return bundle.model_bytes("detector")


def changed(content: bytes, change: Callable[[Any], None]) -> bytes:
    """A model file after a change of its object tree."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    change(model)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def first(model: Any, name: str) -> Any:
    """The first operator of that name."""
    codes = [index for index, code in enumerate(model.operatorCodes) if code.builtinCode == CODES[name]]
    return next(operator for operator in model.subgraphs[0].operators if operator.opcodeIndex in codes)


def constant(model: Any, tensor: int) -> Any:
    return model.buffers[model.subgraphs[0].tensors[tensor].buffer]


@pytest.mark.parametrize("kind", ["detector", "direction", "recognizer"])
def test_models_of_a_bundle_pass(bundle: Bundle, kind: str) -> None:
    check_model(bundle.model_bytes(kind))
    check_model(bundle.model_bytes(kind), bundle.manifest.models.by_kind()[kind].operators)


def test_what_is_packed_again_passes(detector: bytes) -> None:
    check_model(changed(detector, lambda model: None))


def set_option(name: str, option: str, value: int) -> Callable[[Any], None]:
    return lambda model: setattr(first(model, name).builtinOptions, option, value)


def set_operand(side: str, index: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        operator = first(model, "CONV_2D")
        setattr(operator, side, [index, *getattr(operator, side)[1:]])

    return change


def set_side(value: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[first(model, "CONV_2D").outputs[0]]
        tensor.shape, tensor.shapeSignature = [1, value, 8, 8], None

    return change


def set_scale(value: float) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        tensors = [tensor for tensor in model.subgraphs[0].tensors if tensor.quantization is not None]
        quantised = next(tensor for tensor in tensors if tensor.quantization.scale is not None)
        quantised.quantization.scale = [value] * len(quantised.quantization.scale)

    return change


def set_weights_scale(value: float) -> Callable[[Any], None]:
    """A multiplier beyond what the kernels can hold: LiteRT ends the process over it."""

    def change(model: Any) -> None:
        weights = model.subgraphs[0].tensors[first(model, "CONV_2D").inputs[1]]
        weights.quantization.scale = [value] * len(weights.quantization.scale)

    return change


def set_constant(name: str, value: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        buffer = constant(model, first(model, name).inputs[1])
        words = np.frombuffer(bytes(buffer.data), np.int32).copy()
        words[-1] = value
        buffer.data = np.frombuffer(words.tobytes(), np.uint8)

    return change


def shorten_weights(model: Any) -> None:
    buffer = constant(model, first(model, "CONV_2D").inputs[1])
    buffer.data = buffer.data[:-4]


def set_code(code: int, version: int = 1) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model.operatorCodes[0].builtinCode, model.operatorCodes[0].deprecatedBuiltinCode = code, min(code, 127)
        model.operatorCodes[0].version = version

    return change


def own_input(model: Any) -> None:
    operator = first(model, "CONV_2D")
    operator.inputs = [operator.outputs[0], *operator.inputs[1:]]


def offset_buffer(model: Any) -> None:
    model.buffers[1].offset, model.buffers[1].size = 1 << 40, 1 << 20


def set_signature(model: Any) -> None:
    model.signatureDefs[0].inputs[0].tensorIndex = 10**6


def set_type(model: Any) -> None:
    model.subgraphs[0].tensors[1].type = schema.TensorType.STRING


def set_variable(model: Any) -> None:
    model.subgraphs[0].tensors[1].isVariable = True


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (set_option("CONV_2D", "strideH", 0), r"CONV_2D, does not fit"),
        (set_option("CONV_2D", "strideW", -1), r"CONV_2D, does not fit"),
        (set_option("CONV_2D", "dilationHFactor", 0), r"CONV_2D, does not fit"),
        (set_option("CONV_2D", "padding", 7), r"CONV_2D, does not fit"),
        (set_option("DEPTHWISE_CONV_2D", "depthMultiplier", 0), r"DEPTHWISE_CONV_2D, does not fit"),
        (set_option("MAX_POOL_2D", "filterWidth", 0), r"MAX_POOL_2D, does not fit"),
        (set_operand("inputs", 10**6), r"reads tensor 1000000 before it is there"),
        (set_operand("inputs", -1), r"reads tensor -1 before it is there"),
        (set_operand("outputs", 0), r"writes tensor 0, which is taken"),
        (own_input, r"before it is there"),
        (set_side(1 << 30), r"shape \(1, 1073741824, 8, 8\), larger than 256 MiB"),
        (set_side(0), r"shape \(1, 0, 8, 8\); every side must be 1 at least"),
        (set_scale(float("nan")), r"scale is not a sensible number"),
        (set_scale(0.0), r"scale is not a sensible number"),
        (set_weights_scale(1e6), r"CONV_2D, does not fit"),
        (set_constant("PAD", -1), r"PAD, does not fit"),
        (set_constant("PAD", 2**31 - 1), r"PAD, does not fit"),
        (set_constant("MEAN", 9), r"MEAN, does not fit"),
        (shorten_weights, r"has a constant of shape \(.*\) and type \w+ in \d+ bytes"),
        (set_code(CODES["CUSTOM"]), r"has the code 32, which this edge-ocr does not run"),
        (set_code(CODES["WHILE"]), r"has the code 119, which"),
        (set_code(CODES["CONV_2D"], version=99), r"uses CONV_2D in version 99, where 1 is allowed"),
        (offset_buffer, r"constants behind its end"),
        (set_signature, r"names tensor 1000000, of"),
        (set_type, r"tensor of type 5"),
        (set_variable, r"a state that is a constant, or not made of floats"),
        (lambda model: model.subgraphs.append(model.subgraphs[0]), r"has 2 graphs"),
    ],
)
def test_harm_is_refused_by_name(detector: bytes, change: Callable[[Any], None], sentence: str) -> None:
    with pytest.raises(EngineError, match=sentence):
        check_model(changed(detector, change))


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\xff\xff\xff\x7fTFL3" + bytes(50), b"\x10\0\0\0TFL3" + bytes(50)])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(EngineError):
        check_model(content)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(detector: bytes, share: float) -> None:
    with pytest.raises(EngineError, match="damaged"):
        check_model(detector[: int(len(detector) * share)])


def test_operators_that_the_manifest_leaves_out_are_refused(bundle: Bundle) -> None:
    stated = dict(bundle.manifest.models.detector.operators)
    del stated["CONV_2D"]
    with pytest.raises(EngineError, match=r"uses CONV_2D in version 1, where 0 is allowed"):
        check_model(bundle.model_bytes("detector"), stated)


def test_all_tensors_together_have_a_limit(detector: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflite_file, "MAXIMUM_TOTAL_BYTES", 1 << 20)
    with pytest.raises(EngineError, match=r"its tensors take \d+ MiB, more than 1"):
        check_model(detector)


def test_a_bundle_with_right_hashes_is_refused_before_an_engine_sees_it(
    bundle_folder: Path, detector: bytes, tmp_path: Path
) -> None:
    hostile = changed(detector, set_option("CONV_2D", "strideH", 0))
    folder = tmp_path / "hostile"
    shutil.copytree(bundle_folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    model = manifest["models"]["detector"]
    model |= {"bytes": len(hostile), "sha256": hashlib.sha256(hostile).hexdigest()}
    (folder / model["file"]).write_bytes(hostile)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert Bundle.open(folder).model_bytes("detector") == hostile
    with pytest.raises(BundleError, match=r"hostile: detector\.tflite is not fit to run: its operator \d+, CONV_2D"):
        OCR(folder)


def test_the_pinned_bundle_needs_no_second_look(bundle_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise EngineError("it was looked at")

    monkeypatch.setattr(tflite_file, "check_model", refuse)
    assert Bundle.open().runnable_model("detector")
    with pytest.raises(BundleError, match="it was looked at"):
        Bundle.open(bundle_folder).runnable_model("detector")
