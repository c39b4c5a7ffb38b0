"""Runs an exported file beside the framework on random input and refuses any difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.errors import ExportError

__all__ = ["TOLERANCE", "Array", "InputSpec", "compare", "random_feed", "run_file"]

Array = NDArray[Any]
TOLERANCE = 1e-5


@dataclass(frozen=True)
class InputSpec:
    """One input: its shape at batch size 1, whether axis 0 is the batch, and the range whole numbers are drawn from."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    batched: bool = True
    low: int = 0
    high: int = 1  # inclusive


def random_feed(specs: Sequence[InputSpec], batch: int, rng: np.random.Generator) -> dict[str, Array]:
    """Random values for every input: standard normal floats, whole numbers within the spec's range."""
    feed: dict[str, Array] = {}
    for spec in specs:
        shape = (batch, *spec.shape[1:]) if spec.batched else spec.shape
        value: Array
        if spec.dtype.kind == "f":
            value = rng.standard_normal(shape)
        else:
            value = rng.integers(spec.low, spec.high, size=shape, endpoint=True)
        feed[spec.name] = np.asarray(value).astype(spec.dtype)
    return feed


def run_file(path: Path, feeds: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
    """The outputs of the file on the CPU, once per feed. Raises ExportError if the runtime refuses the file."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        known = {value.name for value in session.get_inputs()}
        results: list[dict[str, Array]] = []
        for feed in feeds:
            values = session.run(names, {name: value for name, value in feed.items() if name in known})
            results.append({name: np.asarray(value) for name, value in zip(names, values, strict=True)})
        return results
    except Exception as error:  # the runtime's own exceptions share no base
        raise ExportError(f"onnxruntime cannot run the exported file: {str(error).strip()}") from error


def compare(
    expected: Mapping[str, Array], actual: Mapping[str, Array], tolerance: float = TOLERANCE
) -> dict[str, float]:
    """Largest difference of each output, relative to that output's largest magnitude.

    `tolerance` holds for float32 and float64; a float16 output may differ by eight of its own rounding steps, whole
    numbers not at all. Raises ExportError naming the output that differs, and one with no finite value to compare.
    """
    errors: dict[str, float] = {}
    for name, want in expected.items():
        have = actual[name]
        if have.shape != want.shape:
            raise ExportError(
                f"output {name!r} has shape {have.shape} in the exported file and {want.shape} in the framework"
            )
        errors[name] = _difference(name, want, have)
        allowed = tolerance
        if want.dtype == np.float16:
            allowed = max(tolerance, 8 * float(np.finfo(np.float16).eps))
        if not errors[name] <= allowed:
            raise ExportError(
                f"output {name!r} differs from the framework's by {errors[name]:.3g} of its largest magnitude "
                f"(allowed {allowed:.3g}), so the file was not kept. A model that draws random numbers or keeps "
                "state between calls cannot be verified"
            )
    return errors


def _difference(name: str, want: Array, have: Array) -> float:
    if want.size == 0:
        return 0.0
    if want.dtype.kind not in "fc":
        return 0.0 if np.array_equal(want, have) else float("inf")
    wide_want, wide_have = want.astype(np.float64), have.astype(np.float64)
    finite = np.isfinite(wide_want)
    if not finite.any():
        raise ExportError(
            f"output {name!r} of the framework is not finite on random input: nothing to compare"
        )
    if not np.array_equal(wide_want[~finite], wide_have[~finite], equal_nan=True):
        return float("inf")
    largest = float(np.abs(wide_want[finite]).max())
    gap = float(np.abs(wide_want[finite] - wide_have[finite]).max())
    return gap / largest if largest else gap
