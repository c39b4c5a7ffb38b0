"""What the runtime makes of a gradient graph, counted: nodes, convolutions, changes of layout, bytes between nodes.

Of any model: python -m tests.inspector.autodiff.counted MODEL.onnx [TENSOR]
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from inspector.autodiff import vjp

from .case import Array

__all__ = ["Counts", "count", "gradient_counts"]

_PRODUCTS = ("Conv", "FusedConv", "ConvTranspose", "MatMul", "FusedMatMul", "Gemm", "FusedGemm")
_LAYOUT = ("ReorderInput", "ReorderOutput", "Transpose")


@dataclass(frozen=True)
class Counts:
    """Of one session and one run.

    Attributes:
        nodes: of the optimised graph.
        products: convolutions and matrix products among them.
        layout: transposes, and copies into and out of the convolutions' layout.
        kilobytes: that nodes hand to one another, or out.
    """

    nodes: int
    products: int
    layout: int
    kilobytes: int

    def beyond(self, others: Counts) -> dict[str, tuple[int, int]]:
        """What is larger than in `others`: here, there."""
        return {
            name: (number, asdict(others)[name])
            for name, number in asdict(self).items()
            if number > asdict(others)[name]
        }


def count(message: bytes, feeds: dict[str, Array]) -> Counts:
    """Compile and run a model once on the CPU."""
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        options.optimized_model_filepath = f"{folder}/optimised.onnx"
        options.enable_profiling, options.profile_file_prefix = True, f"{folder}/profile"
        session = onnxruntime.InferenceSession(message, options, providers=["CPUExecutionProvider"])
        session.run(None, feeds)
        events = json.loads(Path(session.end_profiling()).read_text())
        kinds = Counter(node.op_type for node in onnx.load(f"{folder}/optimised.onnx").graph.node)
    handed = sum(
        int(event["args"]["output_size"])
        for event in events
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")
    )
    return Counts(
        nodes=kinds.total(),
        products=sum(kinds[kind] for kind in _PRODUCTS),
        layout=sum(kinds[kind] for kind in _LAYOUT),
        kilobytes=round(handed / 1000),
    )


def gradient_counts(model: onnx.ModelProto, wrt: str | None = None, batch: int = 1) -> Counts:
    """Of the vector-Jacobian product of a model with one input, from its first output to `wrt` (None: the input)."""
    (image,), output = model.graph.input, model.graph.output[0].name
    size = [dim.dim_value or batch for dim in image.type.tensor_type.shape.dim]
    x = np.random.default_rng(0).standard_normal(size).astype(np.float32)
    y = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(
        [output], {image.name: x}
    )[0]
    graph = vjp(model, [output], [wrt or image.name])
    del graph.graph.output[:-1]
    return count(graph.SerializeToString(), {image.name: x, f"cotangent.{output}": np.ones_like(y)})


if __name__ == "__main__":
    print(json.dumps(asdict(gradient_counts(onnx.load(sys.argv[1]), sys.argv[2] if sys.argv[2:] else None))))
