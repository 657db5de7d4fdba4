"""The way into `ppocr-convert` on machines that have only the runtime."""

from __future__ import annotations

import ast
import configparser
import sys
from importlib import import_module
from pathlib import Path

import pytest

from converters import __main__ as launcher
from tests.conftest import ROOT


def test_the_command_leads_here() -> None:
    configuration = configparser.ConfigParser()
    configuration.read(ROOT / "setup.cfg", encoding="utf-8")
    scripts = dict(row.split(" = ") for row in configuration["options.entry_points"]["console_scripts"].split("\n")[1:])
    module, function = scripts["ppocr-convert"].split(":")
    assert getattr(import_module(module), function) is launcher.main


def test_every_python_of_the_runtime_can_read_it() -> None:
    for module in (launcher.__file__, import_module("converters").__file__):
        assert module is not None
        ast.parse(Path(module).read_text(encoding="utf-8"), feature_version=(3, 10))


def test_arguments_are_passed_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["ppocr-convert", "fetch", "nonesuch"])
    assert launcher.main() == 2
    assert "no system or model 'nonesuch'" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["import nonesuch", "def parse[T](text: str)) -> T: ..."])
def test_without_what_the_converter_needs_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    """A missing package, and a syntax that this Python does not know."""
    (tmp_path / "cli.py").write_text(content)
    monkeypatch.setattr(import_module("converters"), "__path__", [str(tmp_path)])
    monkeypatch.delattr("converters.cli", raising=False)
    monkeypatch.delitem(sys.modules, "converters.cli", raising=False)
    assert launcher.main() == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ppocr-convert needs Python 3.12 and the converter's packages (")
    assert "pip install 'edge-ocr[convert]'" in err and err.count("\n") == 1
