#!/usr/bin/env python3
"""Make the checkout's virtual environment, or bring it up to date, and install the project in it.

    make_environment.py FOLDER [PYTHON]

The project is installed editable, with the extras that converting and testing need, in the exact versions of
constraints/development.txt. PYTHON means what it does to find_python.py. Like that script this one runs on
any Python 3.6 or newer, before anything is installed.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Sequence

from find_python import (
    SUPPORTED,
    Python,
    SetUpError,
    dotted,
    fail,
    find_python,
    find_uv,
    note,
    probe,
    run_quietly,
)

ROOT = Path(__file__).resolve().parents[1]


def create(python: Python, folder: Path) -> None:
    """Make an empty virtual environment with pip from `python` at `folder`, in place of whatever is there.

    Debian splits ensurepip, which venv needs, from its Python; uv makes the same environment without it.

    Raises:
        SetUpError: neither way works here.
    """
    note(f"making {folder} from {python.path}")
    shutil.rmtree(str(folder), ignore_errors=True)
    if run_quietly([python.path, "-c", "import ensurepip"]) is not None:
        made = run_quietly([python.path, "-m", "venv", str(folder)])
    else:
        uv = find_uv([python])
        made = uv and run_quietly([uv, "venv", "--quiet", "--seed", "--python", python.path, str(folder)])
    if made is None:
        version = dotted(python.version)
        raise SetUpError(
            f"{python.path} cannot make a virtual environment; run `sudo apt install python{version}-venv`, "
            f"or name another Python: make PYTHON=/path/to/python{version}"
        )


def is_usable(folder: Path) -> bool:
    """Whether `folder` holds an environment that runs, has pip, and has a supported Python."""
    python = probe(str(folder / "bin" / "python"))
    return (
        python is not None
        and python.version in SUPPORTED
        and run_quietly([python.path, "-c", "import pip"]) is not None
    )


def install(folder: Path) -> None:
    """Install the project and its tools into the environment at `folder`.

    Raises:
        SetUpError: pip failed; its own words stand above.
    """
    note("installing the project and its tools (some 850 MB the first time)")
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    constraints = str(ROOT / "constraints" / "development.txt")
    done = subprocess.run([*pip, "--constraint", constraints, "--editable", f"{ROOT}[bench,convert,pdf,test]"])
    if done.returncode != 0:
        raise SetUpError("pip could not install the project; see above. Is the package index reachable?")


def main(arguments: Sequence[str]) -> None:
    if not 1 <= len(arguments) <= 2:
        fail("usage: make_environment.py FOLDER [PYTHON]")
    folder = Path(arguments[0])
    name = arguments[1] if len(arguments) == 2 else None
    try:
        if name or not is_usable(folder):
            create(find_python(name), folder)
        install(folder)
    except SetUpError as error:
        fail(error)


if __name__ == "__main__":
    main(sys.argv[1:])
