"""What the onnx2tf environment is asked to do. Runs inside that environment, served by `serve.py`."""

from __future__ import annotations

import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import onnx2tf  # type: ignore[import-not-found]  # it is in its own environment only

TOOLS = ("onnx2tf", "onnx", "onnxsim", "onnxruntime", "sng4onnx")
"""The packages that have a part in the bytes of the result."""


def convert(*, onnx: str, output: str, input_name: str, input_shape: list[int]) -> dict[str, object]:
    """Turn an ONNX file into a float32 TFLite file, as `onnx2tf -i COPY -o FOLDER -ois NAME:SHAPE -n` does.

    onnx2tf writes its simplified graph back to its input file, so it gets a private copy. Without the
    `onnxsim` command it would skip the simplification and say nothing; that is an error here.

    Args:
        onnx: path of the ONNX file; only read.
        output: path of the TFLite file to write; its folder exists.
        input_name: the graph's input.
        input_shape: the shape, in ONNX order (N, C, H, W), that the TFLite graph is traced with.

    Returns:
        `tflite`: the path `output`; `versions`: package -> version of the tools behind it.
    """
    if shutil.which("onnxsim") is None:
        raise RuntimeError("the onnxsim command is not on PATH")
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(onnx, Path(folder, "model.onnx"))
        onnx2tf.convert(
            input_onnx_file_path=copy,
            output_folder_path=folder,
            overwrite_input_shape=[f"{input_name}:{','.join(map(str, input_shape))}"],
            non_verbose=True,
        )
        shutil.move(Path(folder, "model_float32.tflite"), output)
    return {"tflite": output, "versions": {tool: version(tool) for tool in TOOLS}}
