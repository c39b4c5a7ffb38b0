"""Which layer a class activation map is taken from, and where its channels lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.errors import LayerNotFound
from inspector.model import Layer, Model, TensorInfo, channel_axis, spatial_axes

__all__ = ["channels_first", "default_layer", "input_layout", "is_feature_map", "leads_to", "spatial_maps"]

FLOATS = ("float16", "bfloat16", "float32", "float64")
GUESSES = {4: ("NCHW", "NHWC"), 5: ("NCDHW", "NDHWC"), 3: ("NCL", "NLC")}


def is_feature_map(layer: Layer) -> bool:
    """Whether it has channels and at least one spatial axis longer than 1 (a dynamic one counts as longer)."""
    if layer.layout is None or layer.shape is None or layer.dtype not in FLOATS:
        return False
    return any(layer.shape[axis] != 1 for axis in spatial_axes(layer.layout))


def spatial_maps(model: Model, targets: Sequence[str]) -> list[Layer]:
    """The feature maps on the way from the input to the tensors `targets`, in order."""
    upstream = leads_to(model, targets)
    downstream = _from_inputs(model)
    return [
        layer
        for layer in model.layers
        if not layer.plumbing
        and is_feature_map(layer)
        and layer.name in upstream
        and layer.name in downstream
        and layer.name not in targets
    ]


def default_layer(model: Model, targets: Sequence[str]) -> Layer:
    """The last spatial feature map on the way to `targets`.

    Raises:
        LayerNotFound: there is none.
    """
    maps = spatial_maps(model, targets)
    if not maps:
        raise LayerNotFound(
            "no spatial feature map lies on the way to the target, which class activation maps need: "
            "use method saliency, or name a layer"
        )
    return maps[-1]


def leads_to(model: Model, targets: Sequence[str]) -> set[str]:
    """Names of the tensors that `targets` depend on, these included."""
    from inspector.surgery.lookup import ancestors, find_value

    graph = model.graph.graph
    return {str(value.name) for value in ancestors([find_value(graph, name) for name in targets])}


def _from_inputs(model: Model) -> set[str]:
    from inspector.surgery.lookup import reads

    reached = {str(value.name) for value in model.graph.graph.inputs}
    for node in model.graph.graph:
        if any(str(value.name) in reached for value in reads(node)):
            reached.update(str(value.name) for value in node.outputs)
    return reached


def input_layout(model: Model, tensor: TensorInfo) -> str | None:
    """An input's layout: inferred from the graph, said by the metadata, or told by where its 1, 3 or 4 channels are.

    None for what has no channels, as far as can be told.
    """
    if tensor.name in model.layouts:
        return model.layouts[tensor.name]
    rank = 0 if tensor.shape is None else len(tensor.shape)
    said = model.metadata.input.layout if model.metadata.input is not None else None
    if said is not None and len(said) == rank:
        return said
    if tensor.shape is not None and rank in (4, 5):
        for guess in GUESSES[rank]:
            if tensor.shape[channel_axis(guess)] in (1, 3, 4):
                return guess
    return None


def channels_first(array: NDArray[np.floating], layout: str | None) -> NDArray[np.floating]:
    """(N, C, spatial...). What has no channels is given one."""
    if layout is None:
        return array[:, None] if array.ndim > 1 else array[:, None, None]
    return np.moveaxis(array, channel_axis(layout), 1)
