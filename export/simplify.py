"""Tidies a marked graph: constants folded, identities and unused nodes removed. Nothing is fused."""

from __future__ import annotations

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
    passes.DeduplicateInitializersPass()(model)
