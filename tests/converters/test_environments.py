"""Workers in interpreters of their own: the protocol, the ways it can break, how environments are made."""

from __future__ import annotations

import io
import shutil
import sys
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converters import environments
from converters.environments import Worker, make_environment, worker
from converters.errors import WorkerError
from converters.progress import Progress

WORKER = """
import os, subprocess, sys, time

def echo(**params):
    return params

def talk():
    print("to the log, from Python")
    subprocess.run(["echo", "to the log, from a program"], check=True)
    return sys.stdin.read()

def fail(why):
    raise ValueError(why)

def leave():
    sys.exit("leaving")

def die():
    os._exit(7)

def sleep(seconds):
    time.sleep(seconds)

def spawn():
    return subprocess.Popen(["sleep", "60"]).pid

def babble():
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, b"no JSON\\n")
        except OSError:
            pass

def surroundings():
    return [sys.path, os.environ["PATH"], os.environ.get("PYTHONPATH")]

def _private():
    return "secret"
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "fake.log"


@pytest.fixture
def fake(tmp_path: Path, log: Path) -> Iterator[Worker]:
    """A worker that runs in our own interpreter."""
    script = tmp_path / "worker.py"
    script.write_text(WORKER, "utf-8")
    with Worker("fake", Path(sys.executable), script, log) as running:
        yield running


def test_calls_are_answered_in_turn(fake: Worker) -> None:
    for text in ("plain", '两行\n\u2028 and "quotes"', "x" * 200_000):
        assert fake.call("echo", text=text, shape=[1, None]) == {"text": text, "shape": [1, None]}


def test_what_the_tool_prints_goes_to_the_log_and_it_reads_nothing(fake: Worker, log: Path) -> None:
    assert fake.call("talk") == ""
    assert fake.call("echo") == {}
    lines = sorted(log.read_text().splitlines())
    assert lines == ["to the log, from Python", "to the log, from a program"]


def test_a_failure_is_one_sentence_and_the_worker_lives_on(fake: Worker, log: Path) -> None:
    with pytest.raises(WorkerError) as failure:
        fake.call("fail", why="bad\nshape")
    assert str(failure.value) == f"the fake worker: 'fail' failed: ValueError: bad shape; its log is {log}"
    with pytest.raises(WorkerError, match="'leave' failed: SystemExit: leaving"):
        fake.call("leave")
    with pytest.raises(WorkerError, match="'fail' failed: TypeError"):
        fake.call("fail", reason="a wrong name")
    assert fake.call("echo", still="here") == {"still": "here"}
    assert "Traceback" in log.read_text()


@pytest.mark.parametrize("method", ["missing", "_private", "WORKER", "__builtins__"])
def test_only_public_functions_can_be_called(fake: Worker, method: str) -> None:
    with pytest.raises(WorkerError, match=f"there is no method '{method}'"):
        fake.call(method)


def test_a_death_is_told_with_its_exit_status(fake: Worker) -> None:
    with pytest.raises(WorkerError, match="it ended during 'die' with exit status 7"):
        fake.call("die")
    with pytest.raises(WorkerError, match="it ended during 'echo' with exit status 7"):
        fake.call("echo")


def test_an_answer_that_is_none_is_told(fake: Worker) -> None:
    with pytest.raises(WorkerError, match="it wrote 'no JSON' where an answer was due"):
        fake.call("babble")


def test_a_time_out_ends_the_worker(fake: Worker) -> None:
    began = time.monotonic()
    with pytest.raises(WorkerError, match=r"'sleep' gave no answer in 0\.3 s"):
        fake.call("sleep", timeout=0.3, seconds=60)
    with pytest.raises(WorkerError, match="it ended"):
        fake.call("echo")
    assert time.monotonic() - began < 10


def test_programs_of_the_tool_end_with_the_worker(tmp_path: Path, log: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER, "utf-8")
    with Worker("fake", Path(sys.executable), script, log) as running:
        pid = running.call("spawn")
        assert is_running(pid)
    deadline = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be reaped by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_our_own_packages_are_out_of_reach(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "ours"))
    script = tmp_path / "worker.py"
    script.write_text(WORKER, "utf-8")
    with Worker("fake", Path(sys.executable), script, log) as running:
        path, programs, python_path = running.call("surroundings")
    assert str(tmp_path / "ours") not in path and str(environments.FOLDER) not in path
    assert programs.split(":")[0] == str(Path(sys.executable).parent)
    assert python_path is None


def test_a_worker_file_that_cannot_start_is_told(tmp_path: Path, log: Path) -> None:
    with (
        Worker("fake", Path(sys.executable), tmp_path / "missing.py", log) as running,
        pytest.raises(WorkerError, match=r"ended during 'echo' with exit status 1; its log is .*fake\.log"),
    ):
        running.call("echo")
    assert "missing.py" in log.read_text()


def test_an_unknown_environment_is_told() -> None:
    message = "no environment 'tensorflow'; there are onnx2tf"
    with pytest.raises(WorkerError, match=message), worker("tensorflow"):
        pass


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a folder with the wheel `tiny-tool==1.0` as the only place where pip looks."""
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "index"
    folder.mkdir()
    add_wheel(folder, "1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def add_wheel(folder: Path, version: str) -> None:
    with zipfile.ZipFile(folder / f"tiny_tool-{version}-py3-none-any.whl", "w") as wheel:
        information = f"tiny_tool-{version}.dist-info"
        wheel.writestr("tiny_tool.py", "ANSWER = 42\n")
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/METADATA", f"Metadata-Version: 2.1\nName: tiny-tool\nVersion: {version}\n")
        wheel.writestr(f"{information}/RECORD", "")


def make(requirements: Path, notes: io.StringIO) -> Path:
    return make_environment("tiny", requirements, disk_space="1 MB", progress=Progress(notes))


def test_an_environment_is_made_once_and_anew_when_it_is_incomplete(tmp_path: Path, index: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("tiny-tool==1.0\n")
    script = tmp_path / "worker.py"
    script.write_text("import tiny_tool\ndef answer():\n    return tiny_tool.ANSWER\n")
    notes = io.StringIO()

    python = make(requirements, notes)
    with Worker("tiny", python, script, tmp_path / "log") as running:
        assert running.call("answer") == 42
    assert notes.getvalue().startswith("making the tiny environment, once, about 1 MB")

    assert make(requirements, notes) == python
    assert len(notes.getvalue().splitlines()) == 1

    # Killed before the end, or the interpreter that it was made from is gone.
    (python.parent.parent / "complete").unlink()
    shutil.rmtree(python.parent.parent / "lib")
    assert make(requirements, notes) == python
    with Worker("tiny", python, script, tmp_path / "log") as running:
        assert running.call("answer") == 42
    python.unlink()
    python.symlink_to("/gone/python")
    assert make(requirements, notes) == python
    assert len(notes.getvalue().splitlines()) == 3


def test_an_environment_can_be_made_from_another_python(tmp_path: Path, index: Path) -> None:
    """Ours behind a script that notes each time it is run."""
    other, runs, requirements = tmp_path / "python", tmp_path / "runs", tmp_path / "requirements.txt"
    other.write_text(f'#!/bin/sh\necho "$*" >> {runs}\nexec {sys.executable} "$@"\n')
    other.chmod(0o755)
    requirements.write_text("tiny-tool==1.0\n")
    python = make_environment("tiny", requirements, disk_space="1 MB", progress=Progress(io.StringIO()), base=other)
    assert runs.read_text().startswith("-m venv --without-pip")
    assert python != make(requirements, io.StringIO())


def test_a_failure_to_make_one_gives_pips_reason_and_is_tried_again(tmp_path: Path, index: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("tiny-tool==2.0\n")
    with pytest.raises(WorkerError) as failure:
        make(requirements, io.StringIO())
    sentence = str(failure.value)
    assert "No matching distribution found for tiny-tool==2.0" in sentence
    assert "\n" not in sentence
    log = Path(sentence.rpartition("its log is ")[2])
    assert "tiny-tool==2.0" in log.read_text()
    add_wheel(index, "2.0")
    assert make(requirements, io.StringIO()).exists()


@pytest.mark.conversion
def test_onnx2tf_gives_the_same_numbers_and_leaves_its_input_alone(tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter
    from onnxruntime import InferenceSession

    generator = np.random.default_rng(1)
    weights = generator.normal(size=(4, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["y"]),
        ],
        "conv_relu",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4, "h", "w"])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    source, target = tmp_path / "source.onnx", tmp_path / "target.tflite"
    onnx.save(model, source)
    before = source.read_bytes()

    with worker("onnx2tf") as running:
        call = partial(running.call, "convert", output=str(target), input_name="x", input_shape=[1, 3, 8, 16])
        answer = call(onnx=str(source))
        with pytest.raises(WorkerError, match=r"'convert' failed.*none\.onnx"):
            call(onnx=str(tmp_path / "none.onnx"))

    assert source.read_bytes() == before
    assert answer["tflite"] == str(target)
    assert answer["versions"]["onnx2tf"] == "2.6.9"
    picture = generator.normal(size=(1, 3, 8, 16)).astype(np.float32)
    expected = InferenceSession(source, providers=["CPUExecutionProvider"]).run(None, {"x": picture})[0]
    interpreter = Interpreter(model_path=str(target))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture.transpose(0, 2, 3, 1))
    interpreter.invoke()
    got = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(got.transpose(0, 3, 1, 2), expected, atol=1e-5)
