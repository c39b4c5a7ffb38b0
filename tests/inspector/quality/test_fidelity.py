"""A linear model's score loses exactly what weight times pixel says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inspector import Inspector
from inspector.errors import InputError
from inspector.quality.fidelity import correlation, infidelity, mu_fidelity, unexplained
from tests.inspector.graphs import cnn, images
from tests.inspector.quality.trials import ROUNDING, linear, one_hot, pixels, ranks, trial

WEIGHTS = np.random.default_rng(8).normal(size=(4, 4))
LENS = Inspector(linear(WEIGHTS))
X = pixels()


def test_input_x_gradient_of_a_linear_model_is_faithful() -> None:
    explained = LENS.explain(X, "input-x-gradient", target="logits[0]").raw[0]
    made = trial(LENS, X, explained)
    for scaled in (True, False):
        found = infidelity(made, baseline="zero", scaled=scaled).values["infidelity"]
        # what rounding leaves of each difference, squared
        assert found <= (2 * ROUNDING * np.abs(WEIGHTS * X).sum()) ** 2
    np.testing.assert_allclose(
        mu_fidelity(made, cells=4, baseline="zero").values["mu-fidelity"], 1, atol=1e-5
    )


def test_the_other_sign_is_as_wrong_as_can_be() -> None:
    made = trial(LENS, X, -WEIGHTS * X[0, 0])
    np.testing.assert_allclose(
        mu_fidelity(made, cells=4, baseline="zero").values["mu-fidelity"], -1, atol=1e-5
    )
    worse = infidelity(made, baseline="zero", scaled=False).values["infidelity"]
    assert worse > 0.01


def test_a_map_that_claims_nothing_leaves_all_unexplained() -> None:
    made, true = (trial(LENS, X, each) for each in (np.zeros((4, 4)), WEIGHTS * X[0, 0]))
    found = infidelity(made, baseline="zero").values["infidelity"]
    # twice the truth is as far from it as nothing is
    double = trial(LENS, X, 2 * true.raw)
    np.testing.assert_allclose(
        found, infidelity(double, baseline="zero", scaled=False).values["infidelity"], rtol=1e-5
    )
    assert np.isnan(mu_fidelity(made, baseline="zero").values["mu-fidelity"])
    constant = trial(LENS, X, np.ones((4, 4)))
    assert np.isnan(mu_fidelity(constant, baseline="zero").values["mu-fidelity"])


def test_the_best_factor() -> None:
    random = np.random.default_rng(9)
    claimed, lost = random.normal(size=(2, 40))
    factors = np.linspace(-3, 3, 6001)
    tried = ((factors[:, None] * claimed - lost) ** 2).mean(axis=1)
    # a parabola in the factor: between two that are tried it falls by no more than this
    assert 0 <= tried.min() - unexplained(claimed, lost) <= 0.0005**2 * (claimed**2).mean() * 1.01
    np.testing.assert_allclose(unexplained(claimed, lost, scaled=False), ((claimed - lost) ** 2).mean())


def test_pearson() -> None:
    one, other = np.random.default_rng(10).normal(size=(2, 30))
    np.testing.assert_allclose(correlation(one, other), np.corrcoef(one, other)[0, 1])
    assert np.isnan(correlation(one, np.full(30, 0.1)))
    assert np.isnan(correlation(np.zeros(30), one))


def test_what_the_model_loses_is_asked_once_for_all_maps() -> None:
    lens = Inspector(cnn())
    made = trial(lens, images(1), np.random.default_rng(1).random((16, 16)), target=3)
    other = trial(lens, images(1), np.random.default_rng(2).random((16, 16)), target=3)
    other = replace(other, question=made.question)
    first, second = (mu_fidelity(each).values["mu-fidelity"] for each in (made, other))
    assert first != second
    alone = trial(lens, images(1), other.raw, target=3)
    assert mu_fidelity(alone).values["mu-fidelity"] == second
    assert infidelity(made).values != infidelity(made, least=0.3).values


@pytest.mark.parametrize(
    ("metric", "options"),
    [
        (infidelity, {"samples": 0}),
        (infidelity, {"least": 0.6}),
        (mu_fidelity, {"share": 1}),
        (mu_fidelity, {"cells": 1}),
    ],
)
def test_options_that_mean_nothing_are_refused(metric: object, options: dict[str, float]) -> None:
    assert callable(metric)
    with pytest.raises(InputError, match="takes"):
        metric(trial(LENS, X, ranks() + one_hot()), **options)
