from __future__ import annotations

import json
import os
import sys
import types
import warnings
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from edge_ocr import engines
from edge_ocr.engines import installed, litert, open_engine
from edge_ocr.engines.base import Network
from edge_ocr.errors import EngineError


@pytest.fixture(scope="module")
def model(bundle_folder: Path) -> bytes:
    """A real recognizer."""
    manifest = json.loads((bundle_folder / "manifest.json").read_bytes())
    return (bundle_folder / manifest["models"]["recognizer"]["file"]).read_bytes()


@pytest.fixture
def network(model: bytes) -> Network:
    return open_engine().load(model, name="recognizer")


def fill_with(values: np.ndarray | float):
    def fill(tensor: np.ndarray) -> None:
        tensor[...] = values

    return fill


def test_equals_the_interpreter_used_plainly(model: bytes, network: Network) -> None:
    interpreter_module = pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")
    interpreter = interpreter_module.Interpreter(model_content=model)
    for width in (320, 128, 320):
        values = np.random.default_rng(width).normal(0, 0.5, (1, 48, width, 3)).astype(np.float32)
        interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], values.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
        interpreter.invoke()
        expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        assert np.array_equal(network.run(values.shape, fill_with(values), np.copy), expected)


def test_a_piece_of_the_output_outlives_the_call(network: Network) -> None:
    """A live view of the interpreter's memory would change with the next run, and forbid a resize."""
    first = network.run((1, 48, 128, 3), fill_with(0.1), lambda output: output[..., :5])
    kept = first.copy()
    network.run((1, 48, 136, 3), fill_with(0.9), lambda output: None)
    network.run((1, 48, 128, 3), fill_with(0.9), lambda output: None)
    assert np.array_equal(first, kept)


@pytest.mark.parametrize("shape", [(1, 40, 128, 3), (1, 48, 128, 1), (48, 128, 3)])
def test_a_wrong_shape_is_refused_by_name_and_leaves_the_network_usable(
    network: Network, shape: tuple[int, ...]
) -> None:
    network.run((1, 48, 128, 3), fill_with(0), lambda output: None)
    with pytest.raises(EngineError, match=r"recognizer model takes inputs of 1 x 48 x any x 3"):
        network.run(shape, fill_with(0), lambda output: None)
    assert network.run((1, 48, 136, 3), fill_with(0), lambda output: output.size) > 0


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\0" * 5000])
def test_what_is_no_model_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(EngineError, match="refuses the detector model"):
        open_engine().load(content, name="detector")


def test_half_a_model_is_refused(model: bytes) -> None:
    with pytest.raises(EngineError, match="refuses the recognizer model"):
        open_engine().load(model[: len(model) // 2], name="recognizer")


def test_installed_packages_are_named_with_their_versions() -> None:
    for package, version in installed().items():
        assert metadata.version(package) == version
    assert open_engine().package == next(iter(installed()))


def test_an_engine_can_be_asked_for_by_its_name_or_its_package() -> None:
    package = next(package for package in litert.PACKAGES if package in installed())
    assert open_engine("litert").package == open_engine(package).package == package


def test_an_unknown_engine_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(EngineError, match=r"'tensorrt'.*use litert or ai-edge-litert or tflite-runtime"):
        open_engine("tensorrt")


def test_an_engine_for_another_format_is_refused() -> None:
    with pytest.raises(EngineError, match=r"no engine 'litert' runs models of format 'onnx'; use onnx or onnxruntime"):
        open_engine("litert", "onnx")
    with pytest.raises(EngineError, match=r"no engine 'onnx' runs models of format 'tflite'; use litert or "):
        open_engine("onnx", "tflite")
    with pytest.raises(EngineError, match="format 'coreml'"):
        open_engine(None, "coreml")


def test_a_package_too_old_for_the_bundle_is_refused() -> None:
    package, version = open_engine().package, open_engine().version
    assert open_engine(min_runtime={package: version, "something-else": "99"}).version == version
    assert open_engine(min_runtime={}).version == version
    with pytest.raises(EngineError, match=rf"{package} {version} is too old .* needs 99\.1"):
        open_engine(min_runtime={package: "99.1"})


def test_without_any_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda module: None)
    with pytest.raises(EngineError, match="pip install ai-edge-litert"):
        open_engine()


@pytest.fixture
def second_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that can be imported, though it has no interpreter, and is not the preferred one."""
    package = tmp_path / "tflite_runtime"
    package.mkdir()
    (package / "__init__.py").write_text("__version__ = '2.18.0'\n")
    (package / "interpreter.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("tflite_runtime", "tflite_runtime.interpreter"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return "tflite-runtime"


def test_a_package_that_will_not_do_makes_room_for_the_next(
    second_package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_engine().package == "ai-edge-litert"
    assert open_engine(min_runtime={"ai-edge-litert": "99", second_package: "2.14"}).package == second_package
    assert open_engine(min_runtime={second_package: "2.14"}).package == second_package
    monkeypatch.setitem(sys.modules, litert.PACKAGES["ai-edge-litert"], None)
    assert open_engine().package == second_package
    assert second_package in installed() and "ai-edge-litert" not in installed()
    with pytest.raises(EngineError, match="ai-edge-litert is installed but cannot be used"):
        open_engine(min_runtime={"ai-edge-litert": "1.4.0", second_package: "99"})


def test_a_package_that_the_bundle_does_not_name_is_refused(second_package: str) -> None:
    with pytest.raises(EngineError) as refusal:
        open_engine(second_package, min_runtime={"ai-edge-litert": "1.4.0", "tensorflow": "2.16.2"})
    assert str(refusal.value) == (
        "tflite-runtime is not known to run this bundle, which needs ai-edge-litert 1.4.0 or tensorflow 2.16.2; "
        "run: pip install ai-edge-litert"
    )
    with pytest.raises(
        EngineError, match=r"is not known to run this bundle, nor is any other of .*; use another bundle"
    ):
        open_engine(second_package, min_runtime={"somebody-elses-package": "1"})
    assert "tflite_runtime" not in sys.modules  # nor is it imported first, which takes tensorflow seconds


def test_a_tflite_runtime_of_numpy_1_is_refused_beside_numpy_2(
    second_package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tflite_runtime.__version__", "2.14.0")
    monkeypatch.setattr(np, "__version__", "2.1.3")
    with pytest.raises(EngineError, match=r"2\.14\.0 was built for numpy 1 and fails with numpy 2\.1\.3; run: pip"):
        litert.LiteRT(second_package)
    monkeypatch.setattr(np, "__version__", "1.26.4")
    assert litert.LiteRT(second_package).version == "2.14.0"


class TalkativeInterpreter:
    """As much of an interpreter as a network needs; it writes to standard error as the real one does."""

    def __init__(self, model_content: bytes, num_threads: int) -> None:
        self._shape = (1, 1)

    def get_input_details(self) -> list[dict[str, object]]:
        return [{"index": 0, "dtype": np.float32, "quantization": (0.0, 0), "shape_signature": np.array([1, -1])}]

    get_output_details = get_input_details

    def resize_tensor_input(self, index: int, shape: tuple[int, ...]) -> None:
        self._shape = shape

    def allocate_tensors(self) -> None:
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nWARNING: low on memory\n")

    def tensor(self, index: int):
        return lambda: np.zeros(self._shape, np.float32)

    def invoke(self) -> None:
        os.write(2, b"INFO: later notes are not ours to hide\n")


def test_the_greeting_is_swallowed_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    package = types.ModuleType("tflite_runtime")
    package.__version__ = "2.18.0"
    module = types.ModuleType("tflite_runtime.interpreter")
    module.Interpreter = TalkativeInterpreter
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    network = litert.LiteRT("tflite-runtime").load(b"", name="detector")
    network.run((1, 7), fill_with(0), lambda output: None)
    assert capfd.readouterr().err == "WARNING: low on memory\nINFO: later notes are not ours to hide\n"


class AdvisingInterpreter(TalkativeInterpreter):
    """Tells the programmer to move on, as tensorflow's does."""

    def __init__(self, model_content: bytes, num_threads: int) -> None:
        super().__init__(model_content, num_threads)
        warnings.warn("    Warning: tf.lite.Interpreter is deprecated and is scheduled for deletion", stacklevel=2)


def test_tensorflow_keeps_its_remarks_to_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "tensorflow"
    (package / "lite" / "python").mkdir(parents=True)
    (package / "__init__.py").write_text(
        "import os\n"
        "__version__ = '2.21.0'\n"
        "os.write(2, b'WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\\n')\n"
        "os.write(2, b'I0000 00:00:1 port.cc:153] oneDNN custom operations are on.\\n')\n"
        "os.write(2, b'E0000 00:00:1 a real problem\\n')\n"
    )
    (package / "lite" / "python" / "interpreter.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")  # as it would be set, and unset after the test
    for name in ("tensorflow", "tensorflow.lite", "tensorflow.lite.python", "tensorflow.lite.python.interpreter"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    engine = litert.LiteRT("tensorflow")
    monkeypatch.setattr("tensorflow.lite.python.interpreter.Interpreter", AdvisingInterpreter, raising=False)
    with warnings.catch_warnings(record=True) as advice:
        warnings.simplefilter("always")
        engine.load(b"", name="detector")
    assert capfd.readouterr().err == "E0000 00:00:1 a real problem\n"
    assert not advice


@pytest.mark.parametrize(
    ("fault", "shown"),
    [("import none_such", "No module"), ("raise TypeError('made by hand\\nadvice')", "made by hand"), ("1/0", "zero")],
)
def test_a_broken_installation_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, shown: str
) -> None:
    package = tmp_path / "tflite_runtime"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "interpreter.py").write_text(fault)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("tflite_runtime", "tflite_runtime.interpreter"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(EngineError, match=rf"tflite-runtime is installed but cannot be used \(.*{shown}[^\\]*\); "):
        litert.LiteRT("tflite-runtime")
