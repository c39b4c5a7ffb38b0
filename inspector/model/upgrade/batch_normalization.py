"""BatchNormalization of opset 7, which could have statistics of their own at every place."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from inspector.model.upgrade.writer import Writer

__all__ = ["per_element"]


def per_element(node: ir.Node, writer: Writer) -> None:
    """`spatial = 0`: Y = scale (X - mean) / sqrt(variance + epsilon) + bias, all four of the shape of one sample."""
    spatial = node.attributes.pop("spatial", None)
    if spatial is None or spatial.as_int() == 1:
        return
    x, scale, bias, mean, variance = node.inputs
    dtype = ir.DataType.FLOAT if x is None or x.dtype is None else x.dtype
    epsilon = writer.constant(node, np.float32(node.attributes.get_float("epsilon", 1e-5)), dtype)
    centred = writer.op(node, "Sub", [x, mean])
    deviation = writer.op(node, "Sqrt", [writer.op(node, "Add", [variance, epsilon])])
    scaled = writer.op(node, "Mul", [writer.op(node, "Div", [centred, deviation]), scale])
    node.op_type = "Add"
    node.attributes.clear()
    node.resize_inputs(2)
    node.replace_input_with(0, scaled)
    node.replace_input_with(1, bias)
    node.resize_outputs(1)
