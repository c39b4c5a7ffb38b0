"""The check of one gradient: finite differences of the file against the gradient graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from inspector.check.directions import choose_directions, keep_equal
from inspector.check.displayed import compare_displayed
from inspector.check.double import to_single
from inspector.check.forward import Behind, Evaluator, Forward, ScoreOf
from inspector.check.reference import Array, Cost, DoublePrecisionError, Float64Evaluator, MemoryBoundError
from inspector.check.richardson import extrapolate_slopes
from inspector.check.single import Float32Evaluator
from inspector.check.stencil import FEWEST, TOLERANCE, Score, Slope, measure_noise, measure_slopes
from inspector.check.verdict import Against, GradientCheck, Precision
from inspector.check.wording import UNKNOWN, Comparison, describe

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["Problem", "check_problem"]

NOISES = (0.01, 0.1)
"""Amplitudes of the noise added to the tensor, as a share of its largest magnitude: where more than half of the
directions meet a kink, the next is tried."""
BUDGET = 800_000_000_000
"""Multiplications and additions (see `Cost`) that differences in double precision may take: about two minutes of one
core. A direction takes four evaluations of the score, or as many again for each further step that it needs. Kinks make
more steps necessary, and further rounds beside the value: see `FURTHER`."""
FURTHER = 2
"""What the evaluations may be in all after another round, as a multiple of those after the one before it."""
STEPS = 2
"""Steps, of four evaluations each, that a direction is expected to take."""
COPIES, FEWEST_COPIES = 7, 2
"""Evaluations that tell the score's rounding, and how many of the fewest directions do."""
TOO_MUCH = 4 * BUDGET // (4 * FEWEST + FEWEST_COPIES + 1)
"""Multiplications and additions of one evaluation above which the check is made in float32: the fewest directions, of
one step each, would take four times the budget."""
MEMORY = 6 * 2**30
"""Bytes of values that the gradient graph may hold at once in double precision, or the check is made in float32."""
FASTER = 4
"""How many times as fast the runtime is in float32 as `Float64Evaluator`."""


class _TooMuch(DoublePrecisionError):
    """Double precision would take too long, or too much memory; `cost` is that of one evaluation in it."""

    def __init__(self, message: str, cost: Cost) -> None:
        super().__init__(message)
        self.cost = cost


@dataclass(frozen=True)
class Problem:
    """A gradient to be checked, and the function that it should be the gradient of.

    Attributes:
        model: the file as loaded; its main graph computes `tensor` and `outputs`.
        tensor: name of the tensor that the gradient is with respect to.
        outputs: names of the tensors that the score reads.
        score: numpy code that computes the score of each sample from them.
        feeds: value of every input of the file, for one sample.
        gradient: the gradient graph; it computes `tensor` and `gradient.<tensor>`.
        gradient_feeds: value of every input of the gradient graph, cotangents and class indices included.
        displayed: the gradient that was shown, of the tensor's shape; None: onnxruntime computes it.
        against: what `model` is: see `GradientCheck`.
    """

    model: ModelProto
    tensor: str
    outputs: tuple[str, ...]
    score: ScoreOf
    feeds: Mapping[str, Array]
    gradient: ModelProto
    gradient_feeds: Mapping[str, Array]
    displayed: Array | None = None
    against: Against = "the file"


@dataclass(frozen=True)
class Method:
    """How slopes are measured in one precision."""

    precision: Precision
    eps: float
    evaluator: Callable[[ModelProto], Evaluator]
    measure: Callable[[Score, Array, float, Array, Array, float, float, float], list[Slope]]
    most: int | None = None
    """Multiplications and additions that one evaluation may take, or another method is to be taken; None: any."""


DOUBLE = Method(
    "float64",
    float(np.finfo(np.float64).eps),
    partial(Float64Evaluator, memory=MEMORY),
    measure_slopes,
    TOO_MUCH,
)
SINGLE = Method(
    "float32",
    float(np.finfo(np.float32).eps),
    # (half precision would leave three digits of a score, and slopes none)
    lambda model: Float32Evaluator(to_single(model)),
    extrapolate_slopes,
)


def check_problem(
    problem: Problem,
    *,
    directions: int = 8,
    elements: int = 4,
    seed: int = 0,
    precision: Precision | None = None,
) -> GradientCheck:
    """Compare a gradient with central differences of the file as loaded.

    In float64, |fd - <g, v>| <= 1e-6 max(|fd|, |<g, v>|) must hold for every direction v that no kink prevents, g
    being the gradient graph evaluated in float64; and the displayed gradient must lie within 1e-5 of g (relative,
    L2), or of what g is with float32's decisions where rounding leaves them open: see `inspector.check.displayed`. See
    `inspector.check.stencil` for how slopes are measured and kinks told, and `inspector.check.richardson` for float32.

    Where the score has a kink at the tensor's own value (equal values meet in a maximum: a picture with a plain
    background is full of them) it has no gradient there, and what is displayed is one of several one-sided ones. The
    check is then made beside it, at the value plus uniform noise of 1 % (failing that, 10 %) of its magnitude, the
    gradient being evaluated there too; the verdict says so. At the value itself it is made in directions in which equal
    elements move alike: along them the score has a slope, which any of the one-sided gradients must give.

    Args:
        problem: what to check.
        directions: number of random directions; fewer where the model is so large that they would exceed `BUDGET`.
        elements: number of single elements, those with the largest gradient; fewer as well.
        seed: of directions and noise.
        precision: None: float64 where every operator can be evaluated in it and one evaluation is not too long.

    Raises:
        DoublePrecisionError: `precision` is float64, and that is impossible.
        ModelError: the main graph has no such tensor.
    """
    if precision == "float32":
        return _check(problem, SINGLE, directions, elements, seed, "as asked")
    if precision == "float64":
        return _check(
            problem, replace(DOUBLE, evaluator=Float64Evaluator, most=None), directions, elements, seed
        )
    try:
        return _check(problem, DOUBLE, directions, elements, seed)
    except DoublePrecisionError as error:
        reason = str(error)
        cost = Cost(work=error.cost.work // FASTER) if isinstance(error, _TooMuch) else None
    # (not inside the handler: the error holds all that the attempt had in memory)
    return _check(problem, SINGLE, directions, elements, seed, reason, cost)


def _check(
    problem: Problem,
    method: Method,
    directions: int,
    elements: int,
    seed: int,
    reason: str = "",
    cost: Cost | None = None,
) -> GradientCheck:
    """`cost`: of one evaluation, where that is known from another method; None: the evaluator's own."""
    random = np.random.default_rng(seed)
    evaluator = method.evaluator(problem.model)
    with _refusing_memory(evaluator):
        forward = Forward(
            evaluator, problem.model, problem.tensor, problem.outputs, problem.score, problem.feeds
        )
    cost = cost or forward.cost
    _refuse(cost, method.most)
    behind = method.evaluator(problem.gradient)
    with _refusing_memory(evaluator):
        backward = _backward(behind, problem, forward.point)
        here = backward(forward.point)
    budget = _budget(cost)
    directions, elements = _affordable(budget, directions, elements)
    scale = float(np.abs(forward.point).max(initial=0.0)) or 1.0

    def compare(point: Array, gradient: Array, lines: Array, budget: float) -> list[Comparison]:
        score = forward.here if point is forward.point else float(forward.scores(point[None])[0])
        claims = scale * (lines.reshape(len(lines), -1) @ gradient.reshape(-1))
        copies = COPIES if len(lines) > FEWEST else FEWEST_COPIES
        rounding = measure_noise(forward.scores, point, score, scale, random, method.eps, copies)
        left = budget - forward.evaluations
        slopes = method.measure(forward.scores, point, score, lines, claims, scale, rounding, left)
        return [Comparison(slope, float(claim)) for slope, claim in zip(slopes, claims, strict=True)]

    def beside(noise: float, budget: float) -> list[Comparison]:
        point, gradient = forward.point, here
        if noise:
            point = point + noise * scale * random.uniform(-1, 1, point.shape)
            gradient = backward(point)
        return compare(point, gradient, choose_directions(gradient, random, directions, elements), budget)

    noise = 0.0
    found = beside(noise, budget)
    for stronger in NOISES:
        if not _disturbed(found):
            break
        noise = stronger
        budget *= FURTHER
        found = beside(noise, budget)
    along: list[Comparison] = []
    if noise:
        along = compare(forward.point, here, keep_equal(forward.point, random, elements), budget)
        along = [comparison for comparison in along if not comparison.kinked]
    displayed = UNKNOWN
    if isinstance(behind, Float64Evaluator):
        with _refusing_memory(evaluator):
            displayed = compare_displayed(problem, behind, here, random)
    return describe(
        found=found,
        along=along,
        precision=method.precision,
        reason=reason,
        zero=not here.any(),
        displayed=displayed,
        noise=noise,
        evaluations=forward.evaluations,
        against=problem.against,
    )


def _refuse(cost: Cost, most: int | None) -> None:
    if most is not None and cost.work > most:
        raise _TooMuch(
            f"one evaluation takes {cost.work:.0e} multiplications, too many in double precision", cost
        )


@contextmanager
def _refusing_memory(evaluator: Evaluator) -> Iterator[None]:
    """`evaluator`: of the score, whose last run tells what one takes."""
    try:
        yield
    except MemoryBoundError as error:
        raise _TooMuch(f"the gradient takes {error}", evaluator.cost) from error


def _disturbed(found: Sequence[Comparison]) -> bool:
    """Whether kinks at the point may be what is seen: more than half of the directions met one, or all that
    disagree had small ones between the points.

    Where equal values meet in many maxima, and weigh with either sign in the score, their jumps cancel in some
    directions, and what the choice among the equal ones adds to the gradient does not. Beside the point a wrong
    gradient disagrees all the same.
    """
    kinks = sum(comparison.kinked for comparison in found)
    wrong = [comparison for comparison in found if comparison.wrong]
    bent = bool(wrong) and all(comparison.slope.tolerance > TOLERANCE for comparison in wrong)
    return 2 * kinks > len(found) or bent


def _budget(cost: Cost) -> float:
    """Evaluations of the score that the first round may take."""
    return max(4 * STEPS * FEWEST, BUDGET / max(1, cost.work))


def _affordable(budget: float, directions: int, elements: int) -> tuple[int, int]:
    """How many of each the budget allows."""
    asked = directions + elements
    allowed = int(budget / (4 * STEPS))
    if allowed >= asked:
        return directions, elements
    single = min(elements, max(1, allowed * elements // asked))
    return allowed - single, single


def _backward(evaluator: Evaluator, problem: Problem, at: Array) -> Callable[[Array], Array]:
    """The gradient graph as a function of the tensor, which is `at` for what the problem feeds."""
    name = f"gradient.{problem.tensor}"
    behind = Behind(evaluator, problem.gradient, problem.tensor, [name], problem.gradient_feeds, at)

    def gradient(point: Array) -> Array:
        return np.asarray(behind.run(point)[name], dtype=np.float64)

    return gradient
