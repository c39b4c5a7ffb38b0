"""Types and shapes as onnxruntime knows them, of operators that `onnx` knows nothing of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.model.inference import set_type, skeleton

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

__all__ = ["ask_runtime"]


def ask_runtime(model: ir.Model) -> None:
    """Set, in place, the types and shapes that are unknown and that onnxruntime can tell.

    It has inference for the operators that its optimisers write (com.microsoft and the like). Nothing is run; what it
    does not load stays as it was.
    """
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    message = skeleton(model, outputs=True).SerializeToString()
    try:
        session = onnxruntime.InferenceSession(message, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # its exceptions share no base class but live in one module; what it cannot load it cannot tell of
        if not type(error).__module__.startswith("onnxruntime"):
            raise
        return
    found = {output.name: output for output in session.get_outputs()}
    for node in model.graph:
        for value in node.outputs:
            if value.name in found and (value.type is None or value.shape is None):
                proto = _type(found[value.name].type, found[value.name].shape)
                if proto is not None:
                    set_type(value, proto)


def _type(text: str, shape: list[int | str | None]) -> onnx.TypeProto | None:
    """From onnxruntime's words: `tensor(float16)`. Of an unknown number of axes it says what it says of none: `[]`."""
    import onnx

    names = {"float": "FLOAT", "double": "DOUBLE"}
    if not text.startswith("tensor(") or not text.endswith(")"):
        return None
    word = text[len("tensor(") : -1]
    kind = onnx.TensorProto.DataType.Value(names.get(word, word.upper()))
    return onnx.helper.make_tensor_type_proto(kind, shape or None)
