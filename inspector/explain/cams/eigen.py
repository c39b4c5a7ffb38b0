"""Eigen-CAM: what most of a layer's channels have in common."""

from __future__ import annotations

import numpy as np

from inspector.explain.cams.component import first_component, kernel_component
from inspector.explain.cams.evidence import values_and_gradient
from inspector.explain.finite import finite
from inspector.explain.gradients.paths import at_least
from inspector.explain.relevance import Relevance, Scene

__all__ = ["eigencam", "eigengradcam", "kpcacam"]


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


def kpcacam(scene: Scene, *, gamma: float | None = None) -> Relevance:
    """Karmani et al., KPCA-CAM: Visual Explainability of Deep Computer Vision Models Using Kernel PCA, MMSP 2024: as
    Eigen-CAM, with the first component of kernel principal component analysis, which need not be linear.

    It reads no score. Use it where Eigen-CAM's one direction misses part of the object. Its memory grows with the
    square of the layer's places.

    Args:
        scene: the layer.
        gamma: of the sigmoid kernel tanh(gamma <a, b> + 1), positive; None: one divided by the number of channels.

    Raises:
        InputError: gamma is no positive number.
    """
    if gamma is not None:
        at_least(1e-12, gamma=gamma)
    values = np.asarray(scene.folded(scene.values), dtype=np.float32)
    return Relevance(np.maximum(finite(lambda each: kernel_component(each, gamma), values), 0))
