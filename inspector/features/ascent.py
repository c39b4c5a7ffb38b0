"""From a gradient to a step: of fixed length, or Adam's."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["ASCENTS", "Adam", "Ascent", "Normalised", "of_unit_size"]

Values = NDArray[np.floating]


class Ascent(Protocol):
    """One ascent of several images."""

    def direction(self, gradient: Values) -> Values:
        """Where to go, given the gradient (n, ...) at the parameters."""
        ...


class Normalised:
    """The gradient divided by its root mean square, image by image: all steps are of one length.

    Chollet, "How convolutional neural networks see the world", 2016.
    """

    def direction(self, gradient: Values) -> Values:
        return of_unit_size(gradient)


class Adam:
    """Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1, upwards.

    Args:
        keep: shares of the old moments that each step keeps: of the mean, and of the mean square.
        floor: added to the root of the mean square.
    """

    def __init__(self, keep: tuple[float, float] = (0.9, 0.999), floor: float = 1e-8) -> None:
        self._keep = keep
        self._floor = floor
        self._taken = 0
        self._mean: Values | None = None
        self._square: Values | None = None

    def direction(self, gradient: Values) -> Values:
        first, second = self._keep
        if self._mean is None or self._square is None:
            self._mean, self._square = np.zeros_like(gradient), np.zeros_like(gradient)
        self._taken += 1
        self._mean += (1 - first) * (gradient - self._mean)
        self._square += (1 - second) * (gradient * gradient - self._square)
        unbiased = np.sqrt(self._square / (1 - second**self._taken)) + self._floor
        direction: Values = self._mean / ((1 - first**self._taken) * unbiased)
        return direction


ASCENTS: dict[str, type[Normalised] | type[Adam]] = {"normalised": Normalised, "adam": Adam}


def of_unit_size(gradient: Values) -> Values:
    """Each image's gradient divided by its root mean square, in float64; a gradient of zeros stays."""
    sample = tuple(range(1, gradient.ndim))
    length = np.sqrt(np.mean(np.square(gradient, dtype=np.float64), axis=sample, keepdims=True))
    return np.divide(gradient, length, out=np.zeros(gradient.shape), where=length > 0)
