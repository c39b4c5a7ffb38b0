"""Attribute combinations of the operators that the double-precision evaluator computes itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, helper
from onnx.helper import np_dtype_to_tensor_dtype

Array = NDArray[Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One node: random inputs of these shapes (or these arrays, or left out), at this opset."""

    op_type: str
    inputs: tuple[Shape | Array | None, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    opset: int = 18
    outputs: int = 1

    def __str__(self) -> str:
        shapes = "_".join(
            "x".join(map(str, i if isinstance(i, tuple) else i.shape)) for i in self.inputs if i is not None
        )
        return "-".join(
            [self.op_type, str(self.opset), shapes, *(f"{k}={v}" for k, v in self.attributes.items())]
        )

    def feeds(self) -> dict[str, Array]:
        random = np.random.default_rng(0)
        return {
            f"x{i}": random.standard_normal(value).astype(np.float32) if isinstance(value, tuple) else value
            for i, value in enumerate(self.inputs)
            if value is not None
        }

    def model(self) -> ModelProto:
        feeds = self.feeds()
        outputs = [f"y{i}" for i in range(self.outputs)]
        names = ["" if value is None else f"x{i}" for i, value in enumerate(self.inputs)]
        node = helper.make_node(self.op_type, names, outputs, **self.attributes)
        types = [
            helper.make_tensor_value_info(n, np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in feeds.items()
        ]
        results = [helper.make_value_info(name, helper.make_tensor_type_proto(1, None)) for name in outputs]
        if self.op_type == "MaxPool" and self.outputs == 2:
            results[1] = helper.make_value_info("y1", helper.make_tensor_type_proto(7, None))
        graph = helper.make_graph([node], "case", types, results)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)


def positive(*shape: int) -> Array:
    return np.random.default_rng(1).uniform(0.5, 2, shape).astype(np.float32)


def integers(*values: Any) -> Array:
    return np.array(values, dtype=np.int64)


IMAGE = (2, 4, 7, 6)

CONVOLUTIONS = [
    Case("MatMul", ((2, 3), (3, 4))),
    Case("MatMul", ((3,), (2, 3, 4))),
    Case("MatMul", ((5, 2, 3), (3,))),
    Case("MatMul", ((2, 1, 4, 3), (5, 3, 2))),
    Case("Gemm", ((2, 3), (3, 4), (4,))),
    Case("Gemm", ((3, 2), (4, 3)), {"transA": 1, "transB": 1, "alpha": 0.5}),
    Case("Gemm", ((2, 3), (4, 3), (2, 1)), {"transB": 1, "beta": 2.0}, opset=9),
    Case("Conv", (IMAGE, (6, 4, 3, 2))),
    Case("Conv", (IMAGE, (6, 4, 3, 3), (6,)), {"strides": [2, 1], "pads": [1, 0, 2, 1]}),
    Case("Conv", (IMAGE, (6, 2, 3, 3), (6,)), {"group": 2, "dilations": [2, 1]}),
    Case("Conv", (IMAGE, (8, 1, 3, 3)), {"group": 4, "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    Case("Conv", (IMAGE, (5, 4, 2, 2)), {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    Case("Conv", (IMAGE, (5, 4, 2, 2)), {"auto_pad": "VALID"}, opset=7),
    Case("Conv", ((2, 3, 9), (4, 3, 3)), {"strides": [2], "pads": [1, 1]}),
    Case("Conv", ((1, 2, 5, 4, 6), (3, 2, 2, 3, 2)), {"strides": [1, 2, 1], "pads": [0, 1, 1, 1, 0, 1]}),
    Case("ConvTranspose", (IMAGE, (4, 3, 3, 2))),
    Case("ConvTranspose", (IMAGE, (4, 3, 3, 3), (3,)), {"strides": [2, 3], "pads": [1, 0, 0, 1]}),
    Case(
        "ConvTranspose",
        (IMAGE, (4, 2, 3, 3), (4,)),
        {"group": 2, "strides": [2, 2], "output_padding": [1, 0]},
    ),
    Case("ConvTranspose", (IMAGE, (4, 3, 3, 3)), {"dilations": [2, 1], "pads": [1, 1, 1, 1]}),
    Case("ConvTranspose", (IMAGE, (4, 3, 4, 4)), {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    Case("ConvTranspose", (IMAGE, (4, 3, 3, 3)), {"strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    Case("ConvTranspose", (IMAGE, (4, 3, 3, 3)), {"strides": [2, 2], "output_shape": [14, 13]}),
    Case("ConvTranspose", ((2, 3, 5), (3, 2, 4)), {"strides": [2]}, opset=7),
    Case("ConvTranspose", ((1, 2, 3, 4, 3), (2, 2, 2, 2, 3)), {"strides": [2, 1, 1]}),
]

POOLS = [
    Case("MaxPool", (IMAGE,), {"kernel_shape": [2, 2], "strides": [2, 2]}),
    Case("MaxPool", (IMAGE,), {"kernel_shape": [2, 2], "strides": [2, 2]}, outputs=2),
    Case("MaxPool", (IMAGE,), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, outputs=2),
    Case("MaxPool", (IMAGE,), {"kernel_shape": [3, 2], "dilations": [2, 1]}, outputs=2),
    Case("MaxPool", (IMAGE,), {"kernel_shape": [3, 2], "strides": [2, 1], "storage_order": 1}, outputs=2),
    Case("MaxPool", (IMAGE,), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, outputs=2),
    Case(
        "MaxPool", (IMAGE,), {"kernel_shape": [2, 2], "strides": [3, 3], "ceil_mode": 1, "pads": [0, 0, 1, 1]}
    ),
    Case(
        "MaxPool", (IMAGE,), {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"}, outputs=2
    ),
    Case("MaxPool", (IMAGE,), {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "VALID"}, opset=8),
    Case("MaxPool", ((2, 3, 9),), {"kernel_shape": [3], "strides": [2]}, opset=7),
    Case("MaxPool", ((1, 2, 5, 4, 6),), {"kernel_shape": [2, 2, 2], "strides": [2, 2, 2]}, outputs=2),
    Case("AveragePool", (IMAGE,), {"kernel_shape": [2, 2], "strides": [2, 2]}),
    Case("AveragePool", (IMAGE,), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    Case("AveragePool", (IMAGE,), {"kernel_shape": [3, 3], "pads": [1, 0, 1, 2], "count_include_pad": 1}),
    Case("AveragePool", (IMAGE,), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    Case(
        "AveragePool",
        (IMAGE,),
        {
            "kernel_shape": [3, 3],
            "strides": [2, 2],
            "ceil_mode": 1,
            "pads": [1, 1, 1, 1],
            "count_include_pad": 1,
        },
        opset=19,
    ),
    Case("AveragePool", (IMAGE,), {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER"}, opset=7),
    Case("AveragePool", (IMAGE,), {"kernel_shape": [2, 3], "dilations": [2, 1]}, opset=19),
    Case("AveragePool", ((2, 3, 9),), {"kernel_shape": [4], "strides": [2]}),
    Case("LpPool", (IMAGE,), {"kernel_shape": [3, 3], "strides": [2, 1], "pads": [1, 1, 1, 1]}),
    Case("LpPool", (IMAGE,), {"kernel_shape": [2, 3], "p": 3}),
    Case("GlobalLpPool", (IMAGE,)),
    Case("GlobalLpPool", (IMAGE,), {"p": 1}),
    Case("GlobalAveragePool", (IMAGE,)),
    Case("GlobalMaxPool", (IMAGE,)),
]

STATISTICS = ((4,), (4,), (4,), positive(4))

NORMALISATIONS = [
    *(
        Case("BatchNormalization", (IMAGE, *STATISTICS), {"epsilon": 0.01}, opset=opset)
        for opset in (7, 9, 14, 15)
    ),
    Case("BatchNormalization", ((3, 4), *STATISTICS)),
    Case("InstanceNormalization", (IMAGE, (4,), (4,))),
    Case("LayerNormalization", ((2, 5, 6), (6,), (6,)), {"epsilon": 1e-3}),
    Case("LayerNormalization", ((2, 5, 6), (5, 6)), {"axis": 1}),
    Case("LRN", (IMAGE,), {"size": 3, "alpha": 0.1}),
    Case("LRN", ((2, 9, 3, 3),), {"size": 5, "bias": 2.0, "beta": 0.5}),
    Case("LpNormalization", ((3, 5),), {"p": 1}),
    Case("LpNormalization", ((3, 5),), {"axis": 0}),
    Case("MeanVarianceNormalization", (IMAGE,)),
    Case("MeanVarianceNormalization", (IMAGE,), {"axes": [0, 1, 2, 3]}),
    Case("GroupNormalization", (IMAGE, (2,), (2,)), {"num_groups": 2}),
    Case("GroupNormalization", (IMAGE, (4,), (4,)), {"num_groups": 2}, opset=21),
    Case("RMSNormalization", ((2, 5, 6), (6,)), opset=23),
]

ELEMENTWISE = [
    Case("Erf", ((4, 5),), opset=9),
    Case("Identity", ((4, 5),)),
    Case("Gelu", ((4, 5),), opset=20),
    Case("Gelu", ((4, 5),), {"approximate": "tanh"}, opset=20),
    *(Case(op, ((2, 3, 4),), opset=7) for op in ("Softmax", "LogSoftmax", "Hardmax")),
    *(Case(op, ((2, 3, 4),), {"axis": 2}, opset=11) for op in ("Softmax", "LogSoftmax", "Hardmax")),
    *(Case(op, ((2, 3, 4),), opset=13) for op in ("Softmax", "LogSoftmax", "Hardmax")),
    *(Case(op, ((2, 3, 4),), {"axis": 0}) for op in ("Softmax", "LogSoftmax", "Hardmax")),
]

ROWS = integers([1, 0, 2, 1], [0, 2, 1, 1], [2, 2, 0, 0])

INDEXING = [
    *(
        Case("ScatterElements", ((5, 4), ROWS, (3, 4)), {"axis": 0, "reduction": reduction})
        for reduction in ("add", "mul", "max", "min")
    ),
    Case("ScatterElements", ((5, 4), integers([1, 0, -1]), (1, 3)), {"axis": 1}, opset=11),
    Case("ScatterND", ((5, 4), integers([1, 2], [0, 0], [1, 2]), (3,)), {"reduction": "add"}),
    Case("ScatterND", ((5, 4), integers([1], [3]), (2, 4))),
    Case("GlobalMaxPool", ((2, 3, 5),)),
    Case("GlobalMaxPool", ((2, 3, 2, 3, 4),)),
    Case("Pad", ((3, 4), integers(1, -1, 0, 2))),
    Case("Pad", ((3, 4), integers(0, 1, 1, 2)), {"mode": "reflect"}),
    Case("Pad", ((3, 4), integers(0, 1, 1, 2)), {"mode": "edge"}),
    Case("Pad", ((3, 4),), {"pads": [0, 1, 2, 0], "value": 1.5}, opset=2),
    Case("Upsample", ((1, 2, 3, 4),), {"scales": [1.0, 1.0, 2.0, 3.0]}, opset=7),
    *(
        Case("Upsample", ((1, 2, 3, 4), np.array([1, 1, 2, 2.5], np.float32)), {"mode": mode}, opset=9)
        for mode in ("nearest", "linear")
    ),
    Case("GatherElements", ((2, 96), integers([0, 95, 40], [7, -1, 64])), {"axis": 1}),
    Case("GatherElements", ((5, 4), integers([1, 0, -1])), {"axis": 0}),
    Case("GatherND", ((3, 4, 5), integers([0, 1], [2, -1]))),
    Case("GatherND", ((3, 4, 5), integers([[1]], [[0]], [[3]])), {"batch_dims": 1}),
]

BYTES = np.arange(-60, 60, dtype=np.int8).reshape(2, 3, 4, 5)
QUANTISATION = [
    Case("DequantizeLinear", (BYTES, positive()), opset=10),
    Case("DequantizeLinear", (BYTES.astype(np.int32), positive(1)), opset=13),
    *(
        Case(
            "DequantizeLinear",
            (BYTES, positive(size), np.arange(size).astype(np.int8)),
            {"axis": axis},
            opset=opset,
        )
        for axis, size, opset in ((0, 2, 13), (1, 3, 18), (-1, 5, 19))
    ),
    Case(
        "DequantizeLinear",
        (BYTES, positive(2, 3, 2, 5), np.zeros((2, 3, 2, 5), np.int8)),
        {"axis": 2, "block_size": 2},
        opset=21,
    ),
]

ALL = [*QUANTISATION, *CONVOLUTIONS, *POOLS, *NORMALISATIONS, *ELEMENTWISE, *INDEXING]
