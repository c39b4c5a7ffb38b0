"""CAM: the classifier's own weights, of networks that pool their last feature map and classify the result linearly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inspector.errors import LayerNotFound
from inspector.explain.cams.evidence import Evidence, of_gradient, values_and_gradient
from inspector.explain.relevance import Maps, Scene

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["cam", "linear_after_pooling"]

# nothing but a place is changed, or places are added up
LINEAR = frozenset(
    (
        *(
            "Identity",
            "Cast",
            "Dropout",
            "Flatten",
            "Reshape",
            "Squeeze",
            "Unsqueeze",
            "Transpose",
            "Slice",
            "Gather",
        ),
        *(
            "Add",
            "Sub",
            "Sum",
            "Mean",
            "Concat",
            "GlobalAveragePool",
            "AveragePool",
            "ReduceMean",
            "ReduceSum",
        ),
    )
)
POOLING = frozenset(("GlobalAveragePool", "ReduceMean"))
# linear in one of their inputs
BILINEAR = frozenset(("Gemm", "MatMul", "Conv", "BatchNormalization", "Mul", "Div"))
# of the gradient's largest magnitude: what rounding makes of equal shares
EQUAL = 1e-4


def cam(scene: Scene) -> Evidence:
    """Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016, equation 2: each channel weighed
    by the class's own weight in the linear layer behind the pooling. It has a sign, and its mean over the places, with
    the bias, is the score.

    Behind a mean over the places the weight is the gradient summed over them, whatever the order of the exported nodes.
    Use it where the network is built so; elsewhere Grad-CAM is what generalises it.

    Raises:
        LayerNotFound: what lies between the layer and the target is not a pooling of it and linear.
    """
    _require_linear(scene)
    seen = of_gradient(linear_after_pooling)(scene)
    _require_equal_shares(scene, values_and_gradient(scene)[1])
    return seen


def linear_after_pooling(activations: Maps, gradient: Maps) -> Maps:
    """The evidence of each channel, where a mean over the places and a linear layer follow."""
    axes = tuple(range(2, activations.ndim))
    weighted: Maps = activations * gradient.sum(axis=axes, keepdims=True)
    return weighted


def _require_linear(scene: Scene) -> None:
    """LayerNotFound where an operator between the layer and the target is not linear in the layer."""
    from inspector.surgery.lookup import ancestors, find_value

    subject = scene.subject
    if any(key.transform != "raw" for key in subject.objective.keys):
        raise LayerNotFound(
            "cam explains a score that is linear in the pooled channels: a logit, no log-probability"
        )
    graph = subject.evaluator.lowered.model.graph
    layer = find_value(graph, scene.tensor)
    leading = ancestors([find_value(graph, name) for name in subject.objective.tensors], stop=[layer])
    touched = {layer}
    for node in graph:
        read = [place for place, value in enumerate(node.inputs) if value in touched]
        if not read or not leading.intersection(node.outputs):
            continue
        if not _is_linear(node, read):
            raise LayerNotFound(_refusal(scene, f"{node.op_type} ('{node.outputs[0].name}') lies between"))
        touched.update(node.outputs)


def _is_linear(node: ir.Node, read: list[int]) -> bool:
    """Whether `node` is linear (with a constant added) in the inputs number `read` together."""
    if node.domain:
        return False
    return node.op_type in LINEAR or (
        node.op_type in BILINEAR and len(read) == 1 and not (node.op_type == "Div" and read == [1])
    )


def _require_equal_shares(scene: Scene, gradient: Maps) -> None:
    """LayerNotFound where a channel's places have different shares in the score: they are not simply pooled."""
    axes = tuple(range(2, gradient.ndim))
    spread = (gradient.max(axis=axes) - gradient.min(axis=axes)).max(initial=0.0)
    if spread > EQUAL * np.abs(gradient).max(initial=0.0):
        raise LayerNotFound(_refusal(scene, "its places have different shares in the score"))


def _refusal(scene: Scene, why: str) -> str:
    from inspector.surgery.lookup import ancestors, find_value

    graph = scene.subject.evaluator.lowered.model.graph
    leading = ancestors([find_value(graph, name) for name in scene.subject.objective.tensors])
    pools = [node for node in graph if node.op_type in POOLING and leading.intersection(node.outputs)]
    named = f", '{pools[-1].inputs[0].name}'," if pools and pools[-1].inputs[0] is not None else ","
    return (
        f"cam needs a layer whose places are averaged and then classified linearly, and '{scene.tensor}' is none: "
        f"{why}. Name the layer that is pooled{named} or take gradcam, which needs no such head"
    )
