"""Gradients at the input with noise added: what many of them say together.

All noise is Gaussian, its standard deviation a share of the range of each sample's values (of token ids: of their
embeddings), as in SmoothGrad's section 3; each sample is given the same draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from inspector.explain.gradients.paths import at_least, positive
from inspector.explain.relevance import Maps, Relevance, Scene
from inspector.explain.subject import Subject, Variant
from inspector.session import Array

__all__ = ["moments", "smoothgrad", "squaregrad", "vargrad"]


def smoothgrad(scene: Scene, *, noise: float = 0.15, samples: int = 50, seed: int = 0) -> Relevance:
    """Smilkov et al., SmoothGrad, 2017, section 3: the mean of the gradients at noisy copies of the input; its largest
    magnitude over the channels. Use it where a saliency map is too grainy to read.

    Args:
        scene: what is asked.
        noise: standard deviation, as a share of each sample's range; 0.1 to 0.2 in the paper.
        samples: noisy copies of each sample.
        seed: of the noise.

    Raises:
        InputError: the noise is negative, or there are no samples.
    """
    mean, _ = _of_noisy(scene, noise, samples, seed)
    return _mapped(scene, mean)


def vargrad(scene: Scene, *, noise: float = 0.15, samples: int = 50, seed: int = 0) -> Relevance:
    """Adebayo et al., Local Explanation Methods for Deep Neural Networks Lack Sensitivity to Parameter Values, ICLR
    workshop 2018, section 2: the variance of the gradients at noisy copies of the input; its largest value over the
    channels. Use it to see where the score's slope is unsteady. Arguments as for `smoothgrad`.
    """
    mean, square = _of_noisy(scene, noise, samples, seed)
    # rounding may leave a variance of nothing just below nothing
    return _mapped(scene, np.maximum(square - mean**2, 0))


def squaregrad(scene: Scene, *, noise: float = 0.15, samples: int = 50, seed: int = 0) -> Relevance:
    """Hooker et al., A Benchmark for Interpretability Methods in Deep Neural Networks, NeurIPS 2019, section 3.2
    (SG-SQ): the mean of the squared gradients at noisy copies of the input; its largest value over the channels. In
    that benchmark better than the mean of the gradients. Arguments as for `smoothgrad`.
    """
    _, square = _of_noisy(scene, noise, samples, seed)
    return _mapped(scene, square)


def moments(
    subject: Subject, variants: Iterable[Variant], samples: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and mean square of the gradients at `samples` variants of each sample; both like the subject's x."""
    first, second = np.zeros(subject.x.shape), np.zeros(subject.x.shape)
    for rows, found in subject.gradients(variants, len(subject.x) * samples):
        for row, gradient in zip(rows, found.gradients[subject.tensor], strict=True):
            wide = gradient.astype(np.float64)
            first[row] += wide / samples
            second[row] += wide**2 / samples
    return first, second


def _of_noisy(
    scene: Scene, noise: float, samples: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    positive(samples=samples)
    at_least(0, noise=noise)
    return moments(scene.source, _noisy(scene.source.x, noise, samples, seed), samples)


def _noisy(x: Array, noise: float, samples: int, seed: int) -> Iterator[Variant]:
    for row, each in enumerate(x):
        random = np.random.default_rng(seed)
        spread = noise * float(np.ptp(each))
        for _ in range(samples):
            yield row, (each + random.normal(0, spread, each.shape)).astype(x.dtype)


def _mapped(scene: Scene, attributions: Maps) -> Relevance:
    return Relevance(np.abs(scene.source_folded(attributions)).max(axis=1))
