"""Graphs that were built, kept on the disk: what is built once need not be built by the next process.

A file holds a graph without the weights that it shares with the model it was made from, and a digest by which a file
that was cut short or changed is known; such a one is as good as none. Files are written whole or not at all, and the
ones unused longest go first.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inspector.errors import OutputError
from inspector.model.external import byte_count, external_tensors, location_of, offset_of

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

    from inspector.model import Model

__all__ = ["VARIABLE", "Stored", "cache_folder"]

VARIABLE = "ONNXLENS_CACHE"
"""Environment variable: a folder, or 1 for the user's own cache folder."""

LARGEST = 4 * 2**30
"""Bytes that the folder may hold."""

_LIBRARIES = ("onnxlens", "onnx", "onnx-ir")
_SHARED = "onnxlens.shared"
_DIGEST = 16
_CHUNK = 2**24


def cache_folder(asked: bool | str | os.PathLike[str] | None) -> Path | None:
    """The folder that graphs are kept in: as asked; True: the user's; None: as `ONNXLENS_CACHE` says, else nowhere."""
    if asked is None:
        said = os.environ.get(VARIABLE, "")
        asked = said not in ("", "0") and (said == "1" or said)
    if not isinstance(asked, bool):
        return Path(asked)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "onnxlens" / "graphs" if asked else None


class Stored:
    """The graphs made from one model, in `folder`.

    Args:
        folder: made where it is not there.
        model: by its content, not its path, and the versions of the libraries that build graphs, they are told apart.
    """

    def __init__(self, folder: Path, model: Model) -> None:
        self._folder = folder
        self._model = model
        self._digest: bytes | None = None

    def get(self, key: object, source: ir.Model, build: Callable[[], ir.Model]) -> ir.Model:
        """The graph kept under `key`; where there is none, what `build` makes of `source`, kept from now on.

        Args:
            key: its `repr` says all that the graph depends on besides the model.
            source: the graph that it is made from, with whose weights it is written and read.
            build: makes it.

        Raises:
            OutputError: the folder cannot be written to.
        """
        path = self._folder / f"{self._name(key)}.graph"
        with _blaming(self._folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            kept = _read(path, source)
        if kept is not None:
            return kept
        graph = build()
        with _blaming(self._folder):
            _write(path, graph, source)
            _make_room(self._folder, path)
        return graph

    def _name(self, key: object) -> str:
        if self._digest is None:
            self._digest = _content(self._model.proto)
        import onnxruntime

        versions = [*(version(library) for library in _LIBRARIES), onnxruntime.__version__]
        told = repr((versions, key)).encode()
        return hashlib.blake2b(self._digest + told, digest_size=_DIGEST).hexdigest()


@contextmanager
def _blaming(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"the graph cannot be kept in '{folder}': {error.strerror}; choose another folder "
            f"(--cache, {VARIABLE}, Inspector(cache=...)), or none"
        ) from error


def _content(proto: onnx.ModelProto) -> bytes:
    """A digest of a model with all its weights, wherever they and it lie."""
    digest = hashlib.blake2b(digest_size=_DIGEST)
    outside = list(external_tensors(proto))
    for tensor in outside:
        size = byte_count(tensor)
        if size:
            region = np.memmap(location_of(tensor), np.uint8, "r", offset_of(tensor), (size,))
            for start in range(0, size, _CHUNK):
                digest.update(region[start : start + _CHUNK].tobytes())
    if outside:
        import onnx

        inside = onnx.ModelProto()
        inside.CopyFrom(proto)
        for tensor in external_tensors(inside):
            del tensor.external_data[:]
        proto = inside
    digest.update(proto.SerializeToString(deterministic=True))
    return digest.digest()


def _write(path: Path, graph: ir.Model, source: ir.Model) -> None:
    import onnx_ir as ir

    from inspector.surgery import copy

    bare = copy(graph)
    weights = source.graph.initializers
    shared = [
        name
        for name, value in bare.graph.initializers.items()
        if name in weights and value.const_value is weights[name].const_value
    ]
    for name in shared:
        bare.graph.initializers[name].const_value = ir.tensor(np.zeros(0, dtype=np.float32), name=name)
    bare.metadata_props[_SHARED] = json.dumps(shared)
    proto = ir.to_proto(bare)
    if any(True for _ in external_tensors(proto)):
        # (constants inside nodes that stand in files of the model's, which may be elsewhere by then)
        return
    message = proto.SerializeToString()
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(hashlib.blake2b(message, digest_size=_DIGEST).digest() + message)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _read(path: Path, source: ir.Model) -> ir.Model | None:
    """The graph, with the weights of `source`; None where there is none, or not a whole one."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    digest, message = content[:_DIGEST], content[_DIGEST:]
    if hashlib.blake2b(message, digest_size=_DIGEST).digest() != digest:
        return None
    import onnx
    import onnx_ir as ir

    graph: ir.Model = ir.from_proto(onnx.ModelProto.FromString(message))
    weights = source.graph.initializers
    for name in json.loads(graph.metadata_props.pop(_SHARED)):
        value, own = graph.graph.initializers[name], weights[name]
        value.const_value, value.type, value.shape = own.const_value, own.type, own.shape
    os.utime(path)
    return graph


def _make_room(folder: Path, newest: Path) -> None:
    """Remove the files unused longest, as far as all together are too large."""
    files = {path: path.stat() for path in folder.glob("*.graph")}
    room = LARGEST
    for path in sorted(files, key=lambda one: (one != newest, -files[one].st_mtime)):
        room -= files[path].st_size
        if room < 0 and path != newest:
            path.unlink(missing_ok=True)
