"""What the ascent moves: the pixels themselves, or the coefficients of their waves.

Both hold one image for each goal, in the units of the model's input. An ascent asks for the `images`, hands the
gradient at them to `pull_back`, and gives the change of the parameters that it has made of the answer to `move`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.features.canvas import Canvas, Images
from inspector.features.colour import coordinates, correlated, uncorrelated

__all__ = [
    "PARAMETRISATIONS",
    "Fourier",
    "Parametrisation",
    "Pixels",
    "frequencies",
    "inverse_adjoint",
    "inverse_transform",
    "spectrum_of",
]

Parameters = NDArray[np.floating]

# standard deviation of the noise on a blank spectrum, and what the pixels are divided by before they are squashed:
# those of lucid (tensorflow/lucid, optvis/param/spatial.py), from which step lengths may then be taken over
SPREAD, QUIETER = 0.01, 4.0
# an image to start from is kept from the ends of the range, which the sigmoid does not reach
EDGE = 0.01


class Parametrisation(Protocol):
    """See the module."""

    images: Images

    def pull_back(self, gradient: Images) -> Parameters:
        """The gradient at the parameters; `gradient` is at the images, in units of the range's width."""
        ...

    def move(self, length: float, direction: Parameters) -> None:
        """Add `length * direction` to the parameters."""


class Pixels:
    """The pixels of the input, which may leave its range.

    Args:
        canvas: of the input.
        starts: (n, C, spatial...): images to start from.
    """

    def __init__(self, canvas: Canvas, starts: Images) -> None:
        self._span = canvas.span
        self.images = starts.copy()

    def pull_back(self, gradient: Images) -> Parameters:
        return gradient

    def move(self, length: float, direction: Parameters) -> None:
        self.images += (length * self._span * direction).astype(self.images.dtype)


class Fourier:
    """A spectrum in which low frequencies weigh more: natural images rather than noise.

    image = sigmoid(colours(inverse real Fourier transform of coefficients / frequency)), which then fills the input's
    range and no more. Olah, Mordvintsev & Schubert, "Feature Visualization", Distill 2017, section "Preconditioning
    and Parameterization". Of RGB the `colours` are those of photographs; channels of other inputs are left alone.

    Args:
        canvas: of the input.
        starts: (n, C, spatial...): images to start from; None: noise.
        seeds: of the noise of each image.
        decorrelate: whether an input of three channels has colours.

    Raises:
        InputError: the input has no spatial axes.
    """

    def __init__(
        self,
        canvas: Canvas,
        starts: Images | None,
        seeds: Sequence[int | list[int]],
        decorrelate: bool = True,
    ) -> None:
        if not canvas.sides:
            raise InputError("the model's input has no spatial axes: take parametrisation 'pixels'")
        self._canvas = canvas
        sides = canvas.sides
        channels = math.prod(canvas.shape) // math.prod(sides)
        self._colour = decorrelate and channels == 3
        # the wave's amplitude, and a factor by which pixels vary alike whatever the size
        self._scale = (math.sqrt(math.prod(sides)) / np.maximum(frequencies(sides), 1 / max(sides))).astype(
            np.float32
        )
        if starts is None:
            shape = (channels, *self._scale.shape, 2)
            noise = [np.random.default_rng(seed).normal(0, SPREAD, shape) for seed in seeds]
            self.spectrum = np.stack(noise).astype(np.float32)
        else:
            self.spectrum = self._found(starts)
        self._show()

    def pull_back(self, gradient: Images) -> Parameters:
        pixels = gradient.astype(np.float32) * self._amounts * (1 - self._amounts)
        if self._colour:
            pixels = uncorrelated(pixels, self._canvas.channels)
        return inverse_adjoint(pixels / QUIETER, len(self._canvas.sides)) * self._scale[..., None]

    def move(self, length: float, direction: Parameters) -> None:
        self.spectrum += np.float32(length) * direction
        self._show()

    def _show(self) -> None:
        pixels = inverse_transform(self.spectrum * self._scale[..., None], self._canvas.sides) / QUIETER
        if self._colour:
            pixels = correlated(pixels, self._canvas.channels)
        # a sigmoid that overflows at neither end
        self._amounts = (0.5 * (1 + np.tanh(0.5 * pixels))).astype(np.float32)
        self.images = self._canvas.values(self._amounts).astype(self._canvas.dtype)

    def _found(self, starts: Images) -> Parameters:
        """The spectrum of images."""
        amounts = np.clip(self._canvas.amounts(starts), EDGE, 1 - EDGE)
        pixels = np.log(amounts / (1 - amounts))
        if self._colour:
            pixels = coordinates(pixels, self._canvas.channels)
        return (spectrum_of(pixels * QUIETER, len(self._canvas.sides)) / self._scale[..., None]).astype(
            np.float32
        )


PARAMETRISATIONS = ("pixels", "fourier")


def frequencies(sides: Sequence[int]) -> NDArray[np.float64]:
    """The length of each wave's frequency vector, in cycles per pixel, as a real Fourier transform orders them."""
    axes = [*(np.fft.fftfreq(side) for side in sides[:-1]), np.fft.rfftfreq(sides[-1])]
    squares = [axis**2 for axis in np.meshgrid(*axes, indexing="ij")]
    return np.sqrt(np.sum(squares, axis=0, dtype=np.float64))


def inverse_transform(spectrum: Parameters, sides: Sequence[int]) -> Images:
    """Real images (..., sides) of a spectrum whose last axis holds real and imaginary parts."""
    complex_ = spectrum[..., 0] + 1j * spectrum[..., 1]
    return np.fft.irfftn(complex_, s=tuple(sides), axes=tuple(range(-len(sides), 0))).astype(spectrum.dtype)


def spectrum_of(images: Images, places: int) -> Parameters:
    """The spectrum that `inverse_transform` makes `images`, with `places` spatial axes, of."""
    found = np.fft.rfftn(images, axes=tuple(range(-places, 0)))
    return np.stack([found.real, found.imag], axis=-1).astype(images.dtype)


def inverse_adjoint(gradient: Images, places: int) -> Parameters:
    """The adjoint of `inverse_transform`: from the gradient at the images to that at the spectrum.

    A real transform keeps one of each pair of conjugate waves, so all count twice but those along the last axis that
    are their own partners: the constant, and of an even side the fastest.
    """
    side = gradient.shape[-1]
    twice = np.full(side // 2 + 1, 2.0)
    twice[0] = 1
    if side % 2 == 0:
        twice[-1] = 1
    share = twice / math.prod(gradient.shape[-places:])
    return spectrum_of(gradient, places) * share[:, None].astype(gradient.dtype)
