"""A large ONNX file without its weights: they stay where they are on the disk, referred to like external data.

A model is one protobuf message (onnx.proto; encoding: protobuf.dev/programming-guides/encoding). Parsing half a
gigabyte of it takes that much memory twice. So the fields that hold large tensors are replaced, before anything is
parsed, by a reference to their place in the file.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["SMALLEST", "read_without_weights"]

# bytes of a tensor that stays in the message
SMALLEST = 4096

# field number of a nested message -> what it is
NESTED: dict[str, dict[int, str]] = {
    "model": {7: "graph"},
    "graph": {1: "node", 5: "tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
}
VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5
# of TensorProto
DATA_TYPE, FLOAT_DATA, RAW_DATA, DOUBLE_DATA, EXTERNAL_DATA, DATA_LOCATION = 2, 4, 9, 10, 13, 14
FLOAT, DOUBLE = 1, 11


class Field(NamedTuple):
    """A field of a message: its key and value stand at [start, end) of the file, its content begins at `content`."""

    number: int
    kind: int
    start: int
    content: int
    end: int


def read_without_weights(path: Path) -> bytes:
    """The model's message, each large tensor replaced by a reference to its bytes in the file.

    Raises:
        ValueError: what is there is no message, or it ends too early.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return b"".join(_rewrite(data, 0, len(data), "model", str(path)))


def _rewrite(data: mmap.mmap, start: int, end: int, kind: str, location: str) -> Iterator[bytes]:
    if kind == "tensor":
        yield from _refer(data, start, end, location)
        return
    for field in _fields(data, start, end):
        inner = NESTED[kind].get(field.number)
        if inner is None or field.kind != DELIMITED or field.end - field.content <= SMALLEST:
            yield data[field.start : field.end]
            continue
        content = b"".join(_rewrite(data, field.content, field.end, inner, location))
        yield _varint(field.number << 3 | DELIMITED) + _varint(len(content)) + content


def _refer(data: mmap.mmap, start: int, end: int, location: str) -> Iterator[bytes]:
    """A TensorProto: numbers that stand in it one after another, as they would in a file of their own, are left out."""
    fields = list(_fields(data, start, end))
    types = [_read_varint(data, field.content, end)[0] for field in fields if field.number == DATA_TYPE]
    plain = {RAW_DATA, {FLOAT: FLOAT_DATA, DOUBLE: DOUBLE_DATA}.get(types[-1] if types else 0)}
    numbers = [field for field in fields if field.number in plain and field.kind == DELIMITED]
    large = numbers[0] if len(numbers) == 1 and numbers[0].end - numbers[0].content > SMALLEST else None
    for field in fields:
        if field is not large:
            yield data[field.start : field.end]
    if large is not None:
        entries = {
            "location": location,
            "offset": str(large.content),
            "length": str(large.end - large.content),
        }
        for key, value in entries.items():
            entry = _text(1, key) + _text(2, value)
            yield _varint(EXTERNAL_DATA << 3 | DELIMITED) + _varint(len(entry)) + entry
        yield _varint(DATA_LOCATION << 3 | VARINT) + _varint(1)


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[Field]:
    place = start
    while place < end:
        key, content = _read_varint(data, place, end)
        kind = key & 7
        if kind == VARINT:
            stop = _read_varint(data, content, end)[1]
        elif kind == DELIMITED:
            length, content = _read_varint(data, content, end)
            stop = content + length
        elif kind in (FIXED64, FIXED32):
            stop = content + (8 if kind == FIXED64 else 4)
        else:
            raise ValueError(f"a field of unknown kind {kind} at byte {place}")
        if stop > end:
            raise ValueError(f"it ends {stop - end} bytes too early")
        yield Field(key >> 3, kind, place, content, stop)
        place = stop


def _read_varint(data: mmap.mmap, place: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while place < end and shift < 70:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
    raise ValueError(f"a number that does not end at byte {place}")


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])


def _text(number: int, text: str) -> bytes:
    encoded = text.encode()
    return _varint(number << 3 | DELIMITED) + _varint(len(encoded)) + encoded
