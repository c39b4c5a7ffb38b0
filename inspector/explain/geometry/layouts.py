"""Where the channels of the model's input lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inspector.model import Model, TensorInfo, channel_axis

__all__ = ["channels_first", "input_layout"]

GUESSES = {4: ("NCHW", "NHWC"), 5: ("NCDHW", "NDHWC")}


def input_layout(model: Model, tensor: TensorInfo) -> str | None:
    """An input's layout: inferred from the graph, said by the metadata, or told by where its 1, 3 or 4 channels are.

    An input without channels whose first use adds them (a waveform, a grey picture) has one without a C: "NL", "NHW".
    None for what has no layout, as far as can be told.
    """
    if tensor.name in model.layouts:
        return model.layouts[tensor.name]
    rank = 0 if tensor.shape is None else len(tensor.shape)
    said = model.metadata.input.layout if model.metadata.input is not None else None
    if said is not None and len(said) == rank:
        return said
    if tensor.shape is not None and rank in GUESSES:
        for guess in GUESSES[rank]:
            if tensor.shape[channel_axis(guess)] in (1, 3, 4):
                return guess
    return _before_channels(model, tensor, rank)


def channels_first(array: NDArray[np.floating], layout: str | None) -> NDArray[np.floating]:
    """(N, C, spatial...). What has no channels is given one."""
    if layout is None or "C" not in layout:
        return array[:, None] if array.ndim > 1 else array[:, None, None]
    axis = channel_axis(layout)
    return array if axis == 1 else np.moveaxis(array, axis, 1)


def _before_channels(model: Model, tensor: TensorInfo, rank: int) -> str | None:
    """The layout less its C, where an Unsqueeze (or a Reshape to one more axis) makes a feature map of the input."""
    for layer in model.layers:
        if tensor.name not in layer.inputs or layer.op_type not in ("Unsqueeze", "Reshape"):
            continue
        layout = model.layouts.get(layer.name)
        if layout is None or len(layout) != rank + 1 or layer.shape is None:
            continue
        if layer.shape[channel_axis(layout)] == 1:
            return layout.replace("C", "")
    return None
