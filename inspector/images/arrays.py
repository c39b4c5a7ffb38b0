"""`.npy` and `.npz` files: the tensor itself, or one array per input name."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.images.layout import describe
from inspector.model.layer import TensorInfo, shape_text

__all__ = ["check_array", "read_arrays"]


def read_arrays(path: Path, inputs: Sequence[TensorInfo], main: TensorInfo) -> dict[str, NDArray[Any]]:
    """The arrays of `path` keyed by input name, checked, in the inputs' dtypes, each with its batch axis.

    A `.npy` file feeds `main`; a `.npz` file has one array per input, by name, or a single one for `main`.
    Raises InputError where a file is broken, holds pickled objects, or does not fit the inputs.
    """
    found = _read(path)
    if isinstance(found, np.ndarray):
        named = {main.name: found}
    elif len(found) == 1 and main.name not in found:
        named = {main.name: next(iter(found.values()))}
    else:
        named = found
    by_name = {spec.name: spec for spec in inputs}
    if unknown := sorted(set(named) - set(by_name)):
        raise InputError(
            f"{path} holds {', '.join(unknown)}, which the model has no input for: it has {', '.join(by_name)}."
        )
    if missing := [name for name in by_name if name not in named]:
        raise InputError(
            f"{path} lacks the input{'s' if len(missing) > 1 else ''} {', '.join(missing)}: give a .npz with one array "
            f"per input ({', '.join(map(describe, inputs))})."
        )
    return {name: check_array(array, by_name[name], str(path)) for name, array in named.items()}


def _read(path: Path) -> NDArray[Any] | dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            return {name: loaded[name] for name in loaded.files}
    except PermissionError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        pickled = "pickle" in str(error).lower()
        why = (
            "holds pickled Python objects, which are never loaded"
            if pickled
            else "is no readable .npy or .npz file"
        )
        raise InputError(f"{path} {why}: save plain arrays with numpy.save or numpy.savez.") from error


def check_array(array: NDArray[Any], spec: TensorInfo, where: str) -> NDArray[Any]:
    """`array` in the dtype of `spec`, with a batch axis added where it alone is missing.

    Raises InputError, with expected and given shape and dtype, where it does not fit; also for NaN and infinity.
    """
    given = f"{where} has {array.dtype.name} {shape_text(array.shape)}"
    expected = f"the input is {describe(spec)}"
    wanted = _dtype(spec)
    if wanted.kind == "U":
        if array.dtype.kind != "U":
            raise InputError(f"{given}, {expected}: the type does not fit.")
        wanted = array.dtype
    elif array.dtype.kind not in "biuf" or (wanted.kind in "iub" and array.dtype.kind == "f"):
        raise InputError(f"{given}, {expected}: the type does not fit.")
    if spec.shape is not None:
        if array.ndim == len(spec.shape) - 1 and _fits(array.shape, spec.shape[1:]):
            array = array[None]
        if array.ndim != len(spec.shape) or not _fits(array.shape[1:], spec.shape[1:]):
            raise InputError(f"{given}, {expected}: the shape does not fit.")
    if array.size == 0:
        raise InputError(f"{given}: it is empty.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        count = int(np.count_nonzero(~np.isfinite(array)))
        raise InputError(f"{where} holds {count} NaN or infinite value{'s' if count > 1 else ''}.")
    if wanted.kind in "iu":
        limits = np.iinfo(wanted)
        if array.min() < limits.min or array.max() > limits.max:
            raise InputError(f"{given}, with values outside {wanted.name}; {expected}.")
    return np.ascontiguousarray(array.astype(wanted, copy=False))


def _dtype(spec: TensorInfo) -> np.dtype[Any]:
    """NumPy's type; of types that it does not know (bfloat16, 4-bit numbers) there are no arrays to read."""
    if spec.dtype == "string":
        return np.dtype(np.str_)
    try:
        return np.dtype(spec.dtype or np.float32)
    except TypeError:
        raise InputError(f"the input is {describe(spec)}: NumPy's files hold no {spec.dtype}.") from None


def _fits(given: Sequence[int], wanted: Sequence[int | str | None]) -> bool:
    return len(given) == len(wanted) and all(
        not isinstance(w, int) or w <= 0 or g == w for g, w in zip(given, wanted, strict=True)
    )
