"""The inference engines: which are installed, and the one that a bundle needs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec

from edge_ocr.engines import litert, onnx
from edge_ocr.engines.base import Engine, release
from edge_ocr.errors import EngineError

_ENGINES: dict[str, tuple[type[litert.LiteRT] | type[onnx.OnnxRuntime], dict[str, str]]] = {
    "tflite": (litert.LiteRT, litert.PACKAGES),
    "onnx": (onnx.OnnxRuntime, onnx.PACKAGES),
}
"""Model format -> the engine that runs it and the packages it can run on, the preferred one first."""


def installed() -> dict[str, str]:
    """The packages on this machine that an engine can run on -> their versions, the preferred one first."""
    versions: dict[str, str] = {}
    for engine, packages in _ENGINES.values():
        for package in _present(packages):
            with suppress(EngineError):  # it is there, but broken
                versions[package] = engine(package).version
    return versions


def open_engine(
    name: str | None = None, model_format: str = "tflite", min_runtime: Mapping[str, str] | None = None
) -> Engine:
    """The engine that runs models of a format.

    Args:
        name: an engine (`litert`) or one of the packages it can run on (`tflite-runtime`); None: whichever is
            installed, works and is new enough, the preferred package first.
        model_format: of the bundle, as its manifest calls it.
        min_runtime: package -> the oldest version that runs the bundle. A package that is not named is not known to
            run it; None or empty: every version of every package does.

    Raises:
        EngineError: the format or the name is unknown, nothing suitable is installed, or it is broken, too old or
            not known to run the bundle.
    """
    engine, packages = _known(name, model_format)
    problems = []
    for package in _present(_wanted(name, packages)):
        try:
            oldest = _oldest(package, packages, min_runtime or {})
            opened = engine(package)
            _check_age(package, opened.version, oldest)
            return opened
        except EngineError as problem:
            problems.append(problem)
    if problems:
        raise problems[0]
    wanted = list(_wanted(name, packages))
    raise EngineError(f"{' or '.join(wanted)} is needed but not installed; run: pip install {wanted[0]}")


def package_for(name: str | None, model_format: str, min_runtime: Mapping[str, str]) -> tuple[str, str]:
    """The package to install somewhere so that `open_engine` with these arguments works there, and its oldest version.

    Raises:
        EngineError: as of `open_engine`, whatever is installed here.
    """
    _, packages = _known(name, model_format)
    wanted = list(_wanted(name, packages))
    package = next((each for each in wanted if each in min_runtime), wanted[0])
    return package, _oldest(package, packages, min_runtime)


def engine_packages() -> frozenset[str]:
    """All packages that some engine can run on."""
    return frozenset(package for _, packages in _ENGINES.values() for package in packages)


def _known(name: str | None, model_format: str) -> tuple[type[litert.LiteRT] | type[onnx.OnnxRuntime], dict[str, str]]:
    """The engine for a format and all its packages; EngineError where it is not the one that is named, nor on such."""
    if model_format not in _ENGINES:
        raise EngineError(
            f"no engine here runs models of format '{model_format}'; use a bundle of format {' or '.join(_ENGINES)}"
        )
    engine, packages = _ENGINES[model_format]
    if name not in (None, engine.name, *packages):
        raise EngineError(
            f"no engine '{name}' runs models of format '{model_format}'; use {' or '.join([engine.name, *packages])}"
        )
    return engine, packages


def _wanted(name: str | None, packages: dict[str, str]) -> dict[str, str]:
    """Those of an engine's packages that its user will have: the one that is named, else all."""
    return {name: packages[name]} if name in packages else packages


def _present(packages: Mapping[str, str]) -> list[str]:
    """Those packages, of package -> module, that are on this machine, whether they work or not."""
    return [package for package, module in packages.items() if find_spec(module.partition(".")[0]) is not None]


def _oldest(package: str, packages: Mapping[str, str], min_runtime: Mapping[str, str]) -> str:
    """The oldest version of one of the packages that runs a bundle; EngineError where none does."""
    if not min_runtime or package in min_runtime:
        return min_runtime.get(package, "0")
    # Of the names that the bundle gives only those known here: nobody is told to install something else.
    suitable = [name for name in packages if name in min_runtime]
    if not suitable:
        raise EngineError(
            f"{package} is not known to run this bundle, nor is any other of {', '.join(packages)}; use another bundle"
        )
    needed = " or ".join(f"{name} {min_runtime[name]}" for name in suitable)
    raise EngineError(
        f"{package} is not known to run this bundle, which needs {needed}; run: pip install {suitable[0]}"
    )


def _check_age(package: str, version: str, oldest: str) -> None:
    if release(version) < release(oldest):
        raise EngineError(
            f"{package} {version} is too old for this bundle, which needs {oldest}; "
            f"run: pip install --upgrade {package}"
        )
