"""The inspector's side: gradients of a score in single and in double precision, and the map that `explain` gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector import Inspector, Target
from inspector.check.reference import Float64Evaluator
from inspector.objectives import SCORE
from tests.architectures.row import KINKED, Row

__all__ = ["Array", "describe", "distance", "double_gradients", "explained"]

Array = NDArray[Any]


def distance(ours: Array, truth: Array) -> float:
    """Relative distance in L2; infinite for a truth of zeros, which any wrong graph could meet."""
    assert ours.shape == truth.shape, f"{ours.shape} is not the framework's {truth.shape}"
    norm = float(np.linalg.norm(truth.astype(np.float64)))
    if not np.isfinite(norm) or norm == 0:
        return float("inf")
    return float(np.linalg.norm(ours.astype(np.float64) - truth.astype(np.float64))) / norm


def describe(row: Row, lens: Inspector) -> None:
    """Writes down what the file consists of."""
    operators = Counter(node.op_type for node in lens.model.graph.graph.all_nodes())
    row.opset, row.nodes = lens.model.opset, sum(operators.values())
    row.kinked = tuple(sorted(KINKED & set(operators)))


def double_gradients(
    lens: Inspector, feeds: Mapping[str, Array], target: Target, wrt: list[str]
) -> dict[str, Array]:
    """The gradient graph itself, in float64."""
    checked, objective = lens._feeds(dict(feeds)), None
    objective = lens._objective(checked, target, "output")
    graph = lens.evaluator.gradient_graph(objective, wrt)
    evaluator = Float64Evaluator(graph)
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
