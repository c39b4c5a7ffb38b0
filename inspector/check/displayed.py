"""The displayed gradient beside the float64 one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto, TensorProto

from inspector.check.cut import between
from inspector.check.decisions import NearTies, Runs, differing, find_decisions, find_near_ties
from inspector.check.reference import Array, Float64Evaluator
from inspector.check.sides import MOST, Flip, Side, find_flips, sides_taken, taken_together, with_sides
from inspector.check.single import Float32Evaluator
from inspector.check.wording import Displayed

if TYPE_CHECKING:
    from inspector.check.gradient import Problem

__all__ = ["compare_displayed"]

LIMIT = 1e-5
"""Largest relative L2 distance of the displayed gradient from the float64 one."""
HALF_LIMIT = 1e-2
"""The same where the gradient graph has half-precision values: their last digit is 1e-3."""
HALF_MOST = 0.1
"""What half precision may move a gradient by and still tell something of it."""
MOVES = 8
"""Runs in float32 on inputs moved by rounding, spent where the distance is beyond the limit."""
ROUNDED = 3
"""Runs in float64 with rounding errors of float32's size."""
FEW = 64
"""Differing decisions above which only the first run is asked."""
EPS = float(np.finfo(np.float32).eps)


def compare_displayed(
    problem: Problem, double: Float64Evaluator, exact: Array, random: np.random.Generator
) -> Displayed:
    """Measure the displayed gradient against the float64 one, `exact`, at the tensor's own value.

    Where a ReLU or a maximum is nearer to its kink than float32 rounding, float32 may rightly fall on its other side.
    So where the two gradients differ by more than the limit, the float64 one is computed again with the decisions that
    float32 takes, provided that rounding leaves each of them open (`inspector.check.decisions`). What the displayed one
    then differs by must be within the limit, or twice what float32 rounding makes of the gradient while no decision
    changes. The decisions are those of a float32 run on the inputs, failing that of runs on inputs moved by rounding,
    which changes every rounding behind them; failing these, those of the near ties of all runs that together explain
    best what it differs by (`inspector.check.sides`).

    In half precision decisions cannot be had: the runtime computes its operators in float32, and where it rounds
    between them depends on what is asked for. There twice what rounding makes of the gradient, decisions and all, is
    the limit, where that is not more than `HALF_MOST`.

    Args:
        problem: that the check is of.
        double: of the gradient graph.
        exact: (*tensor's shape), float64.
        random: moves the inputs.
    """
    name = f"gradient.{problem.tensor}"
    feeds = problem.gradient_feeds
    shown = problem.displayed
    if shown is None:
        shown = Float32Evaluator(problem.gradient).run([name], feeds)[0]
    half = shown.dtype == np.float16 or _has_half(problem.gradient)
    limit = HALF_LIMIT if half else LIMIT
    apart = _relative(shown, exact)
    if apart <= limit or not exact.any() or not np.isfinite(apart):
        return Displayed(apart, limit, limit)

    single = Float32Evaluator(problem.gradient)
    runs = Runs(double, single, (feeds, *_moved(_movable(problem, single), feeds, random)))
    if half:
        spread = _spread(runs, name, {}, random)
        reach = max(limit, 2 * spread) if spread <= HALF_MOST else limit
        return Displayed(apart, limit, reach, unsure=reach < apart <= 2 * spread)
    decisions = find_decisions(problem.gradient, name)
    names = [decision.name for decision in decisions]
    own = dict(zip(names, double.run(names, feeds), strict=True))
    gradients: list[Array] = []
    seen: set[bytes] = set()
    sides: dict[Side, None] = {}
    for feed in runs.feeds:
        gradient, *values = single.run([name, *names], feed)
        gradients.append(gradient)
        taken = dict(zip(names, values, strict=True))
        others = sum(differing(taken[each], own[each]) for each in names)
        digest = _digest(values)
        # another run will not take the same ones of many by chance
        if digest in seen or (seen and others > FEW):
            seen.add(digest)
            continue
        seen.add(digest)
        ties = find_near_ties(decisions, taken, own, runs, feed)
        if ties is None:
            continue
        sides.update(dict.fromkeys(sides_taken(taken, own)))
        (pinned,) = double.run([name], {**feeds, **taken})
        error = _relative(shown, pinned)
        reach = limit if error <= limit else max(limit, 2 * _spread(runs, name, taken, random))
        if error <= reach:
            return Displayed(error, limit, reach, ties, apart)
    equal = {decision.name for decision in decisions if decision.op_type == "Equal"}
    flips = taken_together(sides, own, equal)
    if 1 < len(flips) <= MOST:
        found = _mixed(shown, exact, runs, name, own, flips, limit, random)
        deciding = [each for each in decisions if each.name in {side.name for side in found.sides}]
        ties = NearTies(
            len(found.sides),
            sum(own[each.name].size for each in deciding),
            tuple(dict.fromkeys(each.op_type for each in deciding)),
        )
        if found.error <= found.reach:
            return Displayed(found.error, limit, found.reach, ties, apart)
    moved = max(_relative(other, gradients[0]) for other in gradients[1:])
    # where runs repeat each other's decisions, those of the displayed gradient would have been among them
    unsure = len(seen) == len(runs.feeds) and apart <= 2 * moved
    return Displayed(apart, limit, limit, unsure=unsure)


@dataclass(frozen=True)
class _Mixed:
    """The displayed gradient's distance from the float64 one with `sides` taken, and what it may be."""

    sides: list[Side]
    error: float
    reach: float


def _mixed(
    shown: Array,
    exact: Array,
    runs: Runs,
    name: str,
    own: Mapping[str, Array],
    flips: list[Flip],
    limit: float,
    random: np.random.Generator,
) -> _Mixed:
    """Runs differ from each other in the near ties that they decide otherwise, and the displayed one from all of them:
    every tie is one that rounding leaves open, but no run took the sides that it did.
    """
    feeds = runs.feeds[0]
    like = exact[: len(shown)] if shown.ndim else exact

    def gradient(some: Sequence[Side]) -> Array:
        (found,) = runs.double.run([name], {**feeds, **with_sides(own, some)})
        return np.asarray(found[: len(shown)] if shown.ndim else found, dtype=np.float64)

    chosen = [side for flip in find_flips(shown, like, gradient, flips) for side in flip]
    error = _relative(shown, gradient(chosen))
    reach = limit if error <= limit else max(limit, 2 * _spread(runs, name, with_sides(own, chosen), random))
    return _Mixed(chosen, error, reach)


def _has_half(model: ModelProto) -> bool:
    """Whether anything is cast to half precision on the way to the gradient."""
    names = [value.name for value in model.graph.output]
    inputs = {value.name for value in model.graph.input}
    return any(
        node.op_type == "Cast" and any(each.i == TensorProto.FLOAT16 for each in node.attribute)
        for node in between(model.graph.node, inputs, names)
    )


def _relative(one: Array, exact: Array) -> float:
    """Relative L2 distance; of a file with a fixed batch, one sample is shown of several equal ones."""
    like = np.asarray(exact[: len(one)] if one.ndim else exact, dtype=np.float64)
    distance = float(np.linalg.norm(np.asarray(one, dtype=np.float64) - like))
    return distance / float(np.linalg.norm(like)) if like.any() else (0.0 if distance == 0 else float("inf"))


def _spread(runs: Runs, name: str, taken: Mapping[str, Array], random: np.random.Generator) -> float:
    """How far float32 rounding moves the gradient with these decisions: that of the inputs, and that of every value."""
    unmoved, *others = (runs.single.run([name], {**feed, **taken})[0] for feed in runs.feeds)
    feeds = {**runs.feeds[0], **taken}
    exact, *rounded = (runs.double.run([name], feeds, each)[0] for each in (None, *(random,) * ROUNDED))
    spreads = [_relative(other, unmoved) for other in others] + [_relative(each, exact) for each in rounded]
    # (NaN: rounding has left a domain)
    return max((spread for spread in spreads if spread == spread), default=0.0)


def _digest(values: Iterable[Array]) -> bytes:
    found = sha256()
    for value in values:
        found.update(np.ascontiguousarray(value).tobytes())
    return found.digest()


def _movable(problem: Problem, single: Float32Evaluator) -> dict[str, Array]:
    """What rounding is added to: the floating-point inputs; where there are none (token ids), the tensor itself."""
    feeds = problem.gradient_feeds
    floats = {
        name: value
        for name, value in feeds.items()
        # (others are the gradient graph's own: cotangents, weights of targets)
        if name in problem.feeds and isinstance(value, np.ndarray) and value.dtype.kind == "f"
    }
    return floats or {problem.tensor: single.run([problem.tensor], feeds)[0]}


def _moved(
    movable: Mapping[str, Array], feeds: Mapping[str, Array], random: np.random.Generator
) -> Iterator[dict[str, Array]]:
    """The feeds `MOVES` times, `movable` among them moved by four units in the last place of their largest."""
    for _ in range(MOVES):
        moved = dict(feeds)
        for name, value in movable.items():
            eps = max(float(np.finfo(value.dtype).eps), EPS)
            reach = 4 * eps * float(np.abs(value).max(initial=0.0))
            moved[name] = (value + reach * random.uniform(-1, 1, value.shape)).astype(value.dtype)
        yield moved
