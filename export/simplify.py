"""Tidies a marked graph: constants folded, identities and unused nodes removed. Nothing is fused."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import onnx_ir.passes.common as passes

__all__ = ["simplify"]


def simplify(model: ir.Model) -> None:
    """Edits in place. Markers are opaque to every step, so each tap keeps its value and its place on the path.

    Batch normalisation stays what it is: the passes of `torch.onnx` that fuse it into a convolution are not among
    these. A `Reshape` to a shape computed from the batch size gets a constant shape with one `-1` instead.
    """
    from onnxscript import optimizer
    from onnxscript.rewriter import rewrite
    from onnxscript.rewriter.rules.common import materialize_reshape_shape_rule

    passes.InlinePass()(model)
    passes.ShapeInferencePass()(model)
    optimizer.fold_constants(model)
    rewrite(model, [materialize_reshape_shape_rule])
    passes.IdentityEliminationPass()(model)
    passes.RemoveUnusedNodesPass()(model)
    passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    _keep_zeros(model)
    passes.DeduplicateInitializersPass()(model)


def _keep_zeros(model: ir.Model) -> None:
    """Gives a `Pad` of zeros in front of a `MaxPool` the smallest positive number to pad with instead.

    onnxruntime merges the zeros into the pooling, which pads with the lowest value, and so gives another maximum
    wherever a whole window at the border is negative. It leaves other numbers alone.
    """
    for node in model.graph:
        if node.op_type != "Pad" or "MaxPool" not in {use.op_type for use, _ in node.outputs[0].uses()}:
            continue
        mode = node.attributes.get_string("mode", "constant")
        fill = node.inputs[2] if len(node.inputs) > 2 else None
        type_ = node.inputs[0].dtype if node.inputs[0] is not None else None
        zero = fill is None or (fill.const_value is not None and not fill.const_value.numpy().any())
        if mode != "constant" or not zero or type_ is None or not type_.is_floating_point():
            continue
        dtype = type_.numpy()
        smallest = ir.Value(
            name=f"{node.outputs[0].name}.smallest", type=ir.TensorType(type_), shape=ir.Shape(())
        )
        smallest.const_value = ir.tensor(
            np.array(np.nextafter(dtype.type(0), dtype.type(1)), dtype), name=smallest.name
        )
        model.graph.register_initializer(smallest)
        node.resize_inputs(max(3, len(node.inputs)))
        node.replace_input_with(2, smallest)
