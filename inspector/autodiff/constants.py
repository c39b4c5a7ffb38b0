"""Constants where inference finds them: it looks no further than the body of a loop or a branch."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from inspector.autodiff.tape import Tape
from inspector.model.scopes import bodies

__all__ = ["write_constants"]

_LARGEST = 4096
"""Elements of a constant that shapes may be computed from."""


def write_constants(tape: Tape, graph: ir.Graph) -> None:
    """Write the small integer constants (axes, sizes, positions) that bodies take from outside into these bodies."""
    for node in graph:
        for body in bodies(node):
            _into(tape, body)
            write_constants(tape, body)


def _into(tape: Tape, body: ir.Graph) -> None:
    inner = tape.inner()
    written: dict[ir.Value, ir.Value] = {}
    for node in body:
        for index, value in enumerate(node.inputs):
            if value is None or value.graph is body or value.graph is None:
                continue
            if value not in written:
                array = tape.known(value)
                if array is None or array.dtype.kind not in "iu" or array.size > _LARGEST:
                    continue
                written[value] = _constant(inner, array)
            node.replace_input_with(index, written[value])
    if inner.nodes:
        body.insert_before(body[0], inner.nodes)


def _constant(tape: Tape, array: np.ndarray) -> ir.Value:
    value = tape.Constant(value=ir.tensor(array))
    value.type, value.shape = ir.TensorType(ir.DataType.from_numpy(array.dtype)), ir.Shape(array.shape)
    return value
