"""A model as everything else sees it: the file as loaded, and the graph derived from it once."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.errors import ModelError
from inspector.model.external import byte_count, external_tensors, numbers
from inspector.model.graph import build_graph, convert_graph, opset_of
from inspector.model.layer import Layer, TensorInfo, dtype_name, list_layers, shape_tuple
from inspector.model.layout import infer_layouts
from inspector.model.metadata import Metadata, read_metadata
from inspector.model.source import read_source

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir
    from numpy.typing import NDArray

    from inspector.model.source import Source

__all__ = ["Model", "load"]

# operators that multiply by their weights: an infinity there is no mask
MULTIPLIES = frozenset(
    ("Conv", "ConvTranspose", "Gemm", "MatMul", "Mul", "BatchNormalization", "InstanceNormalization", "PRelu")
)


class Model:
    """One ONNX model.

    Attributes:
        proto: as loaded; never changed. The weights of a large model stand in its files, given by absolute paths.
        path: where it came from, None for a model given in memory.
        metadata: what the file says about its labels, layers and input.
    """

    def __init__(self, proto: onnx.ModelProto, path: Path | None = None) -> None:
        self.proto = proto
        self.path = path
        self.metadata: Metadata = read_metadata({entry.key: entry.value for entry in proto.metadata_props})

    @cached_property
    def graph(self) -> ir.Model:
        """At the file's own opset: functions inlined, sorted, nodes named, shapes inferred. Read it, do not edit it."""
        return build_graph(self.proto)

    @cached_property
    def normalised(self) -> ir.Model:
        """`graph` at opset 18 or newer, for the gradient rules: `graph` itself where it is. Read it, do not edit it."""
        return convert_graph(self.graph)

    @property
    def converted(self) -> bool:
        """Whether `normalised` went through the opset converter, which is not always right."""
        return self.normalised is not self.graph

    @property
    def opset(self) -> int:
        return opset_of(self.graph)

    @cached_property
    def layouts(self) -> dict[str, str]:
        """Tensor name -> layout, of every feature map."""
        return infer_layouts(self.graph.graph)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Every node of the main graph in order, plumbing included."""
        return list_layers(self.graph.graph, self.layouts, self.metadata.layers)

    @cached_property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """What must be fed: initializers that the file also lists as inputs are left out."""
        return tuple(_info(value) for value in self.graph.graph.inputs)

    @cached_property
    def outputs(self) -> tuple[TensorInfo, ...]:
        return tuple(_info(value) for value in self.graph.graph.outputs)

    @cached_property
    def batched_inputs(self) -> frozenset[str]:
        """Names of the inputs with a batch axis: those whose first dimension is that of the first input.

        Where no name tells (tf2onnx makes one up for every open dimension), open ones all are that of the batch.
        """
        first = self.inputs[0].shape if self.inputs else None
        if not first:
            return frozenset(tensor.name for tensor in self.inputs[:1])
        return frozenset(
            tensor.name
            for place, tensor in enumerate(self.inputs)
            if place == 0 or (tensor.shape and tensor.shape[0] == first[0])
        )

    @property
    def fixed_batch(self) -> int | None:
        """The number of samples that the file takes; None where it takes any number."""
        first = self.inputs[0].shape if self.inputs else None
        return first[0] if first and isinstance(first[0], int) else None

    @property
    def bytes_on_disk(self) -> int:
        """Bytes of the weights that are left in their files: of large models all but the smallest, of others none."""
        return sum(byte_count(tensor) for tensor in external_tensors(self.proto))

    def tensor(self, name: str) -> TensorInfo | None:
        """Name, shape and dtype of any tensor that the graph takes or computes; None where there is none so named."""
        return self._tensors.get(name)

    @cached_property
    def _tensors(self) -> dict[str, TensorInfo]:
        return {str(value.name): _info(value) for value in self._values() if value.name}

    def _values(self) -> Iterator[ir.Value]:
        yield from self.graph.graph.inputs
        for node in self.graph.graph:
            yield from node.outputs

    def require_finite_weights(self) -> None:
        """Gradients through NaN are NaN everywhere, so say where it sits instead.

        Raises:
            ModelError: a weight is NaN, or infinite where it is multiplied by; names it.
        """
        if self.broken_weight:
            raise ModelError(self.broken_weight)

    @cached_property
    def broken_weight(self) -> str:
        """Which weight is NaN, or infinite where it is multiplied by; empty where none is."""
        import numpy as np

        for name, value in self.graph.graph.initializers.items():
            if value.const_value is None or not value.const_value.dtype.is_floating_point():
                continue
            array = numbers(value.const_value).ravel()
            # a cheap pass over all of it; which of the two only where something is wrong
            broken = [part for part in _parts(array) if not np.isfinite(part).all()]
            if any(np.isnan(part).any() for part in broken):
                return f"the weights '{name}' contain NaN: the model is broken, train or export it again"
            readers = {use.node.op_type for use in value.uses()}
            if broken and readers & MULTIPLIES:
                return f"the weights '{name}' contain infinity: the model is broken, train or export it again"
        return ""


def _parts(array: NDArray[Any], length: int = 2**20) -> Iterator[NDArray[Any]]:
    return (array[start : start + length] for start in range(0, array.size, length))


def load(source: Source) -> Model:
    """Load a model from a path, bytes, an `onnx.ModelProto` or an `onnx_ir.Model`.

    Raises:
        ModelNotFound: there is no file at the path.
        ModelError: it is empty, cut short, not ONNX (says what it is), or its external data is missing or lies outside
            the model's folder.
    """
    proto, path, folder = read_source(source)
    model = Model(proto, path)
    if folder is not None:
        weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)
    return model


def _info(value: ir.Value) -> TensorInfo:
    return TensorInfo(str(value.name), shape_tuple(value), dtype_name(value))
