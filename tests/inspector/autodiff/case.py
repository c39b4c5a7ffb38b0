"""One row of the table of cases: an operator, its inputs and its attributes; and the samplers rows are made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

Array = NDArray[Any]


@dataclass(frozen=True)
class Fixed:
    """An initializer: a value that the model holds and that nothing is differentiated by."""

    array: Array


@dataclass(frozen=True)
class Case:
    """A model of one node.

    Floating-point arrays among `inputs` are graph inputs and differentiated by; other arrays are graph inputs
    that only a run knows; `Fixed` ones are initializers; None is an omitted optional input.
    """

    op: str
    inputs: Sequence[Array | Fixed | None]
    attributes: dict[str, Any] = field(default_factory=dict)
    outputs: int = 1
    opset: int = 18
    runtime: bool = True
    """Whether onnxruntime runs the operator itself with these attributes."""
    newest: int = 26
    """The newest opset with this form of the operator that onnxruntime runs."""
    note: str = ""
    domain: str = ""
    version: int = 1
    """The opset of `domain`, where that is not the standard's own."""
    captured: int = 0
    """How many of `inputs`, the last ones, are not the node's: its bodies read them by their names, x<number>."""

    @property
    def name(self) -> str:
        shapes = ",".join(_described(x) for x in self.inputs)
        options = ",".join(
            f"{name}={value.name if isinstance(value, onnx.GraphProto) else value}"
            for name, value in self.attributes.items()
        )
        results = f"->{self.outputs}" if self.outputs > 1 else ""
        version = f"@{self.opset}" if self.opset != 18 else ""
        return f"{self.op}({shapes};{options}{self.note}){results}{version}".replace(" ", "").replace(
            str(2**63 - 1), "end"
        )

    @property
    def feeds(self) -> dict[str, Array]:
        """The graph inputs, float32."""
        return {
            f"x{i}": x.astype(np.float32) if x.dtype.kind == "f" else x
            for i, x in enumerate(self.inputs)
            if isinstance(x, np.ndarray)
        }

    @property
    def feeds_in_double(self) -> dict[str, Array]:
        return {name: x.astype(np.float64) if x.dtype.kind == "f" else x for name, x in self.feeds.items()}

    @property
    def wrt(self) -> list[str]:
        return [name for name, x in self.feeds.items() if x.dtype.kind == "f"]

    def model(self, *, dynamic: bool = False, opset: int | None = None) -> onnx.ModelProto:
        """The model; `dynamic` gives every axis of every input a symbol of its own."""
        names = ["" if x is None else f"x{i}" for i, x in enumerate(self.inputs)]
        results = [f"y{i}" for i in range(self.outputs)]
        read = names[: len(names) - self.captured]
        node = helper.make_node(
            self.op, read, results, name=f"the_{self.op}", domain=self.domain, **self.attributes
        )
        graph_inputs = [
            helper.make_tensor_value_info(
                name,
                helper.np_dtype_to_tensor_dtype(x.dtype),
                [f"{name}_{axis}" for axis in range(x.ndim)] if dynamic else x.shape,
            )
            for name, x in self.feeds.items()
        ]
        weights = [
            numpy_helper.from_array(_single(x.array), name)
            for name, x in zip(names, self.inputs, strict=True)
            if isinstance(x, Fixed)
        ]
        graph = helper.make_graph([node], self.op, graph_inputs, [], weights)
        imports = [helper.make_opsetid("", opset or self.opset)]
        if self.domain:
            imports.append(helper.make_opsetid(self.domain, self.version))
        model = helper.make_model(graph, opset_imports=imports, ir_version=10)
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
        types = {info.name: info for info in inferred.graph.value_info}
        # (inference knows nothing of GroupNormalization: its result is like its input)
        unknown = helper.make_tensor_value_info(results[0], TensorProto.FLOAT, None)
        like = unknown if self.domain else graph_inputs[0]
        if self.op == "Attention":
            # (and it takes the hidden size of grouped heads, and the number of keys, for 0)
            types = {} if dynamic else self._seen(model, results)
            like = unknown
        model.graph.output.extend(types.get(name) or _renamed(like, name) for name in results)
        return model

    def _seen(self, model: onnx.ModelProto, names: Sequence[str]) -> dict[str, onnx.ValueInfoProto]:
        """The outputs as a run shows them."""
        values = ReferenceEvaluator(model).run(list(names), self.feeds)
        return {
            name: helper.make_tensor_value_info(name, TensorProto.FLOAT, np.shape(value))
            for name, value in zip(names, values, strict=True)
        }


def float_outputs(model: onnx.ModelProto) -> list[str]:
    floating = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16)
    return [info.name for info in model.graph.output if info.type.tensor_type.elem_type in floating]


def _renamed(info: onnx.ValueInfoProto, name: str) -> onnx.ValueInfoProto:
    copy = onnx.ValueInfoProto()
    copy.CopyFrom(info)
    copy.name = name
    return copy


def _described(x: Array | Fixed | None) -> str:
    """Shapes of what varies, values of indices and axes; `=` marks what is fixed."""
    if x is None:
        return "-"
    array = _array(x)
    shape = "x".join(map(str, array.shape)) or "scalar"
    return ("=" if isinstance(x, Fixed) else "") + (
        shape if array.dtype.kind == "f" and array.ndim else str(array.tolist())
    )


def _array(x: Array | Fixed) -> Array:
    return x.array if isinstance(x, Fixed) else x


def _single(x: Array) -> Array:
    return x.astype(np.float32) if x.dtype.kind == "f" else x


# --- samplers: float64 values that float32 represents exactly, so both precisions see one point ---------


def _exact(x: Array) -> Array:
    return x.astype(np.float32).astype(np.float64)


def _generator(shape: Sequence[int]) -> np.random.Generator:
    return np.random.default_rng([7, *shape])


def normal(*shape: int) -> Array:
    """Standard normal numbers."""
    return _exact(_generator(shape).normal(size=shape))


def other(*shape: int) -> Array:
    """Normal numbers unlike those of `normal` of the same shape."""
    return _exact(np.random.default_rng([8, *shape]).normal(size=shape))


def uniform(low: float, high: float, *shape: int) -> Array:
    return _exact(_generator(shape).uniform(low, high, size=shape))


def away_from(kinks: Sequence[float], *shape: int, margin: float = 0.05) -> Array:
    """Normal numbers, spread out, of which none lies within `margin` of a kink."""
    x = _generator(shape).normal(size=shape) * 2
    for kink in sorted(kinks):
        close = np.abs(x - kink) < margin
        x = np.where(close, kink + np.where(x < kink, -margin, margin), x)
    return _exact(x)


def distinct(*shape: int) -> Array:
    """Numbers of which no two lie within 0.05 of each other: maxima without ties."""
    count = int(np.prod(shape))
    return _exact((_generator(shape).permutation(count).reshape(shape) - count / 2) * 0.05)


def ints(*values: int) -> Fixed:
    """A constant int64 vector."""
    return Fixed(np.array(values, dtype=np.int64))


def integers(array: Any) -> Array:
    """An int64 tensor that only a run knows."""
    return np.array(array, dtype=np.int64)
