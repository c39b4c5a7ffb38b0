"""Is what was built what `explain` says? And what does it cost? Both asked of the graph before it is written."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError, ModelError
from inspector.explain import Explanation
from inspector.explain.targeted import find_places
from inspector.model import FLOATS, TensorInfo
from inspector.objectives import Entry, Evaluator
from inspector.session import Array, Feeds, Session

__all__ = ["Proof", "compare", "probe", "slowdown"]

# what rounding may do to a heatmap in [-1, 1]; `explain` and the file are two graphs, whose nodes the runtime fuses
# otherwise, and it computes halves with other roundings in each
TOLERANCE = {"float16": 0.05, "bfloat16": 0.2}
# seconds for the measurement, and the least number of runs
PATIENCE, RUNS = 2.0, 3
SAMPLES = 2


@dataclass(frozen=True)
class Proof:
    """How far the file's outputs are from the model's, relative to the largest, and its heatmap from `explain`."""

    outputs: float
    heatmap: float


def probe(evaluator: Evaluator, entry: Entry, seed: int = 0) -> Feeds:
    """An input made of noise: two samples where the file takes any number; sizes that it leaves open are assumed.

    Raises:
        InputError: an input is no tensor, or of a shape that the file does not say.
    """
    rng = np.random.default_rng(seed)
    shapes = find_places(evaluator, entry).shapes
    samples = evaluator.model.fixed_batch or SAMPLES
    feeds: Feeds = {}
    for tensor in evaluator.model.inputs:
        shape = shapes.get(tensor.name)
        if tensor.dtype is None or shape is None:
            raise InputError(f"the input '{tensor.name}' cannot be made up: give an example (x=)")
        if tensor.name in evaluator.model.batched_inputs and shape:
            shape = (samples, *shape[1:])
        feeds[tensor.name] = _noise(tensor, shape, rng)
    return feeds


def _noise(tensor: TensorInfo, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    dtype = np.dtype(tensor.dtype)
    if tensor.dtype in FLOATS:
        return rng.standard_normal(shape).astype(dtype)
    # bytes of a picture; other integers may be places in a table of any length
    if len(shape) > 2 and dtype.kind in "iu":
        return rng.integers(0, 256 if dtype.itemsize > 1 or dtype.kind == "u" else 128, shape).astype(dtype)
    return np.zeros(shape, dtype)


def compare(found: dict[str, Array], own: dict[str, Array], explained: Explanation, heatmap: Array) -> Proof:
    """Compare what the file returns with the model and with `explain`.

    Raises:
        ModelError: they differ by more than rounding makes up.
    """
    outputs = max((_distance(found[name], array) for name, array in own.items()), default=0.0)
    away = float(np.abs(heatmap - explained.heatmap).max(initial=0.0))
    allowed = max((TOLERANCE.get(str(array.dtype), 1e-3) for array in own.values()), default=1e-3)
    if not max(outputs, away) <= allowed:
        raise ModelError(
            f"the file would differ from this model by {outputs:.2g} in its outputs, and from `explain` by {away:.2g} "
            "in its heatmap: it is not written; please report this model"
        )
    return Proof(outputs, away)


def _distance(one: Array, other: Array) -> float:
    """The largest difference relative to the largest number; of what is no number whether they differ."""
    if not isinstance(one, np.ndarray) or one.dtype.kind not in "fiub":
        return 0.0
    first, second = (np.nan_to_num(each.astype(np.float64)) for each in (one, other))
    largest = float(np.abs(second).max(initial=0.0))
    away: NDArray[np.float64] = np.abs(first - second)
    return float(away.max(initial=0.0)) / (largest or 1.0)


def slowdown(before: Session, after: Session, feeds: Feeds, extra: Feeds) -> float:
    """How many times as long a run takes: the quickest of some of each, in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    start = time.perf_counter()
    while len(times[0]) < RUNS or (time.perf_counter() - start < PATIENCE / 2 and len(times[0]) < 10 * RUNS):
        for session, given, kept in ((before, feeds, times[0]), (after, {**feeds, **extra}, times[1])):
            begun = time.perf_counter()
            session.run(given)
            kept.append(time.perf_counter() - begun)
        if time.perf_counter() - start > PATIENCE and len(times[0]) > 1:
            break
    return min(times[1]) / min(times[0])
