"""Serves the functions of a worker file over standard input and output. Runs inside a tool's own environment.

Usage: python -I serve.py WORKER_FILE

Reads one JSON object a line, {"id", "method", "params"}, calls the worker file's public function of that name
with these keyword arguments, and answers each by one line, {"id", "result"} or {"id", "error"}. Ends at end
of input. Only the standard library may be used here: the environments share nothing else.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
from typing import TextIO


def main() -> None:
    """Serve the worker file named on the command line."""
    requests, answers = _take_over_pipes()
    functions = runpy.run_path(sys.argv[1])
    for line in requests:
        request = json.loads(line)
        answer = {"id": request["id"], **_call(functions, request["method"], request["params"])}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _take_over_pipes() -> tuple[TextIO, TextIO]:
    """The request and answer streams, out of reach of the tool.

    What the tool or a program that it starts prints then goes to standard error, which is the log, and what
    they read is empty.
    """
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    # By the line: a log that lacks the last words before a crash is of little use.
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8")
    return requests, answers


def _call(functions: dict, method: str, params: dict) -> dict:
    """The answer to one request; a tool that fails or calls `sys.exit` must not end the worker."""
    if method.startswith("_") or not callable(functions.get(method)):
        return {"error": f"there is no method '{method}'"}
    try:
        return {"result": functions[method](**params)}
    except (Exception, SystemExit) as problem:
        traceback.print_exc()
        return {"error": f"{type(problem).__name__}: {problem}"}


if __name__ == "__main__":
    main()
