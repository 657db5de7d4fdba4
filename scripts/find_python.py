#!/usr/bin/env python3
"""Print the path of a Python that can run the converter, obtaining one where the machine has none.

    find_python.py [PYTHON]

PYTHON, a path or a command name, is taken or refused; nothing else is then looked at. Without it the search
goes through PATH, pyenv's version folders, and then uv, which is fetched from the package index where it is
missing and brings a Python of its own. Nothing is written outside the user's cache folder.

Runs on any Python 3.6 or newer with the standard library alone, because it runs before anything is installed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, NoReturn, Optional, Sequence, Tuple

Version = Tuple[int, int]

# In order of preference: the tests run on the first, the others have wheels of every dependency.
SUPPORTED: Sequence[Version] = ((3, 12), (3, 13), (3, 14))

UV_REQUIREMENT = "uv==0.13.9"
PROBE_SECONDS = 20


class Python(NamedTuple):
    """An interpreter that has been run and said what it is."""

    path: str
    version: Version


class SetUpError(Exception):
    """The environment cannot be made; the message says what was seen and what to do."""


def note(message: str) -> None:
    """Tell the person at the terminal; standard output is kept for the answer."""
    print(message, file=sys.stderr, flush=True)


def fail(message: object) -> NoReturn:
    note(f"error: {message}")
    sys.exit(2)


def dotted(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


def supported() -> str:
    return " or ".join(map(dotted, SUPPORTED))


def cache_directory() -> Path:
    """The user's cache folder of this project, the same that the converter uses."""
    chosen, caches = os.environ.get("EDGE_OCR_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return (Path(caches).absolute() if caches else Path.home() / ".cache") / "edge-ocr"


def run_quietly(command: Sequence[str], environment: Optional[Dict[str, str]] = None) -> Optional[str]:
    """Standard output of `command`, or None if it fails, after passing on the last line of its complaint."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            env=environment,
        )
    except OSError as error:
        note(f"  {command[0]}: {error.strerror}")
        return None
    if done.returncode == 0:
        return done.stdout
    complaint = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
    note(f"  {' '.join(command[:4])}: {complaint}")
    return None


def pyenv_roots(folders: Sequence[Path]) -> List[Path]:
    """Where pyenv may keep its versions: $PYENV_ROOT, beside a `shims` of `folders`, or the usual place."""
    named = os.environ.get("PYENV_ROOT")
    beside_shims = [folder.parent for folder in folders if folder.name == "shims"]
    return [*([Path(named)] if named else []), *beside_shims, Path.home() / ".pyenv"]


def candidates(versions: Sequence[Version] = SUPPORTED) -> Iterator[str]:
    """Paths that may be interpreters of `versions`, each once; a name promises nothing before it is run."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    names = [*(f"python{dotted(version)}" for version in versions), "python3", "python"]
    places = [folder / name for name in names for folder in folders]
    for root in pyenv_roots(folders):
        places += sorted(root.glob("versions/*/bin/python"))
    for place in dict.fromkeys(places):
        if place.is_file() and os.access(str(place), os.X_OK):
            yield str(place)


def probe(path: str) -> Optional[Python]:
    """Run `path` and ask what it is; None if it does not answer as a Python 3.

    Running is the only test that holds: pyenv's shim named python3.12 exists, and fails, whenever another
    version is the chosen one. The answer names the interpreter behind a shim, so that an environment made
    from it does not depend on that choice.
    """
    question = "import sys; print('%d %d %s' % (sys.version_info[0], sys.version_info[1], sys.executable))"
    try:
        done = subprocess.run(
            [path, "-c", question],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            universal_newlines=True,
            timeout=PROBE_SECONDS,
        )
        major, minor, executable = done.stdout.rstrip("\n").split(" ", 2)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    if done.returncode != 0 or major != "3" or not executable:
        return None
    return Python(executable, (int(major), int(minor)))


def choose(pythons: Sequence[Python]) -> Optional[Python]:
    """The first of `pythons` that has the most preferred supported version, or None."""
    usable = [python for python in pythons if python.version in SUPPORTED]
    return min(usable, key=lambda python: SUPPORTED.index(python.version), default=None)


def given(name: str) -> Python:
    """The interpreter that the caller asks for, by path or command name.

    Raises:
        SetUpError: it does not run, or the converter's dependencies do not support its version.
    """
    python = probe(shutil.which(name) or name)
    if python is None:
        raise SetUpError(f"PYTHON={name} does not run as a Python 3; give the path of an interpreter.")
    if python.version not in SUPPORTED:
        raise SetUpError(
            f"PYTHON={name} is Python {dotted(python.version)}, and the converter needs {supported()}; "
            "name another, or leave PYTHON out to have one found."
        )
    return python


def find_uv(pythons: Sequence[Python]) -> Optional[str]:
    """Path of a uv: the one on PATH, or one that the first able of `pythons` puts in the cache; else None."""
    on_path = shutil.which("uv")
    if on_path:
        return on_path
    home = cache_directory() / UV_REQUIREMENT.replace("==", "-")
    uv = str(home / "bin" / "uv")
    if os.path.exists(uv) and run_quietly([uv, "--version"]):
        return uv
    note(f"fetching {UV_REQUIREMENT} into {home}")
    for python in pythons:
        for commands in ways_to_install(UV_REQUIREMENT, home, python):
            shutil.rmtree(str(home), ignore_errors=True)
            if all(run_quietly(command) is not None for command in commands):
                return uv
    return None


def ways_to_install(requirement: str, home: Path, python: Python) -> Iterator[List[List[str]]]:
    """Commands that put `requirement` in `home`, two ways: Debian's Python may lack pip, or venv, or both."""
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    yield [[python.path, *install, "--target", str(home), requirement]]
    yield [[python.path, "-m", "venv", str(home)], [str(home / "bin" / "python"), *install, requirement]]


def python_from_uv(uv: str) -> Optional[Python]:
    """The preferred Python from uv's collection in the cache, downloaded at need; None if that is refused."""
    home = str(cache_directory() / "python")
    environment = dict(os.environ, UV_PYTHON_INSTALL_DIR=home)
    version = dotted(SUPPORTED[0])
    note(f"asking uv for Python {version} into {home}")
    if run_quietly([uv, "python", "install", "--no-bin", version], environment) is None:
        return None
    found = run_quietly([uv, "python", "find", "--managed-python", "--no-project", version], environment)
    return probe(found.strip()) if found else None


def find_python(name: Optional[str] = None) -> Python:
    """The interpreter `name` where one is given, otherwise the best that the machine has or can obtain.

    Raises:
        SetUpError: there is none.
    """
    if name:
        return given(name)
    pythons = [python for python in map(probe, candidates()) if python is not None]
    found = choose(pythons)
    if found is None:
        note(f"no Python {supported()} on PATH or in pyenv")
        uv = find_uv(pythons)
        found = python_from_uv(uv) if uv else None
    if found is None:
        seen = ", ".join(sorted({dotted(python.version) for python in pythons})) or "none"
        raise SetUpError(
            f"no Python {supported()} found (seen: {seen}), and none could be fetched. "
            "Install one (Ubuntu 24.04: `sudo apt install python3.12-venv`; Debian 13: `sudo apt install "
            "python3.13-venv`; anywhere: `pyenv install 3.12`) and run make again, "
            "or name one that you have: make PYTHON=/path/to/python3.12"
        )
    return found


def main(arguments: Sequence[str]) -> None:
    if len(arguments) > 1:
        fail("usage: find_python.py [PYTHON]")
    try:
        print(find_python(arguments[0] if arguments else None).path)
    except SetUpError as error:
        fail(error)


if __name__ == "__main__":
    main(sys.argv[1:])
