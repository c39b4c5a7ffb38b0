"""Class activation maps: each variant is one function of a layer's activations and of the score's gradient there.

Both arrays are (N, C, spatial...); the map is (N, spatial...).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["gradcam", "gradcam_elementwise", "hirescam", "layercam", "xgradcam"]

Maps = NDArray[np.floating]


def gradcam(activations: Maps, gradient: Maps) -> Maps:
    """Selvaraju et al., Grad-CAM, ICCV 2017, equations 1 and 2: a channel's weight is its gradient's spatial mean."""
    return _relu(_weighted_sum(activations, gradient.mean(axis=_spatial(gradient))))


def xgradcam(activations: Maps, gradient: Maps) -> Maps:
    """Fu et al., Axiom-based Grad-CAM, BMVC 2020, equation 8: the mean weighted by the channel's own activation."""
    axes = _spatial(activations)
    total = activations.sum(axis=axes)
    attributed = (gradient * activations).sum(axis=axes)
    # a channel that sums to zero has no share to give
    weights = np.divide(attributed, total, out=np.zeros_like(total), where=total != 0)
    return _relu(_weighted_sum(activations, weights))


def hirescam(activations: Maps, gradient: Maps) -> Maps:
    """Draelos & Carin, HiResCAM, 2020, equation 5: each place weighs itself; negative evidence is cut off last."""
    return _relu((gradient * activations).sum(axis=1))


def gradcam_elementwise(activations: Maps, gradient: Maps) -> Maps:
    """HiResCAM with negative evidence cut off in each channel before they are summed (pytorch-grad-cam's variant)."""
    evidence: Maps = _relu(gradient * activations).sum(axis=1)
    return evidence


def layercam(activations: Maps, gradient: Maps) -> Maps:
    """Jiang et al., LayerCAM, IEEE TIP 2021, equations 5 and 6: each place is weighted by its positive gradient."""
    return _relu((_relu(gradient) * activations).sum(axis=1))


def _weighted_sum(activations: Maps, weights: Maps) -> Maps:
    weighted: Maps = np.einsum("nc...,nc->n...", activations, weights)
    return weighted


def _relu(values: Maps) -> Maps:
    return np.maximum(values, 0)


def _spatial(maps: Maps) -> tuple[int, ...]:
    return tuple(range(2, maps.ndim))
