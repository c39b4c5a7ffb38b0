"""What networks are fed: noise that is the same for everyone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.work import Work

__all__ = ["channels_first", "images"]


def channels_first(work: Work) -> NDArray[np.float32]:
    """(N, C, H, W), as if scaled by mean and deviation."""
    shape = (work.batch, work.spec.channels, work.size, work.size)
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def images(work: Work) -> NDArray[np.floating]:
    """In the layout of the network's framework, and the precision asked for."""
    x = channels_first(work).astype(work.precision, copy=False)
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if work.spec.framework == "keras" else x
