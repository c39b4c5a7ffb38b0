"""Some of the standard's own node cases; all of them: `make test-nodes`."""

from __future__ import annotations

import numpy as np

from inspector.autodiff import vjp
from inspector.check.reference import Float64Evaluator

from .collected import collected
from .measure import Objective, Result, measure
from .report import page, summary, unexpected
from .tensors import of_tensors

EVERY = 29
"""One in so many cases: some seconds of work."""


def test_some_of_the_cases() -> None:
    cases = list(collected().values())
    assert len(cases) > 1000
    results = [measure(case) for case in cases[::EVERY]]
    assert not [line for line in unexpected(results) if "named in known.py" not in line]
    assert sum(result.outcome == "passed" for result in results) > len(results) / 3


def test_a_case_that_fails_unannounced_is_reported() -> None:
    failed = Result("new", "Relu", "failed", "off by 1")
    assert unexpected([failed]) == ["new (Relu): off by 1"]
    assert "falls short | 1 |" in page({"1.0": summary([failed])})


def test_an_operator_that_the_runtime_does_not_load_yet() -> None:
    """By its body alone, in float64."""
    case = collected()["test_flexattention_double"]
    inputs, outputs = ([np.asarray(value) for value in values] for values in case.data_sets[0])
    model, feeds = of_tensors(case.model, inputs, outputs)
    targets = [info.name for info in model.graph.output]
    objective = Objective(model, targets, feeds)
    gradient = vjp(model, targets, list(feeds))
    given = {**feeds, **{f"cotangent.{name}": u for name, u in objective.cotangents.items()}}
    for name in feeds:
        (exact,) = Float64Evaluator(gradient).run([f"gradient.{name}"], given)
        count = objective.elements(name, exact)
        assert count.agree
        assert not count.wrong
