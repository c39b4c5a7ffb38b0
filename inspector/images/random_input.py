"""An input made of noise, for questions that need some input and no particular one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.images.layout import picture_layout
from inspector.images.preprocess import picture_input, preprocessing_for
from inspector.model.layer import Dim, TensorInfo
from inspector.model.metadata import Metadata

__all__ = ["random_feeds"]

# what a dynamic axis gets: enough for a few strides of pooling
DYNAMIC_PICTURE, DYNAMIC_AXIS = 64, 8


def random_feeds(
    inputs: Sequence[TensorInfo], metadata: Metadata | None = None, seed: int = 0, **options: Any
) -> dict[str, NDArray[Any]]:
    """One sample for every input, the same for the same seed.

    The picture's input gets uniform noise pixels, pre-processed as a picture is (`options` as for `preprocessing_for`);
    other floating-point inputs normal noise; integers and booleans, which may be indices, zeros.
    """
    rng = np.random.default_rng(seed)
    main = picture_input(inputs)
    feeds: dict[str, NDArray[Any]] = {}
    for spec in inputs:
        recipe = metadata.input if metadata is not None else None
        if spec is main and picture_layout(spec.shape, recipe.layout if recipe else None) is not None:
            preprocessing = preprocessing_for(spec, metadata, **options)
            height, width = preprocessing.size or (DYNAMIC_PICTURE, DYNAMIC_PICTURE)
            pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
            feeds[spec.name] = preprocessing.apply(pixels)[0]
        else:
            feeds[spec.name] = _noise(spec, rng)
    return feeds


def _noise(spec: TensorInfo, rng: np.random.Generator) -> NDArray[Any]:
    shape = [_extent(axis, first=i == 0) for i, axis in enumerate(spec.shape or ())]
    dtype = np.dtype(spec.dtype or np.float32)
    return rng.standard_normal(shape).astype(dtype) if dtype.kind == "f" else np.zeros(shape, dtype)


def _extent(axis: Dim, first: bool) -> int:
    if isinstance(axis, int):
        return axis
    return 1 if first else DYNAMIC_AXIS
