"""Which opsets and file versions the installed runtime loads, and conversion between them."""

from __future__ import annotations

from functools import cache

import onnx
from onnx import TensorProto, helper

from export.errors import ExportError, first_line

__all__ = ["DEFAULT_OPSET", "OLDEST_OPSET", "convert", "ir_version_for", "newest_opset", "require_opset"]

DEFAULT_OPSET = 18
OLDEST_OPSET = 17


@cache
def newest_opset() -> int:
    """The newest opset that the installed onnxruntime loads (the onnx package may write newer ones)."""
    for opset in range(onnx.defs.onnx_opset_version(), OLDEST_OPSET, -1):
        if _loads(opset):
            return opset
    return OLDEST_OPSET


def _loads(opset: int) -> bool:
    import onnxruntime as ort

    def info(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])

    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "probe", [info("x")], [info("y")])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version_for(opset)
    )
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception:  # the runtime's own exceptions share no base: whatever it raises, it does not load this
        return False
    return True


def ir_version_for(opset: int) -> int:
    """The oldest file version that may hold this opset: what loads it at all loads this."""
    return int(helper.find_min_ir_version_for([helper.make_opsetid("", opset)]))


def require_opset(opset: int) -> None:
    """Raises ExportError unless the opset is one that can be written and loaded here."""
    if isinstance(opset, bool) or not isinstance(opset, int):
        raise ExportError(f"opset must be a whole number, not {opset!r}")
    if not OLDEST_OPSET <= opset <= newest_opset():
        raise ExportError(
            f"opset {opset} is out of range: the installed onnxruntime loads {OLDEST_OPSET} to {newest_opset()} here"
        )


def convert(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The model in another opset, by `onnx.version_converter`; whether it is still right is verified later."""
    present = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if present == opset:
        return model
    from onnx import version_converter

    try:
        return version_converter.convert_version(model, opset)
    except Exception as error:  # its C++ exceptions have no common base
        raise ExportError(
            f"the graph could not be converted from opset {present} to {opset}: {first_line(error)}. "
            f"Export with opset={present}"
        ) from error
