"""Upsample and the first Resize, which sampled asymmetrically: x_original = x_resized / scale."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from inspector.model.upgrade.writer import Writer

__all__ = ["resize_10", "resize_11", "upsample_7", "upsample_9"]


def upsample_7(node: ir.Node, writer: Writer) -> None:
    """The scales become an input."""
    scales = np.array(node.attributes.pop("scales").as_floats(), dtype=np.float32)
    node.resize_inputs(2)
    node.replace_input_with(1, writer.constant(node, scales, ir.DataType.FLOAT))


def upsample_9(node: ir.Node, writer: Writer) -> None:
    """Another name for Resize-10."""
    node.op_type = "Resize"


def resize_10(node: ir.Node, writer: Writer) -> None:
    """Say what was meant; `nearest` rounded down where an axis grows, up where it shrinks (in onnxruntime)."""
    x, scales = node.inputs
    known = None if scales is None else ir.convenience.get_const_tensor(scales)
    rounding = "floor"
    if node.attributes.get_string("mode", "nearest") == "nearest" and known is not None:
        numbers = known.numpy()
        shrinks = numbers < 1
        if shrinks.any() and (numbers > 1).any():
            grown = writer.constant(node, np.where(shrinks, 1, numbers), ir.DataType.FLOAT)
            x = writer.op(node, "Resize", [x, None, grown], _how("nearest", "floor"))
            scales = writer.constant(node, np.where(shrinks, numbers, 1), ir.DataType.FLOAT)
        rounding = "ceil" if shrinks.any() else "floor"
    mode = node.attributes.get_string("mode", "nearest")
    node.attributes.clear()
    for name, value in _how(mode, rounding).items():
        node.attributes[name] = ir.AttrString(name, value)
    node.resize_inputs(3)
    for place, operand in enumerate((x, None, scales)):
        node.replace_input_with(place, operand)


def resize_11(node: ir.Node, writer: Writer) -> None:
    """What opset 11 wanted given though it has no element may be left out since."""
    for place in (1, 2):
        given = node.inputs[place] if place < len(node.inputs) else None
        known = None if given is None else ir.convenience.get_const_tensor(given)
        if known is not None and known.size == 0:
            node.replace_input_with(place, None)


def _how(mode: str, rounding: str) -> dict[str, str]:
    return {"mode": mode, "coordinate_transformation_mode": "asymmetric", "nearest_mode": rounding}
