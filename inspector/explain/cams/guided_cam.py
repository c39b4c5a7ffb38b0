"""Guided Grad-CAM: where, by Grad-CAM, and which contours, by guided backpropagation."""

from __future__ import annotations

import numpy as np

from inspector.explain.cams.evidence import values_and_gradient
from inspector.explain.cams.weighted import collapsed, gradcam
from inspector.explain.finite import finite
from inspector.explain.gradients.guided import has_rectifier
from inspector.explain.relevance import Maps, Relevance, Scene
from inspector.explain.upsample import upsample

__all__ = ["guided_gradcam"]


def guided_gradcam(scene: Scene) -> Relevance:
    """Selvaraju et al., Grad-CAM, ICCV 2017, section 3.2: guided backpropagation to the input, summed over the
    channels, times the enlarged Grad-CAM. It has a sign and the input's resolution.

    Its contours are guided backpropagation's, which hardly depend on the class; which of them are shown does.
    """
    from inspector.explain.overrides.guided import GUIDED

    subject, tensor = scene.subject, scene.entry.tensor
    cam = finite(lambda values, gradient: collapsed(gradcam(values, gradient)), *values_and_gradient(scene))
    pulled = subject.evaluator.gradients(subject.feeds, subject.objective, [tensor], rules=GUIDED)
    contours: Maps = np.asarray(scene.source_folded(pulled.gradients[tensor]), dtype=np.float32).sum(axis=1)
    plain = (
        ()
        if has_rectifier(scene)
        else ("no ReLU leads to the target: the contours are the plain gradient's",)
    )
    return Relevance(contours * upsample(cam, contours.shape[1:]), notes=plain)
