"""Class activation maps that weigh a layer's activations by the score's gradient there.

Each variant is one function of both, (N, C, spatial...), that returns the evidence of each channel, of the same shape;
where that is one weight for each channel times its activations, the function returns the weights and is `Weighted`.
`collapsed` makes the map of it. They are written in NumPy functions that `embed` can also write as a graph.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from inspector.explain.relevance import Maps

__all__ = [
    "Weighted",
    "collapsed",
    "gradcam",
    "gradcam_elementwise",
    "gradcam_plus_plus",
    "hirescam",
    "layercam",
    "xgradcam",
]


class Weighted:
    """Evidence that is the activations times one weight for each channel: (N, C, 1...) of `weights`."""

    def __init__(self, weights: Callable[[Maps, Maps], Maps]) -> None:
        self.weights = weights
        self.__doc__ = weights.__doc__

    def __call__(self, activations: Maps, gradient: Maps) -> Maps:
        """(N, C, spatial...)."""
        return activations * self.weights(activations, gradient)


@Weighted
def gradcam(activations: Maps, gradient: Maps) -> Maps:
    """Selvaraju et al., Grad-CAM, ICCV 2017, equations 1 and 2: a channel's weight is its gradient's spatial mean."""
    del activations
    weights: Maps = gradient.mean(axis=_spatial(gradient), keepdims=True)
    return weights


@Weighted
def gradcam_plus_plus(activations: Maps, gradient: Maps) -> Maps:
    """Chattopadhay et al., Grad-CAM++, WACV 2018, equations 7 and 19: positive gradients, weighed place by place.

    The paper takes derivatives of exp(score): where the score S is linear between kinks they are exp(S) g, exp(S) g^2
    and exp(S) g^3. The factor exp(S), which overflows float32 above 88, scales the map as a whole and is left out, and
    equation 19 becomes 1 / (2 + g * sum of the channel's activations). Use it where several objects of a class,
    or parts of one, should all be shown.
    """
    axes = _spatial(activations)
    denominator = 2 + gradient * activations.sum(axis=axes, keepdims=True)
    # the equation's own pole, on layers with negative activations
    pole = denominator == 0
    share = np.where(pole, np.zeros_like(gradient), 1 / np.where(pole, np.ones_like(gradient), denominator))
    weights: Maps = (np.maximum(gradient, 0) * share).sum(axis=axes, keepdims=True)
    return weights


@Weighted
def xgradcam(activations: Maps, gradient: Maps) -> Maps:
    """Fu et al., Axiom-based Grad-CAM, BMVC 2020, equation 8: the mean weighted by the channel's own activation."""
    axes = _spatial(activations)
    total = activations.sum(axis=axes, keepdims=True)
    attributed = (gradient * activations).sum(axis=axes, keepdims=True)
    # a channel that sums to zero has no share to give
    empty = total == 0
    share = attributed / np.where(empty, np.ones_like(total), total)
    weights: Maps = np.where(empty, np.zeros_like(total), share)
    return weights


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
