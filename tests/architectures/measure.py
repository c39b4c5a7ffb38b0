"""The inspector's side: gradients of a score in single and in double precision, and the map that `explain` gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from inspector import Inspector, Target
from inspector.check.reference import Float64Evaluator
from inspector.objectives import SCORE
from inspector.session import Array, check_feeds
from tests.architectures.draws import Draw, distance
from tests.architectures.row import KINKED, SMOOTH_TOLERANCE, Row

__all__ = ["compare", "describe", "explained"]


def describe(row: Row, lens: Inspector) -> None:
    """Writes down what the file consists of."""
    operators = Counter(node.op_type for node in lens.model.graph.graph.all_nodes())
    row.opset, row.nodes = lens.model.opset, sum(operators.values())
    row.kinked = tuple(sorted(KINKED & set(operators)))


def compare(
    row: Row, lens: Inspector, feeds: Callable[[Any], Mapping[str, Array]], target: Target, truth: Draw
) -> None:
    """Writes down how far the file's gradients are from the framework's; in float64 where float32 leaves a question.

    `feeds` makes what the file is given out of what the framework's model was given.
    """
    row.draw, row.own_noise = truth.number, truth.noise
    names = list(truth.single)

    def single(draw: Draw) -> tuple[float | None, float | None]:
        ours = lens.gradient(dict(feeds(draw.x)), target=target, wrt=names, score="output")
        return _distances(row, ours, draw.single)

    row.at_input, row.at_layer = single(truth)
    if truth.first is not None:
        row.first_noise = truth.first.noise
        row.first_input, row.first_layer = single(truth.first)
    largest = max(figure for figure in (row.at_input, row.at_layer) if figure is not None)
    if largest > SMOOTH_TOLERANCE and truth.wide:
        row.double_input, row.double_layer = _distances(
            row, double_gradients(lens, feeds(truth.x), target, names), truth.wide
        )


def _distances(
    row: Row, ours: Mapping[str, Array], truth: Mapping[str, Array]
) -> tuple[float | None, float | None]:
    found = {name: distance(ours[name], truth[name]) for name in truth}
    inner = found.pop(row.layer, None) if row.layer is not None else None
    return max(found.values(), default=None), inner


def double_gradients(
    lens: Inspector, feeds: Mapping[str, Array], target: Target, wrt: list[str]
) -> dict[str, Array]:
    """The gradient graph itself, in float64."""
    checked = check_feeds(lens.model.inputs, dict(feeds))
    objective = lens._objective(checked, target, "output")
    evaluator = Float64Evaluator(lens.evaluator.gradient_graph(objective, wrt))
    given = {**checked, **objective.feeds(), f"cotangent.{SCORE}": np.ones(len(objective.index[0]))}
    names = [f"gradient.{name}" for name in wrt]
    found = evaluator.run(names, {name: given[name] for name in evaluator.input_names})
    return dict(zip(wrt, found, strict=True))


def explained(row: Row, lens: Inspector, feeds: Mapping[str, Array], target: Target | None) -> None:
    """Writes down which layer `explain` takes by itself, and the shape of the map there."""
    try:
        found = lens.explain({name: value[:1] for name, value in feeds.items()}, target=target)
    except ValueError as error:
        row.chosen = f"refused: {error}"
        return
    row.chosen, row.method = found.layer or "input", found.method
    row.map = tuple(found.map.shape[1:])
