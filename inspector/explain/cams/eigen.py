"""Eigen-CAM: what most of a layer's channels have in common."""

from __future__ import annotations

import numpy as np

from inspector.explain.cams.component import first_component
from inspector.explain.cams.evidence import values_and_gradient
from inspector.explain.finite import finite
from inspector.explain.relevance import Relevance, Scene

__all__ = ["eigencam", "eigengradcam"]


def eigencam(scene: Scene, *, centred: bool = True) -> Relevance:
    """Muhammad & Yeasin, Eigen-CAM, IJCNN 2020: activations projected on their first principal direction.

    It reads no score: all classes have the same map. Use it for what dominates a layer, also of models without a
    gradient. The direction's sign is fixed so that the map goes with the sum of the activations.

    Args:
        scene: the layer.
        centred: subtract each channel's mean first, as pytorch-grad-cam does; False: as the paper has it.
    """
    values = np.asarray(scene.folded(scene.values), dtype=np.float32)
    return Relevance(np.maximum(finite(lambda each: first_component(each, centred), values), 0))


def eigengradcam(scene: Scene, *, centred: bool = True) -> Relevance:
    """Eigen-CAM of activations times gradient (pytorch-grad-cam's variant), which makes it depend on the class.

    The direction's sign is fixed so that the map goes with the sum of these products (HiResCAM).

    Args:
        scene: the layer and the score.
        centred: as for `eigencam`.
    """
    maps = finite(
        lambda values, gradient: first_component(values * gradient, centred), *values_and_gradient(scene)
    )
    return Relevance(np.maximum(maps, 0), scene.found)
