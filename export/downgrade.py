"""Opset 18 to 17, which `onnx.version_converter` does not know for every operator that changed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx_ir as ir

from export.errors import ExportError

__all__ = ["to_opset_17"]


def to_opset_17(model: ir.Model) -> None:
    """Rewrites, in place, every operator that opset 18 changed; all others mean the same in 17.

    Raises ExportError for a use of one that opset 17 cannot express.
    """
    for node in list(model.graph.all_nodes()):
        if node.domain in ("", "ai.onnx") and node.op_type in _CHANGES:
            _CHANGES[node.op_type](node)
    model.opset_imports[""] = 17


def _refuse(node: ir.Node, why: str = "it is newer") -> None:
    raise ExportError(
        f"opset 17 cannot express the {node.op_type} node {node.name!r}: {why}. Export with opset=18"
    )


def _drop(node: ir.Node, **defaults: object) -> None:
    """Removes attributes that opset 17 does not have, where they stand at their default."""
    for name, default in defaults.items():
        attribute = node.attributes.pop(name, None)
        if attribute is not None and attribute.value != default:
            _refuse(node, f"attribute {name} is {attribute.value!r}")


def _input(node: ir.Node, index: int) -> ir.Value | None:
    return node.inputs[index] if len(node.inputs) > index else None


def _constant(node: ir.Node, value: ir.Value) -> list[int]:
    tensor = ir.convenience.get_const_tensor(value)
    if tensor is None:
        _refuse(node, f"input {value.name!r} is not constant")
        return []
    return [int(i) for i in tensor.numpy().reshape(-1)]


def _reduce(node: ir.Node) -> None:
    noop = node.attributes.pop("noop_with_empty_axes", None)
    axes = _input(node, 1)
    if axes is not None:
        values = _constant(node, axes)
        if values:
            node.attributes["axes"] = ir.AttrInt64s("axes", values)
        node.resize_inputs(1)
    if noop is not None and noop.as_int() and "axes" not in node.attributes:
        _refuse(node, "it reduces no axis")


def _pad(node: ir.Node) -> None:
    axes = _input(node, 3)
    if axes is None:
        return
    data, pads = node.inputs[0], node.inputs[1]
    if data is None or data.shape is None or pads is None:
        _refuse(node, "it names axes of a tensor of unknown rank")
        return
    rank, short = len(data.shape), _constant(node, pads)
    full = np.zeros((2, rank), np.int64)
    for i, axis in enumerate(values := _constant(node, axes)):
        full[:, axis] = short[i], short[i + len(values)]
    graph = node.graph
    assert graph is not None
    constant = ir.node("Constant", [], {"value": ir.tensor(full.reshape(-1))})
    node.prepend(constant)
    node.replace_input_with(1, constant.outputs[0])
    node.resize_inputs(3)


def _resize(node: ir.Node) -> None:
    _drop(node, antialias=0, axes=None, keep_aspect_ratio_policy="stretch")


def _pool(node: ir.Node) -> None:
    dilations = node.attributes.get("dilations")
    if dilations is not None and set(dilations.as_ints()) == {1}:
        node.attributes.pop("dilations")
    _drop(node, ceil_mode=0, dilations=None)


def _scatter(node: ir.Node) -> None:
    reduction = node.attributes.get("reduction")
    if reduction is not None and reduction.as_string() in ("max", "min"):
        _refuse(node, f"reduction {reduction.as_string()}")


def _split(node: ir.Node) -> None:
    count = node.attributes.pop("num_outputs", None)
    data = node.inputs[0]
    if count is None or data is None:
        return
    axis = node.attributes["axis"].as_int() if "axis" in node.attributes else 0
    size = data.shape[axis] if data.shape is not None else None
    if not isinstance(size, int) or size % count.as_int():
        _refuse(node, "its parts are not known to be equal")


_CHANGES: dict[str, Callable[[ir.Node], None]] = {
    **dict.fromkeys(
        (
            "ReduceL1",
            "ReduceL2",
            "ReduceLogSum",
            "ReduceLogSumExp",
            "ReduceMax",
            "ReduceMean",
            "ReduceMin",
            "ReduceProd",
            "ReduceSumSquare",
        ),
        _reduce,
    ),
    **dict.fromkeys(
        (
            "BitwiseAnd",
            "BitwiseNot",
            "BitwiseOr",
            "BitwiseXor",
            "CenterCropPad",
            "Col2Im",
            "GroupNormalization",
            "Mish",
            "OptionalGetElement",
            "OptionalHasElement",
        ),
        _refuse,
    ),
    "LpPool": _pool,
    "Pad": _pad,
    "Resize": _resize,
    "ScatterElements": _scatter,
    "ScatterND": _scatter,
    "Split": _split,
}
