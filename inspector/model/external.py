"""Weights that a model keeps in other files: checked, then read, or where they are large left there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.errors import ModelError
from inspector.model.declarations import every_graph

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir
    from numpy.typing import NDArray

__all__ = [
    "LARGE",
    "byte_count",
    "external_tensors",
    "load_external",
    "location_of",
    "locations",
    "numbers",
    "read_into_memory",
    "refer_absolutely",
    "require_whole",
    "set_location",
    "tensors",
]

# bytes of a model, all its files together, from which on its weights stay on the disk until they are read
LARGE = 64 * 2**20


# element types that take some bytes: all of TensorProto.DataType but UNDEFINED and STRING
KNOWN = frozenset((*range(1, 8), *range(9, 29)))


def tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor in the main graph, its bodies and the functions."""
    import onnx

    for graph in every_graph(proto):
        if isinstance(graph, onnx.GraphProto):
            yield from graph.initializer
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors


def external_tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Those among them whose numbers are in another file."""
    return (tensor for tensor in tensors(proto) if tensor.data_location == tensor.EXTERNAL)


def locations(proto: onnx.ModelProto) -> dict[str, list[onnx.TensorProto]]:
    """Location as the file gives it -> the tensors kept there."""
    found: dict[str, list[onnx.TensorProto]] = {}
    for tensor in external_tensors(proto):
        found.setdefault(location_of(tensor), []).append(tensor)
    return found


def load_external(proto: onnx.ModelProto, path: Path) -> None:
    """Check the files that the model at `path` keeps weights in, and read them, in place.

    Where all is large together, the tensors stay in their files, which are then given by their absolute paths.

    Raises:
        ModelError: one is missing, too short, or lies outside the model's folder.
    """
    places = locations(proto)
    if not places:
        return
    # resolve() follows links: a link inside the folder must not lead out of it either. The folder is also the one that
    # the model itself really lies in: download caches link to both from elsewhere.
    folders = [path.parent.resolve(), path.resolve().parent]
    total = path.stat().st_size
    for location, held in places.items():
        target = (folders[0] / location).resolve()
        if not location or not any(target.is_relative_to(folder) for folder in folders):
            raise ModelError(
                f"{path} keeps the weights '{held[0].name}' in '{location}', outside its own folder: refused"
            )
        if not target.is_file():
            raise ModelError(
                f"{path} keeps its weights in '{location}', which is missing: put it into {path.parent}"
            )
        size = target.stat().st_size
        total += size
        for tensor in held:
            _check_span(tensor, location, size)
            _set_length(tensor)
            set_location(tensor, str(target))
    if total < LARGE:
        read_into_memory(proto)


def refer_absolutely(proto: onnx.ModelProto, model: ir.Model) -> None:
    """Give the external tensors of `model`, of which `proto` was made, by their absolute paths."""
    import onnx_ir as ir

    paths: dict[str | None, str] = {}
    for graph in model.graphs():
        for value in graph.initializers.values():
            if isinstance(value.const_value, ir.ExternalTensor):
                paths[value.name] = str(Path(value.const_value.path).resolve())
    for tensor in external_tensors(proto):
        if tensor.name in paths:
            set_location(tensor, paths[tensor.name])


def read_into_memory(proto: onnx.ModelProto) -> None:
    """Put into the message, in place, what its tensors keep in files given by absolute paths."""
    for tensor in list(external_tensors(proto)):
        entries = _entries(tensor)
        with Path(entries["location"]).open("rb") as file:
            file.seek(int(entries.get("offset", 0)))
            tensor.raw_data = file.read(_length(tensor, os.fstat(file.fileno()).st_size))
        del tensor.external_data[:]
        tensor.ClearField("data_location")


def numbers(tensor: ir.TensorProtocol) -> NDArray[Any]:
    """The values of a weight, without keeping what lies on the disk in memory after they are dropped."""
    import numpy as np
    import onnx_ir as ir

    if not isinstance(tensor, ir.ExternalTensor):
        return np.asarray(tensor.numpy())
    once = ir.ExternalTensor(
        tensor.location,
        tensor.offset,
        tensor.length,
        tensor.dtype,
        shape=tensor.shape,
        name=tensor.name or "",
        base_dir=tensor.base_dir,
    )
    return np.asarray(once.numpy())


def _check_span(tensor: onnx.TensorProto, location: str, size: int) -> None:
    entries = _entries(tensor)
    if not all(entries.get(key, "0").isdecimal() for key in ("offset", "length")):
        raise ModelError(
            f"the weights '{tensor.name}' stand at no place that there can be in '{location}': the model is damaged, "
            "export it again"
        )
    given, needed = _length(tensor, size), byte_count(tensor)
    end = int(entries.get("offset", 0)) + needed
    if end > size or given < needed:
        raise ModelError(
            f"the weights '{tensor.name}' end at byte {end:,} of '{location}', which has {size:,}: it is cut short, "
            "download or export it again"
        )


def _set_length(tensor: onnx.TensorProto) -> None:
    """Say how many bytes it takes, where the file does not."""
    if "length" not in _entries(tensor):
        tensor.external_data.add(key="length", value=str(byte_count(tensor)))


def _length(tensor: onnx.TensorProto, size: int) -> int:
    entries = _entries(tensor)
    return int(entries["length"]) if "length" in entries else size - int(entries.get("offset", 0))


def require_whole(proto: onnx.ModelProto) -> None:
    """Check that each weight in the message holds as many numbers as it says.

    Raises:
        ModelError: one does not; names it.
    """
    for tensor in proto.graph.initializer:
        if tensor.data_location == tensor.EXTERNAL or tensor.data_type == tensor.STRING:
            continue
        known = tensor.data_type in KNOWN
        if not known or min(tensor.dims, default=0) < 0:
            raise ModelError(
                f"the weights '{tensor.name}' have no valid type or shape: the model is damaged, export it again"
            )
        if tensor.HasField("raw_data") and len(tensor.raw_data) != byte_count(tensor):
            raise ModelError(
                f"the weights '{tensor.name}' of shape {list(tensor.dims)} take {byte_count(tensor):,} bytes, but "
                f"{len(tensor.raw_data):,} are there: the model is damaged, export it again"
            )


def byte_count(tensor: onnx.TensorProto) -> int:
    """Bytes that its values take."""
    import math

    import onnx_ir as ir

    bits: int = math.prod(tensor.dims) * ir.DataType(tensor.data_type).bitwidth
    return -(-bits // 8)


def _entries(tensor: onnx.TensorProto) -> dict[str, str]:
    return {str(entry.key): str(entry.value) for entry in tensor.external_data}


def location_of(tensor: onnx.TensorProto) -> str:
    """The file of an external tensor."""
    return _entries(tensor).get("location", "")


def offset_of(tensor: onnx.TensorProto) -> int:
    """Where in that file its values begin."""
    return int(_entries(tensor).get("offset", "0") or 0)


def set_location(tensor: onnx.TensorProto, location: str) -> None:
    """Say that an external tensor stands in another file."""
    for entry in tensor.external_data:
        if entry.key == "location":
            entry.value = location
