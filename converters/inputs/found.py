"""What lies at a path that the user names: the files of one model, and what stands beside them."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from converters.errors import SourceError
from converters.lfs import check_no_pointer

DESCRIPTION = "inference.yml"
"""What PaddleOCR 3 puts beside its models: pre-processing, post-processing and charset."""
PARAMETERS = ".pdiparams"
_EXPORTED = "inference"
"""What PaddleOCR calls the files of every model."""
_CHECKPOINT = ".pdparams"
_KNOWN = "an .onnx file, or inference.pdmodel or inference.json with inference.pdiparams beside it"


@dataclass(frozen=True)
class FoundModel:
    """The files of a model of the user's.

    Attributes:
        path: as the user named it.
        files: role -> file, of one form.
        description: `inference.yml`; None where there is none.
        texts: text files beside the model, of which one may be its charset.
    """

    path: Path
    files: Mapping[str, Path]
    description: Path | None
    texts: tuple[Path, ...]

    @property
    def name(self) -> str:
        """What the user calls it: its folder, or the file if it has a name of its own."""
        if self.path.is_dir():
            return self.path.resolve().name
        return self.path.stem if self.path.stem != _EXPORTED else self.path.resolve().parent.name

    @property
    def weights(self) -> Path:
        """The file with its weights."""
        return self.files["onnx"] if "onnx" in self.files else self.files["parameters"]


def find_model(path: Path) -> FoundModel:
    """Find the one model at a path.

    Args:
        path: a folder with one model, or a model file. What stands beside a file belongs to it only where it is the
            folder's only model.

    Raises:
        SourceError: there is nothing at the path, no model or several, or a file of it is missing, is a Git LFS
            pointer or cannot be read.
    """
    if _is_folder(path):
        beside, models = path, _models_in(path)
        if not models:
            raise SourceError(_nothing_in(path))
        if len(models) > 1:
            names = ", ".join(sorted(_program(files).name for files in models))
            raise SourceError(f"{path} holds {len(models)} models ({names}); name the file of the one that you mean")
        (files,) = models
    else:
        beside, files = path.parent, _model_of(path)
    around = _files_in(beside) if _is_folder(path) or _models_in(beside) == [files] else []
    description = next((file for file in around if file.name == DESCRIPTION), None)
    for file in (*files.values(), *([description] if description else [])):
        check_no_pointer(file)
    return FoundModel(path, files, description, tuple(file for file in around if file.suffix == ".txt"))


def _is_folder(path: Path) -> bool:
    """Whether a folder is at `path`, or else a file.

    Raises:
        SourceError: neither is, or nobody may look.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError as error:
        raise SourceError(f"there is no folder or file {path}; check the spelling") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be opened ({error.strerror}); name the folder or file itself") from error
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise SourceError(f"{path} is neither a folder nor a file; give {_KNOWN}")
    return stat.S_ISDIR(mode)


def _files_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise SourceError(f"cannot look into {folder} ({error.strerror}); check its permissions") from error


def _models_in(folder: Path) -> list[Mapping[str, Path]]:
    """The files of each model; a Paddle program in both of its formats is one model."""
    files = _files_in(folder)
    models: dict[Path, Mapping[str, Path]] = {}
    for file in files:
        if file.suffix == ".onnx":
            models[file] = {"onnx": file}
        elif file.suffix == ".pdmodel" or (file.suffix == ".json" and file.with_suffix(PARAMETERS) in files):
            models[file.with_suffix(PARAMETERS)] = _paddle(file)
    return list(models.values())


def _model_of(path: Path) -> Mapping[str, Path]:
    if path.suffix == ".onnx":
        return {"onnx": path}
    if path.suffix in (".pdmodel", ".json"):
        return _paddle(path)
    raise SourceError(f"{path} is not a model that can be read; give {_KNOWN}, or the folder that holds it")


def _paddle(program: Path) -> Mapping[str, Path]:
    parameters = program.with_suffix(PARAMETERS)
    if not parameters.is_file():
        raise SourceError(
            f"{program} has no weights: {parameters.name} is missing beside it; fetch it from where the program is from"
        )
    return {"program": program, "parameters": parameters}


def _program(files: Mapping[str, Path]) -> Path:
    return files["onnx"] if "onnx" in files else files["program"]


def _nothing_in(folder: Path) -> str:
    suffixes = {file.suffix for file in _files_in(folder)}
    if _CHECKPOINT in suffixes:
        return (
            f"{folder} holds a training checkpoint ({_CHECKPOINT}), not an exported model; export it with PaddleOCR's "
            "tools/export_model.py and give the folder that this makes"
        )
    if PARAMETERS in suffixes:
        return f"{folder} holds weights ({PARAMETERS}) without a program; add inference.pdmodel or inference.json"
    return f"{folder} holds no model; give a folder with {_KNOWN}"
