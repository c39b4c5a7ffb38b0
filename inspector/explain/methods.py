"""The table of methods. A new one is a function and a line here."""

from __future__ import annotations

from inspector.errors import InspectorError
from inspector.explain.cams import weighted
from inspector.explain.gradients import guided, plain
from inspector.explain.method import Method, at_input, at_layer

__all__ = ["METHODS", "find_method"]

METHODS: dict[str, Method] = {
    "gradcam": at_layer(weighted.gradcam),
    "hirescam": at_layer(weighted.hirescam),
    "gradcam-elementwise": at_layer(weighted.gradcam_elementwise),
    "layercam": at_layer(weighted.layercam),
    "xgradcam": at_layer(weighted.xgradcam),
    "saliency": at_input(plain.saliency),
    "input-x-gradient": at_input(plain.input_x_gradient, signed=True),
    "guided-backprop": Method("input", guided.guided_backprop),
    "deconvnet": Method("input", guided.deconvnet),
}


def find_method(name: str) -> Method:
    """The method called `name`; InspectorError lists them all where there is none."""
    if name not in METHODS:
        raise InspectorError(f"there is no method '{name}'; methods: {', '.join(METHODS)}")
    return METHODS[name]
