"""From a path, bytes or an object in memory to a `ModelProto`, refusing what is not a model with one clear line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from inspector.errors import ModelError, ModelNotFound

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
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (0, b"<", "a text file (a web page saved instead of the model?)"),
    (0, b"{", "a JSON file"),
)


def read_source(source: Source) -> tuple[onnx.ModelProto, Path | None]:
    """Return the model, weights included, and the path it came from (None for one in memory).

    Raises:
        ModelNotFound: there is no file at the path.
        ModelError: it is empty, cut short, not ONNX, or its external data is missing or lies outside its folder.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        proto = _parse(bytes(source), "the model given as bytes")
        _refuse_external(proto, "the model given as bytes")
        return proto, None
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        proto = _parse(_read(path), str(path))
        _load_external(proto, path)
        return proto, path
    import onnx

    if isinstance(source, onnx.ModelProto):
        _require_graph(source, "the ModelProto given")
        _refuse_external(source, "the ModelProto given")
        return source, None
    import onnx_ir as ir

    if isinstance(source, ir.Model):
        return ir.to_proto(source), None
    raise ModelError(
        f"a model is a path, bytes, an onnx.ModelProto or an onnx_ir.Model, not {type(source).__name__}"
    )


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise ModelError(f"{path} is a folder: name the .onnx file in it")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelNotFound(f"there is no file {path}") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from None


def _parse(data: bytes, what: str) -> onnx.ModelProto:
    if not data:
        raise ModelError(f"{what} is empty: download or export it again")
    for offset, magic, kind in FOREIGN:
        if data[offset : offset + len(magic)] == magic:
            raise ModelError(f"{what} is not an ONNX model but {kind}")
    import onnx

    try:
        proto = onnx.load_model_from_string(data)
    except Exception as error:
        # protobuf's own error, told by its name: the library ships no types
        if type(error).__name__ != "DecodeError":
            raise
        raise ModelError(
            f"{what} is cut short, damaged or not an ONNX model: download or export it again"
        ) from None
    _require_graph(proto, what)
    return proto


def _require_graph(proto: onnx.ModelProto, what: str) -> None:
    # protobuf reads many a foreign file as a message of unknown fields
    if not proto.HasField("graph") or not proto.opset_import or not (proto.graph.node or proto.graph.output):
        raise ModelError(f"{what} is not an ONNX model, or is cut short: it holds no graph")


def _external(proto: onnx.ModelProto) -> dict[str, list[str]]:
    """Location -> names of the tensors kept there."""
    from onnx.external_data_helper import ExternalDataInfo, uses_external_data

    locations: dict[str, list[str]] = {}

    def visit(graph: onnx.GraphProto) -> None:
        tensors = list(graph.initializer)
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    tensors.append(attribute.t)
                for subgraph in [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]:
                    visit(subgraph)
        for tensor in tensors:
            if uses_external_data(tensor):
                locations.setdefault(ExternalDataInfo(tensor).location, []).append(tensor.name)

    visit(proto.graph)
    return locations


def _refuse_external(proto: onnx.ModelProto, what: str) -> None:
    if locations := _external(proto):
        raise ModelError(
            f"{what} keeps its weights in another file ({next(iter(locations))}): give the path of the .onnx file"
        )


def _load_external(proto: onnx.ModelProto, path: Path) -> None:
    locations = _external(proto)
    if not locations:
        return
    folder = path.parent.resolve()
    for location, tensors in locations.items():
        # resolve() follows links: a link inside the folder must not lead out of it either
        target = (folder / location).resolve()
        if not location or not target.is_relative_to(folder):
            raise ModelError(
                f"{path} keeps the weights '{tensors[0]}' in '{location}', outside its own folder: refused"
            )
        if not target.is_file():
            raise ModelError(
                f"{path} keeps its weights in '{location}', which is missing: put it into {path.parent}"
            )
    from onnx.checker import ValidationError
    from onnx.external_data_helper import load_external_data_for_model

    try:
        load_external_data_for_model(proto, str(folder))
    except (ValidationError, ValueError, OSError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise ModelError(f"the external weights of {path} cannot be read: {first_line}") from None
