"""What has changed in the operators of ONNX from opset 7 on, where an old node does not mean the same as it stands.

Each adapter changes its node in place; what has to come before it is written in front of it. So the node keeps its
name, and its results theirs. The changes are those of the standard's changelog (Changelog.md of the onnx repository).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import onnx_ir as ir

from inspector.model.upgrade.batch_normalization import per_element
from inspector.model.upgrade.resizing import resize_10, resize_11, upsample_7, upsample_9
from inspector.model.upgrade.scan import batched_scan
from inspector.model.upgrade.writer import Writer

__all__ = ["ADAPTERS", "Step"]

Adapter: TypeAlias = Callable[[ir.Node, Writer], None]
Step: TypeAlias = tuple[int, Adapter]
"""The opset that brought the change, and what does it."""


def as_inputs(*names: str) -> Adapter:
    """Attributes (lists of integers, or one) that became the inputs after the first."""

    def adapt(node: ir.Node, writer: Writer) -> None:
        for place, name in enumerate(names, 1):
            given = node.attributes.pop(name, None)
            if given is not None:
                value = [given.as_int()] if given.type == ir.AttributeType.INT else list(given.as_ints())
                set_input(node, place, writer.constant(node, value))

    return adapt


def set_input(node: ir.Node, place: int, value: ir.Value) -> None:
    """Give `node` an input that it may not have had."""
    if place >= len(node.inputs):
        node.resize_inputs(place + 1)
    node.replace_input_with(place, value)


def number(node: ir.Node, writer: Writer, name: str, place: int) -> None:
    """A float attribute that became an input of the first one's type."""
    given = node.attributes.pop(name, None)
    if given is not None:
        first = node.inputs[0]
        dtype = ir.DataType.FLOAT if first is None or first.dtype is None else first.dtype
        set_input(node, place, writer.constant(node, given.as_float(), dtype))


def clip(node: ir.Node, writer: Writer) -> None:
    number(node, writer, "min", 1)
    number(node, writer, "max", 2)


def pad(node: ir.Node, writer: Writer) -> None:
    as_inputs("pads")(node, writer)
    number(node, writer, "value", 2)


def dropout(node: ir.Node, writer: Writer) -> None:
    """Nothing is dropped when a model is run: the mask, where it is read, is onnxruntime's, of zeros."""
    if len(node.outputs) > 1:
        mask = node.outputs[1]
        if mask.uses() or mask.is_graph_output():
            dtype = ir.DataType.BOOL if mask.dtype is None else mask.dtype
            shape = writer.op(node, "Shape", [node.inputs[0]])
            fill = ir.tensor([0], dtype=dtype)
            zeros = writer.op(node, "ConstantOfShape", [shape], {"value": fill})
            name, zeros.type, zeros.shape = mask.name, mask.type, mask.shape
            ir.convenience.replace_all_uses_with(mask, zeros, replace_graph_outputs=True)
            mask.name, zeros.name = None, name
        node.resize_outputs(1)
    node.op_type = "Identity"
    node.attributes.clear()


def equal_parts(node: ir.Node, writer: Writer) -> None:
    if len(node.inputs) < 2 or node.inputs[1] is None:
        node.attributes["num_outputs"] = ir.AttrInt64("num_outputs", len(node.outputs))


def last_axis(node: ir.Node, writer: Writer) -> None:
    """Before opset 13 the tensor was taken as a matrix, its axes from `axis` on as one row."""
    axis = node.attributes.get_int("axis", 1)
    node.attributes["axis"] = ir.AttrInt64("axis", -1)
    first = node.inputs[0]
    rank = None if first is None or first.shape is None else len(first.shape)
    if axis == -1 or axis + 1 == rank:
        return
    shape = writer.op(node, "Shape", [first])
    flat = writer.op(node, "Flatten", [first], {"axis": axis})
    result = writer.op(node, node.op_type, [flat], {"axis": -1})
    node.op_type = "Reshape"
    node.attributes.clear()
    node.resize_inputs(2)
    node.replace_input_with(0, result)
    node.replace_input_with(1, shape)


def inference_only(node: ir.Node, writer: Writer) -> None:
    """The four statistics that training added are no outputs any more."""
    used = [place for place, value in enumerate(node.outputs) if value.uses() or value.is_graph_output()]
    node.resize_outputs(max([0, *used]) + 1)


def whole_pixels(node: ir.Node, writer: Writer) -> None:
    """RoiAlign has shifted its boxes by half a pixel since opset 16."""
    node.attributes["coordinate_transformation_mode"] = ir.AttrString(
        "coordinate_transformation_mode", "output_half_pixel"
    )


def scatter(node: ir.Node, writer: Writer) -> None:
    node.op_type = "ScatterElements"


def shorter_names(node: ir.Node, writer: Writer) -> None:
    """GridSample's modes."""
    names = {"bilinear": "linear", "bicubic": "cubic"}
    mode = node.attributes.get_string("mode", "bilinear")
    node.attributes["mode"] = ir.AttrString("mode", names.get(mode, mode))


def transformed_axis(node: ir.Node, writer: Writer) -> None:
    """DFT counted its axis from the front, 1 by default; since opset 20 it is an input, -2 by default."""
    axis = node.attributes.pop("axis", None)
    set_input(node, 2, writer.constant(node, 1 if axis is None else axis.as_int()))


REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")

ADAPTERS: dict[str, Sequence[Step]] = {
    "BatchNormalization": ((9, per_element), (14, inference_only)),
    "Clip": ((11, clip),),
    "DFT": ((20, transformed_axis),),
    "Dropout": ((12, dropout),),
    "GridSample": ((20, shorter_names),),
    "Hardmax": ((13, last_axis),),
    "LogSoftmax": ((13, last_axis),),
    "Pad": ((11, pad),),
    **{f"Reduce{name}": ((18, as_inputs("axes")),) for name in REDUCTIONS},
    "ReduceSum": ((13, as_inputs("axes")),),
    "Resize": ((11, resize_10), (13, resize_11)),
    "RoiAlign": ((16, whole_pixels),),
    "Scan": ((9, batched_scan),),
    "Scatter": ((11, scatter),),
    "Slice": ((10, as_inputs("starts", "ends", "axes")),),
    "Softmax": ((13, last_axis),),
    "Split": ((13, as_inputs("split")), (18, equal_parts)),
    "Squeeze": ((13, as_inputs("axes")),),
    "TopK": ((10, as_inputs("k")),),
    "Unsqueeze": ((13, as_inputs("axes")),),
    "Upsample": ((9, upsample_7), (10, upsample_9)),
}
"""Operator -> its changes, oldest first."""
