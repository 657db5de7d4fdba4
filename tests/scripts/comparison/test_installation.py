"""Environments of the sides' own, and their size."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from comparison import installation
from comparison.errors import ComparisonError
from comparison.installation import edge_ocr_environment, installed_bytes

from converters.progress import Progress


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The interpreter of an empty environment."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "environment"], check=True)
    return tmp_path / "environment" / "bin" / "python"


def test_an_installation_is_as_large_as_its_files(environment: Path) -> None:
    assert installed_bytes(environment) == 0
    finds = [environment, "-c", "import sysconfig; print(sysconfig.get_path('platlib'))"]
    packages = Path(subprocess.run(finds, check=True, capture_output=True, text=True).stdout.strip())
    (packages / "package" / "data").mkdir(parents=True)
    (packages / "module.py").write_bytes(b"x" * 10)
    (packages / "package" / "data" / "model").write_bytes(b"x" * 3000)
    (packages / "link").symlink_to(environment)  # what it points to is no part of the installation
    assert 3010 <= installed_bytes(environment) < 3010 + 1000


def test_a_wheel_that_cannot_be_installed_is_one_sentence(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(installation, "make_environment", lambda *_args, **_options: environment)
    monkeypatch.setattr(
        installation, "_build_wheel", lambda folder, _progress: (folder / "edge_ocr-1-py3-none-any.whl").touch()
    )
    with pytest.raises(ComparisonError, match="edge_ocr cannot be installed from this checkout: pip failed"):
        edge_ocr_environment(Progress())
