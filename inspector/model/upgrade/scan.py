"""Scan of opset 8, which had a batch axis of its own."""

from __future__ import annotations

import onnx_ir as ir

from inspector.errors import ModelError
from inspector.model.upgrade.writer import Writer

__all__ = ["batched_scan"]


def batched_scan(node: ir.Node, writer: Writer) -> None:
    """A Scan over the batch whose body is the Scan over the sequence: states and sequences lose their first axis to it.

    Raises:
        ModelError: the sequences have lengths of their own.
    """
    lengths, *given = node.inputs
    if lengths is not None:
        raise ModelError(
            f"the Scan '{node.name}' of opset 8 takes the lengths of its sequences, which newer opsets cannot say: "
            "export the model again at opset 9 or newer; activations work as it is"
        )
    body = node.attributes.pop("body").as_graph()
    scanned = node.attributes["num_scan_inputs"].as_int()
    directions = node.attributes.pop("directions", None)
    attributes: list[ir.Attr] = [
        ir.AttrGraph("body", body),
        ir.AttrInt64("num_scan_inputs", scanned),
    ]
    if directions is not None:
        attributes.append(ir.AttrInt64s("scan_input_directions", directions.as_ints()))
    name = node.name or "scan"
    one = [
        ir.Value(name=f"{name}/sample/{place}", type=None if value is None else value.type)
        for place, value in enumerate(given)
    ]
    inner = ir.Node("", "Scan", one, attributes, num_outputs=len(node.outputs), name=f"{name}/sequence")
    for place, output in enumerate(inner.outputs):
        output.name, output.type = f"{name}/result/{place}", node.outputs[place].type
    sample = ir.Graph(one, inner.outputs, nodes=[inner], name=f"{name}/batch")
    node.attributes.clear()
    node.attributes["body"] = ir.AttrGraph("body", sample)
    node.attributes["num_scan_inputs"] = ir.AttrInt64("num_scan_inputs", len(given))
    for place, value in enumerate(given):
        node.replace_input_with(place, value)
    node.resize_inputs(len(given))
