"""Methods that run many changed copies of a picture, as captum and pytorch-grad-cam have them."""

from __future__ import annotations

from typing import Any

from benchmarks.contenders.pytorch import prepared
from benchmarks.work import CLASS, Ready, Work

__all__ = ["captum_occlusion", "grad_cam_scorecam"]

# copies that are run at once: as many as onnxlens does
BATCH = 16


def captum_occlusion(work: Work) -> Ready:
    """Captum's, with the same windows."""
    from captum.attr import Occlusion

    module, x = prepared(work)
    window = -(-work.size // 8)
    stride = -(-window // 2)
    method = Occlusion(module)

    def run() -> Any:
        return method.attribute(
            x,
            sliding_window_shapes=(work.spec.channels, window, window),
            strides=(work.spec.channels, stride, stride),
            target=CLASS,
            perturbations_per_eval=BATCH,
        )[:, 0]

    return Ready(run)


def grad_cam_scorecam(work: Work) -> Ready:
    """pytorch-grad-cam's."""
    from pytorch_grad_cam import ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    module, x = prepared(work)
    cam = ScoreCAM(model=module, target_layers=[module.get_submodule(work.spec.layer)])
    cam.batch_size = BATCH
    targets = [ClassifierOutputTarget(CLASS)] * work.batch
    return Ready(lambda: cam(input_tensor=x, targets=targets))
