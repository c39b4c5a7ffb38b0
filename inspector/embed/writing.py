"""A model to one ONNX file, whole or not at all, weight by weight: what lies on the disk is never all in memory.

Encoding: protobuf.dev/programming-guides/encoding; fields: onnx.proto.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import onnx
import onnx_ir as ir

from inspector.model import Model
from inspector.model.declarations import restore_maps
from inspector.model.external import byte_count, external_tensors, location_of, read_into_memory
from inspector.render.save import write_whole

__all__ = ["as_message", "write"]

# bytes of a message that every reader takes
LARGEST = 2**31 - 1
# a page: what lies there can be mapped
ALIGNED = 4096
# numbers of the fields that are written by hand: Model.graph, Graph.initializer, Tensor.raw_data
GRAPH, INITIALIZER, RAW_DATA = 7, 5, 9


def as_message(model: ir.Model, given: Model, metadata: Mapping[str, Any]) -> onnx.ModelProto:
    """The message of `model`, made of `given`, with what that says of itself and `onnxlens.*` entries beside it.

    Weights that lie in files are referred to there.
    """
    proto = restore_maps(ir.to_proto(model), given.proto)
    assert isinstance(proto, onnx.ModelProto)
    source = given.proto
    proto.producer_name, proto.producer_version = source.producer_name, source.producer_version
    proto.domain, proto.model_version, proto.doc_string = (
        source.domain,
        source.model_version,
        source.doc_string,
    )
    proto.graph.name, proto.graph.doc_string = source.graph.name, source.graph.doc_string
    del proto.metadata_props[:]
    proto.metadata_props.extend(source.metadata_props)
    for key, value in metadata.items():
        proto.metadata_props.add(key=f"onnxlens.{key}", value=json.dumps(value))
    _keep_what_is_sure(proto, source)
    return proto


def _keep_what_is_sure(proto: onnx.ModelProto, source: onnx.ModelProto) -> None:
    """Of the tensors inside, only what the file itself says, and no names of dimensions: where two lengths have one
    name, the runtime lets what is computed from the one overwrite the other.
    """
    said = {value.name for value in source.graph.value_info}
    kept = [value for value in proto.graph.value_info if value.name in said]
    del proto.graph.value_info[:]
    proto.graph.value_info.extend(kept)
    for value in proto.graph.value_info:
        for dim in value.type.tensor_type.shape.dim if value.type.HasField("tensor_type") else ():
            dim.ClearField("dim_param")


def write(proto: onnx.ModelProto, path: Path) -> tuple[Path, ...]:
    """Write the model; of more than 2 GB the weights to `path` with `.data` behind it. Returns the files written.

    Raises:
        OutputError: a file cannot be written; then an existing one keeps its content.
    """
    outside = [tensor for tensor in proto.graph.initializer if tensor.data_location == tensor.EXTERNAL]
    own = {id(tensor) for tensor in outside}
    if any(id(tensor) not in own for tensor in external_tensors(proto)):
        # large constants in nodes or bodies, which is rare: as they are in memory
        read_into_memory(proto)
        outside = []
    if proto.ByteSize() + sum(byte_count(tensor) for tensor in outside) <= LARGEST:
        return (write_whole(path, lambda file: _write_message(file, proto, outside)),)
    data = path.with_name(f"{path.name}.data")
    write_whole(data, lambda file: _write_data(file, proto.graph.initializer, data.name))
    return write_whole(path, lambda file: file.write(proto.SerializeToString())), data


def _write_message(file: IO[bytes], proto: onnx.ModelProto, outside: Sequence[onnx.TensorProto]) -> None:
    """The message, the weights `outside` copied from their files where a reader expects them."""
    if not outside:
        file.write(proto.SerializeToString())
        return
    references = []
    for tensor in outside:
        reference = onnx.TensorProto()
        reference.CopyFrom(tensor)
        references.append(reference)
    names = {tensor.name for tensor in outside}
    graph = onnx.GraphProto()
    graph.CopyFrom(proto.graph)
    inside = [tensor for tensor in graph.initializer if tensor.name not in names]
    del graph.initializer[:]
    graph.initializer.extend(inside)
    rest = onnx.ModelProto()
    rest.CopyFrom(proto)
    rest.ClearField("graph")
    heads = [_head(reference) for reference in references]
    sizes = [len(head) + byte_count(reference) for head, reference in zip(heads, references, strict=True)]
    shell = graph.SerializeToString()
    fields = [_key(INITIALIZER) + _varint(size) for size in sizes]
    file.write(rest.SerializeToString())
    total = len(shell) + sum(len(field) + size for field, size in zip(fields, sizes, strict=True))
    file.write(_key(GRAPH) + _varint(total) + shell)
    for field, head, reference in zip(fields, heads, references, strict=True):
        file.write(field + head)
        for part in _bytes_of(reference):
            file.write(part)


def _write_data(file: IO[bytes], weights: Sequence[onnx.TensorProto], name: str) -> None:
    """The weights that lie in files, one after the other; where they stand is noted in them."""
    for tensor in weights:
        if tensor.data_location != tensor.EXTERNAL:
            continue
        file.write(bytes(-file.tell() % ALIGNED))
        start = file.tell()
        for part in _bytes_of(tensor):
            file.write(part)
        length = file.tell() - start
        del tensor.external_data[:]
        for key, value in (("location", name), ("offset", start), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))


def _head(tensor: onnx.TensorProto) -> bytes:
    """A tensor's message but for its bytes, the key and length of which it ends with."""
    bare = onnx.TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
    return bytes(bare.SerializeToString()) + _key(RAW_DATA) + _varint(byte_count(tensor))


def _bytes_of(tensor: onnx.TensorProto, step: int = 2**24) -> Iterator[bytes]:
    """What a tensor holds that lies in a file given by its absolute path."""
    offset = next((int(entry.value) for entry in tensor.external_data if entry.key == "offset"), 0)
    end = offset + byte_count(tensor)
    with (
        Path(location_of(tensor)).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        for start in range(offset, end, step):
            yield data[start : min(start + step, end)]


def _key(number: int) -> bytes:
    """Of a field whose length stands before it."""
    return _varint(number << 3 | 2)


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)
