"""What pnnx is told of the published models. What it makes of them is read in test_compare_instructions, slowly."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from emulated import ncnn_models
from emulated.ncnn_models import convert_to_ncnn

from converters.conversion import Sources, fetch_sources
from converters.errors import ConversionError
from converters.progress import Progress
from converters.zoo import load_zoo
from edge_ocr.errors import BenchmarkError
from tests.conftest import skip


@pytest.fixture(scope="module")
def published() -> Sources:
    zoo = load_zoo()
    try:
        return fetch_sources(zoo, zoo.system("ppocrv6-tiny"), Progress())
    except ConversionError as problem:
        skip("network", str(problem))
        raise


class FakePnnx:
    """Notes what it is told, and writes what is asked of it unless it is of no use."""

    def __init__(self, *, useful: bool = True) -> None:
        self.calls: list[Sequence[str]] = []
        self._useful = useful

    def __call__(self, program: str, *arguments: str) -> str:
        if Path(program).name != "pnnx":
            return ""  # pip, which fetches pnnx
        self.calls.append(arguments)
        for argument in arguments:
            name, _, value = argument.partition("=")
            if self._useful and name in ("ncnnparam", "ncnnbin"):
                Path(value).touch()
        return ""


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: Sources) -> None:
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path))


@pytest.mark.usefixtures("own_cache")
def test_pnnx_is_told_of_sizes_that_vary(published: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    pnnx = FakePnnx()
    monkeypatch.setattr(ncnn_models, "run_tool", pnnx)
    bundle = published.reference()
    folder = convert_to_ncnn(bundle, lambda _: None)
    shapes = {tuple(argument for argument in call if argument.startswith("inputshape")) for call in pnnx.calls}
    assert shapes == {
        ("inputshape=[1,3,640,640]f32", "inputshape2=[1,3,320,480]f32"),
        ("inputshape=[1,3,48,192]f32",),
        ("inputshape=[1,3,48,320]f32", "inputshape2=[1,3,48,640]f32"),
    }
    kinds = bundle.manifest.models.by_kind()
    digests = {hashlib.sha256(bundle.model_bytes(kind)).hexdigest() for kind in kinds}
    assert {file.name for file in folder.iterdir()} == {
        f"{name}.{part}" for name in digests for part in ("param", "bin")
    }
    assert convert_to_ncnn(bundle, lambda _: None) == folder
    assert len(pnnx.calls) == 3, "converted once"


@pytest.mark.usefixtures("own_cache")
def test_a_pnnx_that_gives_nothing_is_one_sentence(published: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ncnn_models, "run_tool", FakePnnx(useful=False))
    with pytest.raises(BenchmarkError, match=r"pnnx==\d+ gave no detector for ncnn"):
        convert_to_ncnn(published.reference(), lambda _: None)
