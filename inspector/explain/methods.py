"""The table of methods. A new one is a function and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inspector.explain import attribution, cam

__all__ = ["METHODS", "Method"]

Maps = NDArray[np.floating]


@dataclass(frozen=True)
class Method:
    """How a map is made.

    Attributes:
        place: "layer": from a feature map, enlarged to the input's size; "input": from the input.
        combine: (values, gradient) there, channel-first, to the map.
        signed: whether the map has negative values; they then run over [-1, 1].
    """

    place: Literal["layer", "input"]
    combine: Callable[[Maps, Maps], Maps]
    signed: bool = False


METHODS: dict[str, Method] = {
    "gradcam": Method("layer", cam.gradcam),
    "hirescam": Method("layer", cam.hirescam),
    "gradcam-elementwise": Method("layer", cam.gradcam_elementwise),
    "layercam": Method("layer", cam.layercam),
    "xgradcam": Method("layer", cam.xgradcam),
    "saliency": Method("input", attribution.saliency),
    "input-x-gradient": Method("input", attribution.input_x_gradient, signed=True),
}
