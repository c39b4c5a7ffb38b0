"""tf-keras-vis."""

from __future__ import annotations

from benchmarks.contenders.keras_tape import prepared
from benchmarks.work import CLASS, Ready, Work

__all__ = ["gradcam", "maximise"]


def gradcam(work: Work) -> Ready:
    """Its `Gradcam`, enlarged and normalised as it does by itself."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.scores import CategoricalScore

    model, x, _ = prepared(work)
    cam = Gradcam(model, clone=False)
    score = CategoricalScore([CLASS] * work.batch)
    return Ready(lambda: cam(score, x, penultimate_layer=work.spec.layer), {"layer": work.spec.layer})
