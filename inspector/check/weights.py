"""The weights of a model, which are widened where they are used: all of them as doubles would be twice the file."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from onnx import GraphProto, TensorProto
from onnx.numpy_helper import to_array

from inspector.check.double import Array, large_constants, widen
from inspector.model.external import numbers

__all__ = ["Weights"]

_KEPT = 4_000_000
"""Numbers that are kept as doubles (32 MB of them), those of the smallest weights."""


class Weights:
    """Weights by name, large constants among them. Arrays are doubles or what the file has: `widen` tells them apart.

    What stands in another file is mapped when it is asked for and let go with the array.
    """

    def __init__(self, graph: GraphProto) -> None:
        self._arrays: dict[str, Array] = {}
        self._elsewhere: dict[str, TensorProto] = {}
        count = 0
        for name, tensor in sorted(_tensors(graph), key=lambda pair: prod(pair[1].dims)):
            count += prod(tensor.dims)
            if count <= _KEPT:
                self._arrays[name] = widen(_values(tensor))
            elif tensor.data_location == TensorProto.EXTERNAL:
                self._elsewhere[name] = tensor
            else:
                self._arrays[name] = _values(tensor)

    def __contains__(self, name: str) -> bool:
        return name in self._arrays or name in self._elsewhere

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name] if name in self._arrays else _values(self._elsewhere[name])


def _tensors(graph: GraphProto) -> Iterator[tuple[str, TensorProto]]:
    yield from ((weight.name, weight) for weight in graph.initializer)
    yield from ((node.output[0], node.attribute[0].t) for node in large_constants(graph))


def _values(tensor: TensorProto) -> Array:
    if tensor.data_location != TensorProto.EXTERNAL:
        return to_array(tensor)
    from onnx_ir import serde

    return numbers(serde.deserialize_tensor(tensor))
