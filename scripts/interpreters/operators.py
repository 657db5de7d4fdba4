"""Which version of each operator an interpreter has.

An interpreter refuses a model whose table of operators asks for a version that it does not have, whether or not the
operator is used. So a model with a table of one entry and no operators asks exactly that question.
"""

from __future__ import annotations

import base64
from functools import cache

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from converters.environments import Worker

_HIGHEST = 30
_LAST_CODE_OF_THE_OLD_FIELD = 127


def operator_versions(worker: Worker) -> dict[str, int]:
    """Operator -> the highest version that the worker's interpreter has.

    Raises:
        WorkerError: the worker died of a question.
    """
    questions = _questions()
    answers = worker.call("accepts", models=list(questions.values()))
    versions: dict[str, int] = {}
    for (name, version), accepted in zip(questions, answers, strict=True):
        if accepted:
            versions[name] = version
    return versions


@cache
def _questions() -> dict[tuple[str, int], str]:
    """Operator and version, rising -> the model that asks for it, in base 64."""
    codes = sorted((name, code) for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int))
    return {
        (name, version): base64.b64encode(_model_asking_for(code, version)).decode()
        for name, code in codes
        for version in range(1, _HIGHEST + 1)
    }


def _model_asking_for(code: int, version: int) -> bytes:
    entry = schema.OperatorCodeT()
    entry.builtinCode = code
    entry.deprecatedBuiltinCode = min(code, _LAST_CODE_OF_THE_OLD_FIELD)
    entry.version = version
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
