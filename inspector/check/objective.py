"""The check as the inspector calls it: a model, an objective, a tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from inspector.autodiff import RULES, vjp
from inspector.check.gradient import Problem, check_problem
from inspector.check.reference import Array
from inspector.check.single import Float32Evaluator
from inspector.check.verdict import GradientCheck, Precision, combine
from inspector.objectives import SCORE, Objective, append_objective
from inspector.surgery import extract

if TYPE_CHECKING:
    from onnx import ModelProto

    from inspector.autodiff.table import RuleTable
    from inspector.model import Model

__all__ = ["check_gradient"]


def check_gradient(
    model: Model,
    objective: Objective,
    feeds: Mapping[str, Array],
    wrt: str,
    *,
    gradient: Array | None = None,
    rules: RuleTable = RULES,
    directions: int = 8,
    elements: int = 4,
    seed: int = 0,
    precision: Precision | None = None,
) -> GradientCheck:
    """Compare the gradient of an objective with finite differences of the file as loaded.

    Each sample of a batch is checked by itself, and the verdict is the worst of theirs (see `combine`). For the
    criterion see `check_problem`.

    Args:
        model: the model.
        objective: what is differentiated. A sample's own class (index -1) is settled once, at the sample itself.
        feeds: value of every input of the file, of any number of samples.
        wrt: name of the tensor.
        gradient: as it was displayed, of the shape of `wrt`; None: onnxruntime computes it.
        rules: the rules that the gradient was made with.
        directions, elements, seed, precision: see `check_problem`.

    Raises:
        LayerNotFound: the graph has no such tensor.
        NotDifferentiable: an operator without a derivative lies between `wrt` and the objective.
    """
    original = _holding(model, (wrt, *objective.tensors))
    backward = _gradient_graph(model, objective, wrt, rules)
    taken = {value.name for value in backward.graph.input}
    values = Float32Evaluator(original)

    checks = []
    samples = len(objective.index[0])
    for sample in range(samples):
        alone, rows = _alone(model, feeds, sample, samples)
        chosen = _row(objective, sample, rows)
        chosen = chosen.settle(dict(zip(chosen.tensors, values.run(chosen.tensors, alone), strict=True)))
        given = {**alone, **chosen.feeds(), f"cotangent.{SCORE}": np.ones(rows, np.float32)}
        problem = Problem(
            model=original,
            tensor=wrt,
            outputs=chosen.tensors,
            score=chosen.evaluate,
            feeds=alone,
            gradient=backward,
            gradient_feeds={name: value for name, value in given.items() if name in taken},
            displayed=_shown(gradient, sample, samples),
        )
        check = check_problem(
            problem, directions=directions, elements=elements, seed=seed + sample, precision=precision
        )
        checks.append(check)
    return combine(checks)


def _holding(model: Model, names: tuple[str, ...]) -> ModelProto:
    """The file as loaded; with its functions inlined where a tensor named is inside one."""
    graph = model.proto.graph
    known = {value.name for value in graph.input} | {name for node in graph.node for name in node.output}
    return model.proto if known.issuperset(names) else ir.to_proto(model.graph)


def _gradient_graph(model: Model, objective: Objective, wrt: str, rules: RuleTable) -> ModelProto:
    inputs = [tensor.name for tensor in model.inputs]
    goals = [name for name in dict.fromkeys((*objective.tensors, wrt)) if name not in inputs]
    forward = append_objective(extract(model.normalised, inputs, goals), objective.keys)
    name = f"gradient.{wrt}"
    return ir.to_proto(extract(vjp(forward, outputs=[SCORE], wrt=[wrt], rules=rules), [], [name]))


def _alone(
    model: Model, feeds: Mapping[str, Array], sample: int, samples: int
) -> tuple[dict[str, Array], int]:
    """The feeds of one sample, and the number of rows they have: a file of a fixed batch gets it that often."""
    fixed = [tensor.shape[0] for tensor in model.inputs if tensor.shape and isinstance(tensor.shape[0], int)]
    rows = max(fixed, default=1)
    alone = {}
    for name, value in feeds.items():
        batched = value.ndim > 0 and len(value) == samples
        alone[name] = np.repeat(value[sample : sample + 1], rows, axis=0) if batched else value
    return alone, rows


def _row(objective: Objective, sample: int, rows: int) -> Objective:
    """The objective of one sample."""

    def pick(arrays: tuple[Array, ...]) -> tuple[Array, ...]:
        return tuple(np.repeat(array[sample : sample + 1], rows, axis=0) for array in arrays)

    return replace(
        objective, index=pick(objective.index), sign=pick(objective.sign), weight=pick(objective.weight)
    )


def _shown(gradient: Array | None, sample: int, samples: int) -> Array | None:
    # a tensor with its batch axis elsewhere is not cut up: onnxruntime computes the sample's gradient again
    if gradient is None or gradient.shape[:1] != (samples,):
        return None
    return gradient[sample : sample + 1]
