"""`SequenceMap` by a `Loop`, as the standard defines it (ONNX operator specification, SequenceMap-17)."""

from __future__ import annotations

import onnx_ir as ir

from inspector.autodiff.sequences import is_sequence
from inspector.autodiff.tape import Tape, Values

__all__ = ["sequence_map"]


def sequence_map(tape: Tape, node: ir.Node) -> Values:
    """One iteration for each element of the first sequence; tensors among the inputs are the same in all of them."""
    mapped = node.attributes["body"].as_graph()
    inner = tape.inner()
    index = ir.Value(name=tape.name("index"), shape=ir.Shape([]), type=ir.TensorType(ir.DataType.INT64))
    go = ir.Value(name=tape.name("go"), shape=ir.Shape([]), type=ir.TensorType(ir.DataType.BOOL))
    for given, inside in zip(node.inputs, list(mapped.inputs), strict=True):
        read = inner.SequenceAt(given, index) if is_sequence(given) else given
        assert read is not None
        if is_sequence(given):
            read.shape = inside.shape
        ir.convenience.replace_all_uses_with(inside, read, replace_graph_outputs=True)
    results, weights, nodes = list(mapped.outputs), list(mapped.initializers.values()), list(mapped)
    # what the body held is the loop's now
    mapped.outputs.clear()
    mapped.initializers.clear()
    mapped.remove(nodes)
    for weight in weights:
        weight.name = tape.name("constant")
    inner.nodes += nodes
    empty = [tape.SequenceEmpty(dtype=(result.dtype or ir.DataType.FLOAT).value) for result in results]
    so_far = [tape.like(each, "so_far") for each in empty]
    grown = [inner.SequenceInsert(each, result) for each, result in zip(so_far, results, strict=True)]
    body = inner.body([index, go, *so_far], [inner.Identity(go), *grown])
    times = tape.SequenceLength(node.inputs[0])
    return list(tape.op("Loop", times, None, *empty, body=body, outputs=len(results)))
