"""Grad-CAM as pytorch-grad-cam and captum have it."""

from __future__ import annotations

from typing import Any

from benchmarks.contenders.pytorch import prepared, waited
from benchmarks.work import CLASS, Ready, Work

__all__ = ["captum", "grad_cam"]


def grad_cam(work: Work) -> Ready:
    """pytorch-grad-cam's `GradCAM`."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    module, x = prepared(work)
    # it takes gradients only of parameters that want them
    cam = GradCAM(model=module.requires_grad_(True), target_layers=[module.get_submodule(work.spec.layer)])
    targets = [ClassifierOutputTarget(CLASS)] * work.batch
    return Ready(lambda: cam(input_tensor=x, targets=targets), {"layer": work.spec.layer})


def captum(work: Work) -> Ready:
    """Captum's `LayerGradCam`, enlarged by its own `LayerAttribution.interpolate`."""
    from captum.attr import LayerAttribution, LayerGradCam

    module, x = prepared(work)
    cam = LayerGradCam(module.requires_grad_(True), module.get_submodule(work.spec.layer))

    def run() -> Any:
        small = cam.attribute(x, target=CLASS, relu_attributions=True)
        return waited(LayerAttribution.interpolate(small, (work.size, work.size), "bilinear")[:, 0])

    return Ready(run, {"layer": work.spec.layer})
