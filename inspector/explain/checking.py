"""The finite-difference check of the gradients that a heatmap or a user's call rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inspector.objectives import SCORE, Evaluator, Gradients, Objective
from inspector.session import Array, Feeds

if TYPE_CHECKING:
    from inspector.check import GradientCheck

__all__ = ["check_gradient", "notes_on_quantisation"]


def check_gradient(
    evaluator: Evaluator,
    feeds: Feeds,
    objective: Objective,
    tensor: str,
    displayed: Array | None = None,
    **options: Any,
) -> GradientCheck:
    """Check the gradient of `objective` at `tensor`, image by image, against the file as it was loaded.

    A quantised file rounds, so its finite differences are zero or infinite: the same graph without its rounding takes
    its place, and the verdict says so. Where operators outside the standard are fused, what they are made of takes
    their place, after `Evaluator` has seen that it gives the file's own values.

    Args:
        evaluator: of the model.
        feeds: checked inputs.
        objective: settled or not; each image's own class is the one that it has here.
        tensor: whose gradient is checked.
        displayed: the gradient as it was shown, all images; None: it is computed.
        options: of `inspector.check.check_problem`.
    """
    import onnx_ir as ir

    # what evaluates in double precision takes long to load, and many runs check nothing
    from inspector.check import Problem, check_problem, combine

    keep = [tensor]
    if displayed is None:
        found = evaluator.gradients(feeds, objective, [tensor])
        displayed, objective = found.gradients[tensor], found.objective
    original = evaluator.model.proto
    if evaluator.lowered.replaced:
        original = ir.to_proto(evaluator.lowered.model)
    elif original.functions:
        # tensors inside a function have a name only once it is inlined
        original = ir.to_proto(evaluator.model.graph)
    graph = ir.to_proto(evaluator.gradient_graph(objective, [tensor], keep))
    checks = []
    for rows, shown in _problems(evaluator, feeds, objective):
        one = objective.take(rows) if objective.batched else objective
        sample = {name: _rows(evaluator, name, array, rows) for name, array in feeds.items()}
        problem = Problem(
            model=original,
            tensor=tensor,
            outputs=one.tensors,
            score=one.evaluate,
            feeds=sample,
            gradient=graph,
            gradient_feeds={
                **{
                    name: array
                    for name, array in sample.items()
                    if name in {each.name for each in graph.graph.input}
                },
                **one.feeds(),
                f"cotangent.{SCORE}": np.ones(len(one.index[0]), dtype=np.float32),
            },
            displayed=displayed[shown],
            against="the de-quantised graph" if evaluator.lowered.quantised else "the file",
        )
        checks.append(check_problem(problem, **options))
    return combine(checks)


def notes_on_quantisation(evaluator: Evaluator, found: Gradients) -> list[str]:
    """What a reader must know of the gradients of a quantised model; nothing of others."""
    if not evaluator.lowered.quantised:
        return []
    off = float(np.abs(found.lowered_score - found.score).max(initial=0.0))
    largest = float(np.abs(found.score).max(initial=0.0))
    relative = f" ({off / largest:.1%})" if largest else ""
    return [
        "the model is quantised: the gradient is that of the same graph without rounding (straight-through), whose "
        f"score lies within {off:.2g}{relative} of the file's own, which is shown"
    ]


def _problems(evaluator: Evaluator, feeds: Feeds, objective: Objective) -> list[tuple[list[int], slice]]:
    """Per image the rows to feed, which a file with a fixed batch takes several times over, and what is shown of it.

    Where the samples of a batch meet in the model, or their places in it matter, those of one run are one problem.
    """
    samples = len(next(iter(feeds.values())))
    fixed = evaluator.model.fixed_batch
    if objective.batched and not _meet(evaluator, feeds, objective):
        return [([sample] * (fixed or 1), slice(sample, sample + 1)) for sample in range(samples)]
    if fixed is None or not objective.batched:
        return [(list(range(samples)), slice(None))]
    runs = range(0, samples, fixed)
    return [
        ([min(row, samples - 1) for row in range(start, start + fixed)], slice(start, start + fixed))
        for start in runs
    ]


def _meet(evaluator: Evaluator, feeds: Feeds, objective: Objective) -> bool:
    """Whether a sample's score is another where it is alone: an axis that only looks like that of the batch, or weights
    for each place in it.

    The first and the last are tried: along an axis of time, what comes later may not act on what comes before.
    """
    samples = len(next(iter(feeds.values())))
    if samples == 1:
        return False
    together = objective.evaluate(evaluator.values(feeds, objective.tensors))
    # (rounding to integers may differ by a step, a quarter of them not)
    tolerance = 0.25 if evaluator.lowered.quantised else 1e-2
    margin = tolerance * float(np.abs(together).max())
    for sample in (0, samples - 1):
        feed = {name: _rows(evaluator, name, array, [sample]) for name, array in feeds.items()}
        alone = objective.take([sample]).evaluate(evaluator.values(feed, objective.tensors))
        if not np.allclose(alone, together[sample], rtol=tolerance, atol=margin):
            return True
    return False


def _rows(evaluator: Evaluator, name: str, array: Array, rows: list[int]) -> Array:
    """The samples `rows` of an input; an input without a batch axis is the same for all."""
    batched = array.ndim > 0 and name in evaluator.model.batched_inputs
    return array[rows] if batched else array
