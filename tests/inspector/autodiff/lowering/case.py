"""One row of the table of fused operators: a node as a file has it, and what is made of it."""

from __future__ import annotations

from dataclasses import dataclass

import onnx
import onnx_ir as ir
from onnx import TensorProto, helper, numpy_helper

from inspector.autodiff.lowering import lower
from tests.inspector.autodiff.case import Case, Fixed

__all__ = ["FusedCase", "domain_of"]


def domain_of(op_type: str) -> str:
    return "" if op_type == "SimplifiedLayerNormalization" else "com.microsoft"


@dataclass(frozen=True)
class FusedCase(Case):
    """`model()` is the lowered form, which the checker of rules takes; `file()` the operator itself.

    `kinds` has a letter per output: f(loat), i(nteger, int32), - (left out).
    """

    kinds: str = "f"
    cpu: bool = True
    """Whether onnxruntime has a kernel of the operator for the CPU."""

    def file(self, *, dynamic: bool = False) -> onnx.ModelProto:
        names = ["" if x is None else f"x{i}" for i, x in enumerate(self.inputs)]
        results = ["" if kind == "-" else f"y{i}" for i, kind in enumerate(self.kinds)]
        domain = domain_of(self.op)
        node = helper.make_node(
            self.op, names, results, name=f"the_{self.op}", domain=domain, **self.attributes
        )
        graph_inputs = [
            helper.make_tensor_value_info(
                name,
                helper.np_dtype_to_tensor_dtype(x.dtype),
                [f"{name}_{axis}" for axis in range(x.ndim)] if dynamic else x.shape,
            )
            for name, x in self.feeds.items()
        ]
        types = {"f": TensorProto.FLOAT, "i": TensorProto.INT32}
        graph = helper.make_graph(
            [node],
            self.op,
            graph_inputs,
            [
                helper.make_value_info(name, helper.make_tensor_type_proto(types[kind], None))
                for name, kind in zip(results, self.kinds, strict=True)
                if name
            ],
            [
                numpy_helper.from_array(
                    x.array.astype("float32") if x.array.dtype.kind == "f" else x.array, name
                )
                for name, x in zip(names, self.inputs, strict=True)
                if isinstance(x, Fixed)
            ],
        )
        imports = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=imports, ir_version=10)

    def model(self, *, dynamic: bool = False, opset: int | None = None) -> onnx.ModelProto:
        return ir.to_proto(lower(ir.from_proto(self.file(dynamic=dynamic))).model)
