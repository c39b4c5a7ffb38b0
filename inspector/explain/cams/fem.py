"""FEM: where channels are unusually strong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from inspector.explain.cams.evidence import Evidence
from inspector.explain.relevance import Maps, Scene

__all__ = ["fem", "strong_places"]


def fem(scene: Scene, *, k: float = 2.0) -> Evidence:
    """Fuad et al., Features Understanding in 3D CNNs for Actions Recognition in Video, IPTA 2020: each
    channel's places above its mean + k standard deviations, weighed by that mean.

    It reads no score: all classes have the same map. Use it for what a layer finds striking, also of models without a
    gradient.

    Args:
        scene: the layer.
        k: the rule's number of standard deviations.
    """
    values = np.asarray(scene.folded(scene.values), dtype=np.float32)
    return Evidence(strong_places(k)(values, values))


def strong_places(k: float = 2.0) -> Callable[[Maps, Maps], Maps]:
    """The evidence of each channel as a function of values (and of a gradient, which plays no part)."""

    def evidence(activations: Maps, gradient: Maps) -> Maps:
        del gradient
        axes = tuple(range(2, activations.ndim))
        mean = activations.mean(axis=axes, keepdims=True)
        spread = np.sqrt(((activations - mean) ** 2).mean(axis=axes, keepdims=True))
        # strictly above: a constant channel has nothing strong
        strong: Maps = np.where(activations > mean + k * spread, mean, np.zeros_like(activations))
        return strong

    return evidence
