"""Tools whose pinned dependencies clash with ours, each in an interpreter of its own.

An environment is a folder here: `requirements.txt`, a complete lock, and `worker.py`, the functions it
offers. It is made on demand in the cache and then kept. The functions are called by JSON lines over pipes,
see `serve.py`.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from converters.errors import WorkerError
from converters.progress import Progress
from edge_ocr.cache import cache_directory, digest_of, locked, writing_to

FOLDER = Path(__file__).parent

DISK_SPACE = {"onnx2tf": "0.7 GB", "paddle2onnx": "11 MB"}
"""The environments there are, and about how much room each takes."""

CALL_SECONDS = 900.0
"""How long a call may take; onnx2tf needs under 20 s for the largest mobile model on two slow cores."""

PARTING_SECONDS = 5.0
"""How long a worker may take to end once its input has ended."""


@contextmanager
def worker(name: str, *, progress: Progress | None = None) -> Iterator[Worker]:
    """A running worker of the environment `name`, which is made first if the cache lacks it.

    Its log is deleted on the way out unless something went wrong.

    Raises:
        WorkerError: there is no such environment, it cannot be made, or the worker fails.
        CacheError: the cache folder cannot be written.
    """
    if name not in DISK_SPACE:
        raise WorkerError(f"there is no environment '{name}'; there are {', '.join(DISK_SPACE)}")
    python = make_environment(
        name, FOLDER / name / "requirements.txt", disk_space=DISK_SPACE[name], progress=progress or Progress()
    )
    log = cache_directory() / "logs" / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    with Worker(name, python, FOLDER / name / "worker.py", log) as running:
        yield running
    log.unlink(missing_ok=True)


class Worker:
    """A worker file served by an interpreter of its own, for as long as the context lasts."""

    def __init__(self, name: str, python: Path, script: Path, log: Path) -> None:
        """Nothing runs yet.

        Args:
            name: for messages.
            python: the interpreter.
            script: the worker file, whose public functions can be called.
            log: gets everything that the worker prints; its folder is made if needed.
        """
        self._name = name
        self._command = [str(python), "-I", str(FOLDER / "serve.py"), str(script)]
        # The tool's own commands come first on PATH.
        self._variables = _without_python_variables() | {
            "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", os.defpath)])
        }
        self._log = log
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._calls = 0

    def __enter__(self) -> Worker:
        with writing_to(self._log.parent):
            self._log.parent.mkdir(parents=True, exist_ok=True)
            log = self._log.open("wb")
        with log:
            # A session of its own, so that the worker can be ended together with the programs that it starts.
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=self._variables,
                encoding="utf-8", errors="replace", start_new_session=True,
            )  # fmt: skip
        assert self._process.stdin and self._process.stdout
        self._requests: TextIO = self._process.stdin  # type: ignore[assignment]
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._part()
        self._kill()
        with suppress(BrokenPipeError):
            self._requests.close()

    def call(self, method: str, /, *, timeout: float = CALL_SECONDS, **params: Any) -> Any:
        """Call one of the worker file's functions with keyword arguments that JSON can hold, for its result.

        Raises:
            WorkerError: the function failed, the worker died or said something else than an answer, or
                `timeout` seconds have passed. A worker whose function failed can be called again.
        """
        self._calls += 1
        request = {"id": self._calls, "method": method, "params": params}
        try:
            self._requests.write(json.dumps(request) + "\n")
            self._requests.flush()
            line = self._answers.get(timeout=timeout)
        except BrokenPipeError:
            line = None
        except queue.Empty:
            self._kill()
            raise self._problem(f"'{method}' gave no answer in {timeout:g} s") from None
        if line is None:
            raise self._problem(f"it ended during '{method}' with exit status {self._process.wait()}")
        answer = self._parse(line)
        if "error" in answer:
            raise self._problem(f"'{method}' failed: {' '.join(str(answer['error']).split())[:500]}")
        return answer["result"]

    def _parse(self, line: str) -> Mapping[str, Any]:
        """The answer in `line`, if it is one to the last call."""
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or answer.get("id") != self._calls or len(answer) != 2:
            self._kill()
            raise self._problem(f"it wrote {line.strip()[:80]!r} where an answer was due")
        return answer

    def _problem(self, what: str) -> WorkerError:
        return WorkerError(f"the {self._name} worker: {what}; its log is {self._log}")

    def _listen(self, stream: TextIO) -> None:
        """Queue every line of `stream`, then None. In a thread: a pipe cannot be read with a time limit."""
        with stream:
            for line in stream:
                self._answers.put(line)
        self._answers.put(None)

    def _part(self) -> None:
        """Let the worker end by itself; if it does not, it is killed next."""
        with suppress(BrokenPipeError, subprocess.TimeoutExpired):
            self._requests.close()
            self._process.wait(PARTING_SECONDS)

    def _kill(self) -> None:
        """End the worker and the programs that it started, if any of them still runs."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def make_environment(
    name: str, requirements: Path, *, disk_space: str, progress: Progress, base: Path | None = None
) -> Path:
    """The interpreter of an environment that holds exactly `requirements`, made in the cache if need be.

    The folder is named by the lock file and the interpreter's version and platform, so a changed lock makes a
    new one. Environments do not survive being moved: it is made in place, and a stamp written last tells a
    complete one from one whose making was cut short, which is made anew. Two processes at once make it once.

    Args:
        name: of the environment.
        requirements: a complete lock in pip's format; installed from wheels only, through the user's own pip
            configuration.
        disk_space: how much room it takes, for the message.
        progress: told when it has to be made, because that takes minutes.
        base: the Python to make it from; None: the running one.

    Raises:
        WorkerError: it cannot be made; the sentence ends with pip's own last words and names the log.
        CacheError: the cache folder cannot be written.
    """
    made_from = str(base) if base else sys.implementation.cache_tag
    digest = digest_of(requirements, made_from, sysconfig.get_platform())
    folder = cache_directory() / "environments" / f"{name}-{digest[:16]}"
    python, stamp = folder / "bin" / "python", folder / "complete"
    with locked(folder.with_name(f"{folder.name}.lock")) as lock:
        if not (stamp.exists() and _runs(python)):
            progress.note(f"making the {name} environment, once, about {disk_space}, in {folder}")
            log = folder.with_name(f"{folder.name}.log")
            with writing_to(folder):
                shutil.rmtree(folder, ignore_errors=True)
                with log.open("wb") as stream:
                    if not _fill(folder, base or Path(sys.executable), requirements, stream, lock):
                        raise WorkerError(
                            f"the {name} environment could not be made: {_last_words(log)}; its log is {log}"
                        )
                stamp.touch()
    return python


def _runs(python: Path) -> bool:
    """Whether an interpreter works: the one that an environment was made from may have gone."""
    try:
        started = subprocess.run([python, "-I", "-c", ""], stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return False
    return started.returncode == 0


def _fill(folder: Path, base: Path, requirements: Path, log: BinaryIO, lock: int) -> bool:
    """Make an environment from a Python, install a lock file and check that its parts agree; whether that went well.

    It gets no pip of its own: ours installs into it, which is quicker, and works where a distribution ships
    Python without the wheel of pip that `venv` would need. pip inherits the file descriptor `lock`, because it
    lives on when only we are killed, and nobody may begin anew beside it.
    """

    def succeeds(python: Path, *command: str) -> bool:
        finished = subprocess.run(
            [python, "-m", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_without_python_variables(),
            pass_fds=[lock],
            check=False,
        )
        return finished.returncode == 0

    ours = Path(sys.executable)
    pip = ("pip", "--python", str(folder / "bin" / "python"), "--disable-pip-version-check")
    return (
        succeeds(base, "venv", "--without-pip", str(folder))
        and succeeds(ours, *pip, "install", "--no-input", "--only-binary=:all:", "-r", str(requirements))
        and succeeds(ours, *pip, "check")
    )


def _without_python_variables() -> dict[str, str]:
    """Our environment variables but for those that would lend an environment packages outside its lock."""
    misleading = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in misleading}


def _last_words(log: Path) -> str:
    """The last line of a log that says something."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "no output")
