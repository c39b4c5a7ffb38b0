"""Small random movements: what excites a neuron only pixel by pixel does not survive them.

Olah, Mordvintsev & Schubert, "Feature Visualization", Distill 2017, section "Transformation robustness"; jitter alone
is Mordvintsev, Olah & Tyka, "Inceptionism", 2015.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from inspector.errors import InputError
from inspector.features.resampling import Resampling

__all__ = ["TRANSFORMS", "draw", "find_transforms", "robust"]

TRANSFORMS = {
    "jitter": "the largest shift along each axis, in whole pixels",
    "scale": "the largest change of size: 0.1 is from 0.9 to 1.1 times",
    "rotate": "the largest angle, in degrees; of images with two or three spatial axes",
}


def robust(sides: Sequence[int]) -> dict[str, float]:
    """Those that parametrisations use which need them: a sixteenth of the side, a tenth, ten degrees."""
    return {"jitter": round(min(sides) / 16), "scale": 0.1, "rotate": 10.0 if len(sides) > 1 else 0.0}


def find_transforms(given: Mapping[str, float], sides: Sequence[int]) -> dict[str, float]:
    """The transforms `given`, by name.

    Raises:
        InputError: an unknown name, a negative number, or an input without places.
    """
    if not isinstance(given, Mapping):
        raise InputError(f"transforms are given by name, such as {{'jitter': 8}}, not {given!r}")
    for name, reach in given.items():
        if name not in TRANSFORMS:
            known = "; ".join(f"{each}: {meaning}" for each, meaning in TRANSFORMS.items())
            raise InputError(f"no transform '{name}'; {known}")
        if not 0 <= reach < np.inf or (name == "scale" and reach >= 1):
            raise InputError(f"transform {name}={reach} is out of range; it is {TRANSFORMS[name]}")
    moving = {name: reach for name, reach in given.items() if reach}
    if moving and not sides:
        raise InputError("the model's input has no spatial axes: nothing can be moved in it (transforms={})")
    if "rotate" in moving and len(sides) < 2:
        raise InputError("an input with a single spatial axis cannot be rotated")
    return moving


def draw(
    transforms: Mapping[str, float], sides: Sequence[int], rng: np.random.Generator
) -> Resampling | None:
    """One random movement, for all images of a step; None where there is nothing to move."""
    if not transforms:
        return None
    reach = int(transforms.get("jitter", 0))
    shift = rng.integers(-reach, reach + 1, len(sides)).astype(np.float64)
    size = 1 + rng.uniform(-1, 1) * transforms.get("scale", 0.0)
    angle = np.radians(rng.uniform(-1, 1) * transforms.get("rotate", 0.0))
    matrix = np.eye(len(sides)) / size
    if len(sides) > 1:
        matrix[-2:, -2:] = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / size
    return Resampling(sides, matrix, shift)
