"""Maps of slightly changed pictures, averaged: the same evidence without the accidents of one grid of pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from inspector.errors import InspectorError
from inspector.explain.options import with_options
from inspector.explain.positions import positions
from inspector.explain.relevance import Maps, Relevance, Scene

__all__ = ["FACTORS", "augmented"]

FACTORS = (0.9, 1.0, 1.1)
"""Contrasts: what the values fed to the model are multiplied by."""


def augmented(attribute: Callable[..., Relevance]) -> Callable[..., Relevance]:
    """`attribute` with a further option `aug_smooth`.

    With it, the map is the mean of those of six pictures (pytorch-grad-cam's `aug_smooth`): as they are and mirrored
    left to right, times 0.9, 1 and 1.1; each divided by its maximum, mirrored maps turned back. All are asked for the
    class of the picture as it is.
    """

    @with_options(attribute)
    def smoothed(scene: Scene, *, aug_smooth: bool = False, **options: Any) -> Relevance:
        if not aug_smooth:
            return attribute(scene, **options)
        first = attribute(scene, **options)
        maps = [_scaled(first.maps)]
        for mirrored in (False, True):
            for factor in FACTORS:
                if mirrored or factor != 1:
                    found = attribute(_changed(scene, mirrored, factor), **options).maps
                    maps.append(_scaled(found[..., ::-1] if mirrored else found))
        return replace(first, maps=np.mean(maps, axis=0))

    return smoothed


def _changed(scene: Scene, mirrored: bool, factor: float) -> Scene:
    """The same question of the pictures times `factor`, mirrored along their last axis.

    Raises:
        InspectorError: the input is no picture.
    """
    source = scene.source
    if scene.entry.reads_tokens or len(scene.sides) < 2:
        raise InspectorError("aug_smooth mirrors pictures: this model's input is none")
    x = source.x * source.x.dtype.type(factor)
    if mirrored:
        places = positions(scene.source_folded, x, source.tensor)
        flat = x.reshape(len(x), -1)
        flat[:, places] = flat[:, places[..., ::-1]]
        x = flat.reshape(x.shape)
    return replace(scene, subject=source.at(x, range(len(x))))


def _scaled(maps: Maps) -> Maps:
    largest = np.abs(maps).max(axis=tuple(range(1, maps.ndim)), keepdims=True)
    scaled: Maps = np.divide(maps, largest, out=np.zeros_like(maps), where=largest > 0)
    return scaled
