"""What is fed to a model, checked against what it expects before the runtime sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inspector.errors import InputError
from inspector.model import TensorInfo, shape_text

__all__ = ["Array", "Feeds", "batch_size", "check_feeds"]

Array: TypeAlias = NDArray[Any]
Feeds: TypeAlias = "dict[str, Array]"


def check_feeds(inputs: Sequence[TensorInfo], x: ArrayLike | Mapping[str, ArrayLike]) -> Feeds:
    """`x` as one array per input. The first dimension may differ from a fixed one: the file is then run in slices.

    Raises:
        InputError: an input is missing or unknown, has another shape or dtype (both are given), or holds NaN or
            infinity.
    """
    feeds = _by_name(inputs, x)
    named: dict[str, tuple[int, str]] = {}
    for expected in inputs:
        given = feeds[expected.name]
        if expected.dtype is None:
            # a sequence, an optional, a map: the runtime knows what it takes
            continue
        _check_dtype(expected, given)
        _check_shape(expected, given)
        # the names of other dimensions are often wrong in real files, and the runtime does not mind
        batch = expected.shape[0] if expected.shape else None
        if isinstance(batch, str):
            size, where = named.setdefault(batch, (len(given), expected.name))
            if size != len(given):
                raise InputError(
                    f"inputs '{where}' and '{expected.name}' share the dimension '{batch}', but have {size} and "
                    f"{len(given)} there"
                )
        if given.size == 0:
            raise InputError(f"input '{expected.name}' is empty: shape {given.shape}")
        if given.dtype.kind == "f" and not np.isfinite(given).all():
            kind = "NaN" if np.isnan(given).any() else "infinity"
            raise InputError(f"input '{expected.name}' contains {kind}")
    return feeds


def batch_size(feeds: Feeds) -> int:
    """The number of samples: length of the first axis of the first input that is a tensor."""
    first = next((array for array in feeds.values() if isinstance(array, np.ndarray)), None)
    return int(first.shape[0]) if first is not None and first.ndim else 1


def _by_name(inputs: Sequence[TensorInfo], x: ArrayLike | Mapping[str, ArrayLike]) -> Feeds:
    names = [tensor.name for tensor in inputs]
    if isinstance(x, Mapping):
        unknown = [name for name in x if name not in names]
        # what is no tensor may be an optional
        missing = [tensor.name for tensor in inputs if tensor.name not in x and tensor.dtype is not None]
        if unknown:
            raise InputError(f"the model has no input '{unknown[0]}'; its inputs are {_listing(inputs)}")
        if missing:
            raise InputError(f"input '{missing[0]}' is missing; the model's inputs are {_listing(inputs)}")
        return {tensor.name: _as_array(tensor, x.get(tensor.name)) for tensor in inputs}
    if len(names) != 1:
        raise InputError(f"the model has {len(names)} inputs: give a dict with {_listing(inputs)}")
    return {names[0]: _as_array(inputs[0], x)}


def _as_array(expected: TensorInfo, x: Any) -> Any:
    if expected.dtype is None:
        return x
    try:
        return np.asarray(x)
    except ValueError as error:
        raise InputError(
            f"input '{expected.name}': expected {_describe(expected)}, given a list whose parts differ in length"
        ) from error


def _check_dtype(expected: TensorInfo, given: Array) -> None:
    if expected.dtype is None:
        return
    matches = given.dtype.kind in "OUS" if expected.dtype == "string" else given.dtype.name == expected.dtype
    if not matches:
        numbers = given.dtype.kind in "biuf"
        hint = f"; convert it with np.asarray(x, dtype='{expected.dtype}')" if numbers else ""
        raise InputError(
            f"input '{expected.name}': expected {_describe(expected)}, "
            f"given {given.dtype.name} {shape_text(given.shape)}{hint}"
        )


def _check_shape(expected: TensorInfo, given: Array) -> None:
    if expected.shape is None:
        return
    fits = len(expected.shape) == given.ndim and all(
        not isinstance(dim, int) or dim == size or axis == 0
        for axis, (dim, size) in enumerate(zip(expected.shape, given.shape, strict=False))
    )
    if not fits:
        hint = ""
        if given.ndim == len(expected.shape) - 1:
            hint = "; the batch axis is missing: give x[None]"
        raise InputError(
            f"input '{expected.name}': expected {_describe(expected)}, "
            f"given {given.dtype.name} {shape_text(given.shape)}{hint}"
        )


def _listing(inputs: Sequence[TensorInfo]) -> str:
    return ", ".join(f"'{tensor.name}' {_describe(tensor)}" for tensor in inputs)


def _describe(tensor: TensorInfo) -> str:
    return f"{tensor.dtype or 'any type'} {shape_text(tensor.shape)}"
