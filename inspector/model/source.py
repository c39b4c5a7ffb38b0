"""From a path, bytes or an object in memory to a `ModelProto`, refusing what is not a model with one clear line."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from inspector.errors import ModelError, ModelNotFound
from inspector.model import external
from inspector.model.external import load_external, locations, refer_absolutely, set_location
from inspector.model.spool import bytes_in_memory, spooled
from inspector.model.wire import read_without_weights

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

    Source: TypeAlias = str | os.PathLike[str] | bytes | onnx.ModelProto | ir.Model

__all__ = ["read_source"]

# (where, first bytes, what it is and what to do)
FOREIGN = (
    (
        0,
        b"PK\x03\x04",
        "a zip archive (a PyTorch checkpoint, .pt2 or .keras file?): `onnxlens export` it first",
    ),
    (0, b"\x80\x02", "a Python pickle (a PyTorch checkpoint?): `onnxlens export` it first"),
    (0, b"\x80\x03", "a Python pickle: `onnxlens export` the model first"),
    (0, b"\x80\x04", "a Python pickle: `onnxlens export` the model first"),
    (0, b"\x80\x05", "a Python pickle: `onnxlens export` the model first"),
    (0, b"\x89HDF", "an HDF5 file (Keras weights?): `onnxlens export` the model first"),
    (4, b"TFL3", "a TensorFlow Lite model: convert it with `python -m tf2onnx.convert --tflite` first"),
    (4, b"ORTM", "a model in onnxruntime's own .ort format: use the ONNX file it was made from"),
    (0, b"version https://git-lfs", "a Git LFS pointer: fetch the real file with `git lfs pull`"),
    (0, b"\x1f\x8b", "a compressed file: unpack it with gunzip first"),
    (0, b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (0, b"Rar!", "a rar archive: unpack it first"),
    (0, b"GGUF", "a GGUF file, which holds weights and no graph"),
    (8, b'{"', "a safetensors file, which holds weights and no graph"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (0, b"<", "a text file (a web page saved instead of the model?)"),
    (0, b"{", "a JSON file"),
)
DAMAGED = "{} is cut short, damaged or not an ONNX model: download or export it again"


def read_source(source: Source) -> tuple[onnx.ModelProto, Path | None, Path | None]:
    """Return the model, the path it came from (None for one in memory), and the folder that it was written to.

    A large model in memory is written to a folder, to be removed when nothing needs the model any more.

    Raises:
        ModelNotFound: there is no file at the path.
        ModelError: it is empty, cut short, not ONNX, or its external data is missing or lies outside its folder.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        proto = _parse(_read(path), str(path))
        load_external(proto, path)
        return proto, path, None
    if isinstance(source, bytes | bytearray | memoryview):
        _refuse_foreign(bytes(source[:64]), "the model given as bytes")
        if bytes_in_memory(source) >= max(1, external.LARGE):
            return _write_and_read(source, "the model given as bytes")
        proto = _parse(bytes(source), "the model given as bytes")
        _refuse_external(locations(proto), "the model given as bytes")
        return proto, None, None
    import onnx
    import onnx_ir as ir

    if isinstance(source, onnx.ModelProto):
        _require_graph(source, "the ModelProto given")
        _refuse_external(locations(source), "the ModelProto given")
        if bytes_in_memory(source) >= max(1, external.LARGE):
            return _write_and_read(source, "the ModelProto given")
        return source, None, None
    if isinstance(source, ir.Model):
        if bytes_in_memory(source) >= max(1, external.LARGE):
            return _write_and_read(source, "the onnx_ir.Model given")
        proto = ir.to_proto(source)
        refer_absolutely(proto, source)
        return proto, None, None
    raise ModelError(
        f"a model is a path, bytes, an onnx.ModelProto or an onnx_ir.Model, not {type(source).__name__}"
    )


def _write_and_read(
    source: bytes | bytearray | memoryview | onnx.ModelProto | ir.Model, what: str
) -> tuple[onnx.ModelProto, None, Path]:
    with spooled(source) as path:
        try:
            proto = _parse(read_without_weights(path), what)
        except ValueError:
            raise ModelError(DAMAGED.format(what)) from None
        beside = path.with_name("weights")
        places = locations(proto)
        if beside.exists():
            for tensor in places.pop(beside.name, []):
                set_location(tensor, str(beside))
        _refuse_external(places.keys() - {str(path)}, what)
    return proto, None, path.parent


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise ModelError(f"{path} is a folder: name the .onnx file in it")
    try:
        if path.stat().st_size < max(1, external.LARGE):
            return path.read_bytes()
        head = _head(path)
    except FileNotFoundError:
        raise ModelNotFound(f"there is no file {path}") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from None
    _refuse_foreign(head, str(path))
    try:
        return read_without_weights(path.resolve())
    except ValueError:
        raise ModelError(DAMAGED.format(path)) from None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _refuse_foreign(data: bytes, what: str) -> None:
    for offset, magic, kind in FOREIGN:
        if data[offset : offset + len(magic)] == magic:
            raise ModelError(f"{what} is not an ONNX model but {kind}")


def _parse(data: bytes, what: str) -> onnx.ModelProto:
    if not data:
        raise ModelError(f"{what} is empty: download or export it again")
    _refuse_foreign(data, what)
    import onnx

    try:
        proto = onnx.load_model_from_string(data)
    except Exception as error:
        # protobuf's own error, told by its name: the library ships no types
        if type(error).__name__ != "DecodeError":
            raise
        raise ModelError(DAMAGED.format(what)) from None
    _require_graph(proto, what)
    return proto


def _require_graph(proto: onnx.ModelProto, what: str) -> None:
    # protobuf reads many a foreign file as a message of unknown fields
    if not proto.HasField("graph") or not proto.opset_import or not (proto.graph.node or proto.graph.output):
        raise ModelError(f"{what} is not an ONNX model, or is cut short: it holds no graph")


def _refuse_external(places: Collection[str], what: str) -> None:
    if places:
        raise ModelError(
            f"{what} keeps its weights in another file ({next(iter(places))}): give the path of the .onnx file"
        )
