"""One row of the table of operators on integers: a small model with a float input and a float output around each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx import TensorProto, helper, numpy_helper

from inspector.autodiff.lowering import lower
from tests.inspector.autodiff.case import Array, Case

__all__ = ["QuantisedCase", "byte", "scalar"]


@dataclass(frozen=True)
class QuantisedCase(Case):
    """`model()` is the lowered form, which the checker of rules takes; `file()` what onnxruntime runs.

    `body` makes, of the inputs x0, x1, ... and of the tensors `kept`, a tensor `y`; it is text of the ONNX language.
    `op` only names the case.
    """

    body: str = ""
    kept: Mapping[str, Array] = field(default_factory=dict)
    quantum: float = 0.0
    """How far rounding may move a result."""
    cpu: bool = True
    """Whether onnxruntime has a kernel of the operator for the CPU."""

    @property
    def name(self) -> str:
        return f"{self.op}{self.note}"

    def file(self, *, dynamic: bool = False) -> onnx.ModelProto:
        imports = f'<ir_version: 10, opset_import: ["" : {self.opset}, "com.microsoft" : 1]>'
        graph = onnx.parser.parse_model(f"{imports} g () => () {{ {self.body} }}")
        for name, x in self.feeds.items():
            dims: Sequence[Any] = [f"{name}_{axis}" for axis in range(x.ndim)] if dynamic else x.shape
            kind = helper.np_dtype_to_tensor_dtype(x.dtype)
            graph.graph.input.append(helper.make_tensor_value_info(name, kind, dims))
        graph.graph.output.append(
            helper.make_value_info("y", helper.make_tensor_type_proto(TensorProto.FLOAT, None))
        )
        graph.graph.initializer.extend(
            numpy_helper.from_array(np.asarray(array), name) for name, array in self.kept.items()
        )
        return graph

    def model(self, *, dynamic: bool = False, opset: int | None = None) -> onnx.ModelProto:
        return ir.to_proto(lower(ir.from_proto(self.file(dynamic=dynamic))).model)


def scalar(number: float) -> Array:
    return np.array(number, dtype=np.float32)


def byte(number: int) -> Array:
    return np.array(number, dtype=np.uint8)
