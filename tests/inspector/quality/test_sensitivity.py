"""Maps that stay, and maps that move as far as their input does."""

from __future__ import annotations

import numpy as np
import pytest

from inspector import Inspector
from inspector.errors import InputError
from inspector.quality.sensitivity import sensitivity_max
from tests.inspector.quality.trials import linear, pixels, ranks, trial

WEIGHTS = np.random.default_rng(11).normal(size=(4, 4)).astype(np.float32)
LENS = Inspector(linear(WEIGHTS))
X = pixels()


def test_the_gradient_of_a_linear_model_never_moves() -> None:
    made = trial(LENS, X, np.abs(WEIGHTS), method="saliency")
    assert sensitivity_max(made).values["sensitivity-max"] <= 2.0**-23


def test_the_largest_change_over_the_draws() -> None:
    made = trial(LENS, X, WEIGHTS * X[0, 0], method="input-x-gradient")
    found = sensitivity_max(made, samples=6, radius=0.1).values["sensitivity-max"]
    reach = 0.1 * float(X.max() - X.min())
    noise = np.random.default_rng([0, 5]).uniform(-reach, reach, (6, 4, 4))
    changes = np.linalg.norm(WEIGHTS * noise, axis=(1, 2)) / np.linalg.norm(WEIGHTS * X[0, 0])
    np.testing.assert_allclose(found, changes.max(), rtol=1e-5)
    # more draws can only raise it
    assert sensitivity_max(made, samples=7, radius=0.1).values["sensitivity-max"] >= found


def test_a_map_of_zeros_has_no_size_to_compare_with() -> None:
    assert np.isnan(sensitivity_max(trial(LENS, X, np.zeros((4, 4)))).values["sensitivity-max"])


@pytest.mark.parametrize("options", [{"samples": 0}, {"radius": 0.0}])
def test_options_that_mean_nothing_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match="sensitivity-max takes"):
        sensitivity_max(trial(LENS, X, ranks()), **options)
