"""What the paddle2onnx environment is asked to do. Runs inside that environment, served by `serve.py`.

The package cannot be imported without PaddlePaddle, but its C++ core, an extension module in its folder, can. The core
aborts its process on an operator that it does not know, so each export has a process of its own: this file as a script,
`worker.py PROGRAM PARAMETERS OUTPUT OPSET`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

_UNSUPPORTED = re.compile(r"some operators not supported yet, including (\S+)")
"""The core's words before it aborts; the names are joined by commas."""


def export(*, program: str, parameters: str, output: str, opset: int) -> dict[str, object]:
    """Turn a Paddle program into an ONNX file.

    Args:
        program: path of the .pdmodel file.
        parameters: path of its .pdiparams file.
        output: path of the ONNX file to write; its folder exists.
        opset: version of the ONNX operators to use; the core takes a later one if it must.

    Returns:
        `unsupported`: the operators that the core does not know; `problem`: its last words where it failed, and empty
        where it did not.
    """
    finished = subprocess.run(
        [sys.executable, "-I", __file__, program, parameters, output, str(opset)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    print(finished.stdout)
    unsupported = _UNSUPPORTED.search(finished.stdout)
    return {
        "unsupported": unsupported[1].strip(",").split(",") if unsupported else [],
        "problem": _last_words(finished) if finished.returncode else "",
    }


def _last_words(finished: subprocess.CompletedProcess[str]) -> str:
    """The last line that a process wrote, and how it ended."""
    lines = [line.strip() for line in finished.stdout.splitlines() if line.strip()]
    return f"{lines[-1] if lines else 'no output'}; exit status {finished.returncode}"


def _core() -> ModuleType:
    """The C++ core, loaded past its package."""
    package = PathFinder.find_spec("paddle2onnx")
    assert package is not None and package.submodule_search_locations is not None
    core = PathFinder.find_spec("paddle2onnx_cpp2py_export", package.submodule_search_locations)
    assert core is not None and core.loader is not None
    module = module_from_spec(core)
    core.loader.exec_module(module)
    return module


def _main(program: str, parameters: str, output: str, opset: str) -> None:
    raise_opset, verbose, check, experimental, optimise, half_precision = True, True, True, True, True, False
    content = _core().export(
        program, parameters, int(opset), raise_opset, verbose, check, experimental, optimise,
        {}, "onnxruntime", "", "", half_precision,
    )  # fmt: skip
    if not content:
        sys.exit("the core gave no model")
    Path(output).write_bytes(content)


if __name__ == "__main__":
    _main(*sys.argv[1:])
