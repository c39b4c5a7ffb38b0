"""Scatters, which onnx.reference walks element by element."""

from __future__ import annotations

import numpy as np

from inspector.check.kernels.call import Array, Call

__all__ = ["gather_elements", "gather_nd", "one_hot", "scatter_elements", "scatter_nd"]

_REDUCTIONS: dict[str, np.ufunc] = {
    "add": np.add,
    "mul": np.multiply,
    "min": np.minimum,
    "max": np.maximum,
}


def gather_elements(_: Call, data: Array, indices: Array, *, axis: int = 0) -> Array:
    found: Array = data[_places(data, indices, axis)]
    return found


def scatter_elements(
    _: Call, data: Array, indices: Array, updates: Array, *, axis: int = 0, reduction: str | None = "none"
) -> Array:
    return _scatter(data, _places(data, indices, axis), updates, reduction)


def _places(data: Array, indices: Array, axis: int) -> tuple[Array, ...]:
    """Where in `data` each of `indices` points: along `axis` where it says, along the others to its own place."""
    along = axis % data.ndim
    place = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    place[along] = np.where(indices < 0, indices + data.shape[along], indices)
    return tuple(place)


def scatter_nd(
    _: Call, data: Array, indices: Array, updates: Array, *, reduction: str | None = "none"
) -> Array:
    return _scatter(data, tuple(np.moveaxis(indices, -1, 0)), updates, reduction)


def gather_nd(_: Call, data: Array, indices: Array, *, batch_dims: int = 0) -> Array:
    batch = np.ogrid[tuple(slice(n) for n in data.shape[:batch_dims])] if batch_dims else []
    tail = indices.ndim - 1 - batch_dims
    lead = [b.reshape(b.shape + (1,) * tail) for b in batch]
    result: Array = data[(*lead, *np.moveaxis(indices, -1, 0))]
    return result


def one_hot(_: Call, indices: Array, depth: Array, values: Array, *, axis: int = -1) -> Array:
    """The depth may be a vector of one element."""
    count = int(np.asarray(depth).reshape(-1)[0])
    places = np.expand_dims(indices.astype(np.int64), axis % (indices.ndim + 1))
    along = [-1 if each == axis % (indices.ndim + 1) else 1 for each in range(indices.ndim + 1)]
    inside = (places >= -count) & (places < count)
    marked = inside & (np.arange(count).reshape(along) == places % count)
    result: Array = np.where(marked, values[1], values[0])
    return result


def _scatter(data: Array, place: tuple[Array, ...], updates: Array, reduction: str | None) -> Array:
    result = data.copy()
    if reduction in (None, "none"):
        result[place] = updates
    else:
        _REDUCTIONS[str(reduction)].at(result, place, updates)
    return result
