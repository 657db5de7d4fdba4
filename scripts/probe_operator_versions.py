"""Which version of each operator an installed ai-edge-litert has; made converters/tflite/operator_versions.json.

Run it with the Python of an environment that holds the oldest interpreter to be supported:

    python scripts/probe_operator_versions.py > converters/tflite/operator_versions.json

An interpreter refuses a model whose operator table asks for a version it does not have, whether or not the operator
is used. So a model with a table of one entry and no operators asks exactly that question.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

import flatbuffers
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

_HIGHEST = 30
_LAST_CODE_OF_THE_OLD_FIELD = 127


def _model_asking_for(code: int, operator_version: int) -> bytes:
    entry = schema.OperatorCodeT()
    entry.builtinCode = code
    entry.deprecatedBuiltinCode = min(code, _LAST_CODE_OF_THE_OLD_FIELD)
    entry.version = operator_version
    subgraph = schema.SubGraphT()
    subgraph.tensors, subgraph.operators, subgraph.inputs, subgraph.outputs = [], [], [], []
    model = schema.ModelT()
    model.version = 3
    model.operatorCodes = [entry]
    model.subgraphs = [subgraph]
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _is_known(code: int, operator_version: int) -> bool:
    try:
        Interpreter(model_content=_model_asking_for(code, operator_version))
    except ValueError:
        return False
    return True


def main() -> None:
    """Print the table as JSON."""
    operators = {}
    for name, code in sorted(vars(schema.BuiltinOperator).items()):
        if isinstance(code, int):
            known = [number for number in range(1, _HIGHEST + 1) if _is_known(code, number)]
            if known:
                operators[name] = max(known)
    json.dump(
        {"runtime": f"ai-edge-litert {version('ai-edge-litert')}", "operators": operators},
        sys.stdout,
        indent=1,
    )
    print()


if __name__ == "__main__":
    main()
