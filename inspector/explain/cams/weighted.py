"""Class activation maps that weigh a layer's activations by the score's gradient there.

Each variant is one function of both, (N, C, spatial...), that returns the evidence of each channel, of the same shape;
`collapsed` makes the map of it. They are written in NumPy functions that `embed` can also write as a graph.
"""

from __future__ import annotations

import numpy as np

from inspector.explain.relevance import Maps

__all__ = ["collapsed", "gradcam", "gradcam_elementwise", "hirescam", "layercam", "xgradcam"]


def gradcam(activations: Maps, gradient: Maps) -> Maps:
    """Selvaraju et al., Grad-CAM, ICCV 2017, equations 1 and 2: a channel's weight is its gradient's spatial mean."""
    weighted: Maps = activations * gradient.mean(axis=_spatial(gradient), keepdims=True)
    return weighted


def xgradcam(activations: Maps, gradient: Maps) -> Maps:
    """Fu et al., Axiom-based Grad-CAM, BMVC 2020, equation 8: the mean weighted by the channel's own activation."""
    axes = _spatial(activations)
    total = activations.sum(axis=axes, keepdims=True)
    attributed = (gradient * activations).sum(axis=axes, keepdims=True)
    # a channel that sums to zero has no share to give
    empty = total == 0
    share = attributed / np.where(empty, np.ones_like(total), total)
    weighted: Maps = activations * np.where(empty, np.zeros_like(total), share)
    return weighted


def hirescam(activations: Maps, gradient: Maps) -> Maps:
    """Draelos & Carin, HiResCAM, 2020, equation 5: each place weighs itself; negative evidence is cut off last."""
    return gradient * activations


def gradcam_elementwise(activations: Maps, gradient: Maps) -> Maps:
    """HiResCAM with negative evidence cut off in each channel before they are summed (pytorch-grad-cam's variant)."""
    return np.maximum(gradient * activations, 0)


def layercam(activations: Maps, gradient: Maps) -> Maps:
    """Jiang et al., LayerCAM, IEEE TIP 2021, equations 5 and 6: each place is weighted by its positive gradient."""
    weighted: Maps = np.maximum(gradient, 0) * activations
    return weighted


def collapsed(evidence: Maps) -> Maps:
    """The channels' evidence summed, what speaks against the target cut off: (N, spatial...)."""
    positive: Maps = np.maximum(evidence.sum(axis=1), 0)
    return positive


def _spatial(maps: Maps) -> tuple[int, ...]:
    return tuple(range(2, maps.ndim))
