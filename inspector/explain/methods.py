"""The table of methods, by family. A new one is a function and a line here."""

from __future__ import annotations

from inspector.errors import InspectorError
from inspector.explain.attention import attention_rollout, gradient_rollout
from inspector.explain.cams import eigen, fem, finer, fullgrad, guided_cam, masking, pooled, weighted
from inspector.explain.gradients import guided, inner, integrated, noise, plain, propagated
from inspector.explain.method import Method, at_input, at_layer, of_channels
from inspector.explain.options import unknown
from inspector.explain.perturbation import (
    feature_ablation,
    hsic,
    kernel_shap,
    lime,
    occlusion,
    rise,
    sobol,
)
from inspector.explain.smoothing import augmented

__all__ = ["FAMILIES", "METHODS", "find_method"]

CLASS_ACTIVATION: dict[str, Method] = {
    "gradcam": at_layer(weighted.gradcam),
    "gradcam++": at_layer(weighted.gradcam_plus_plus),
    "hirescam": at_layer(weighted.hirescam),
    "gradcam-elementwise": at_layer(weighted.gradcam_elementwise),
    "layercam": at_layer(weighted.layercam),
    "xgradcam": at_layer(weighted.xgradcam),
    "eigencam": Method("layer", augmented(eigen.eigencam)),
    "eigengradcam": Method("layer", augmented(eigen.eigengradcam)),
    "kpcacam": Method("layer", augmented(eigen.kpcacam)),
    "scorecam": of_channels(masking.scorecam),
    "ablationcam": of_channels(masking.ablationcam),
    "fullgrad": Method("input", augmented(fullgrad.fullgrad)),
    "finercam": of_channels(finer.finercam),
    "guided-gradcam": Method("layer", augmented(guided_cam.guided_gradcam), signed=True),
    "fem": of_channels(fem.fem, formula=fem.strong_places()),
    "reciprocam": Method("layer", augmented(masking.reciprocam)),
    "cam": of_channels(pooled.cam, formula=pooled.linear_after_pooling, signed=True),
}

GRADIENT: dict[str, Method] = {
    "saliency": at_input(plain.saliency),
    "input-x-gradient": at_input(plain.input_x_gradient, signed=True),
    "integrated-gradients": Method("input", integrated.integrated_gradients, signed=True),
    "gradient-shap": Method("input", integrated.gradient_shap, signed=True),
    "smoothgrad": Method("input", noise.smoothgrad),
    "vargrad": Method("input", noise.vargrad),
    "squaregrad": Method("input", noise.squaregrad),
    "guided-backprop": Method("input", guided.guided_backprop),
    "deconvnet": Method("input", guided.deconvnet),
    "lrp": Method("input", propagated.lrp, signed=True),
    "deeplift": Method("input", propagated.deeplift, signed=True),
    "deeplift-shap": Method("input", propagated.deeplift_shap, signed=True),
    "conductance": Method("layer", inner.conductance, signed=True),
    "internal-influence": Method("layer", inner.internal_influence, signed=True),
    "neuron-gradient": Method("layer", inner.neuron_gradient),
}

PERTURBATION: dict[str, Method] = {
    "occlusion": Method("input", occlusion, signed=True),
    "rise": Method("input", rise),
    "lime": Method("input", lime, signed=True),
    "kernel-shap": Method("input", kernel_shap, signed=True),
    "feature-ablation": Method("input", feature_ablation, signed=True),
    "sobol": Method("input", sobol),
    "hsic": Method("input", hsic),
}

ATTENTION: dict[str, Method] = {
    "attention-rollout": Method("input", attention_rollout),
    "gradient-rollout": Method("input", gradient_rollout),
}

FAMILIES = {
    "class activation maps": CLASS_ACTIVATION,
    "gradients": GRADIENT,
    "perturbation": PERTURBATION,
    "attention": ATTENTION,
}
METHODS = {name: method for family in FAMILIES.values() for name, method in family.items()}


def find_method(name: str) -> Method:
    """The method called `name`; InspectorError lists them all where there is none."""
    if name not in METHODS:
        raise InspectorError(unknown("method", name, METHODS))
    return METHODS[name]
