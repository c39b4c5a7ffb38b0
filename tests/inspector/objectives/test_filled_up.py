"""Elements of no weight change nothing, whether a graph is made for one element alone or for several."""

from __future__ import annotations

import numpy as np
import pytest

from inspector import Inspector
from inspector.objectives import resolve
from tests.inspector.graphs import cnn, images

X = images(2)


@pytest.mark.parametrize("target", [3, "logits[2] - logits[5]"])
def test_score_and_gradient_stay(target: int | str) -> None:
    lens = Inspector(cnn())
    feeds = {"image": X}
    objective = resolve(
        target, 2, lens.model, lens.heads(), lambda name: lens.evaluator.values(feeds, [name])[name]
    )
    wider = objective.filled_up(2)
    assert [index.shape[1] for index in wider.index] == [index.shape[1] + 2 for index in objective.index]
    tensors = lens.evaluator.values(feeds, objective.tensors)
    np.testing.assert_allclose(wider.evaluate(tensors), objective.evaluate(tensors), rtol=1e-6)
    found, alone = (lens.evaluator.gradients(feeds, each, ["image"]) for each in (wider, objective))
    np.testing.assert_allclose(found.score, alone.score, rtol=1e-5)
    np.testing.assert_allclose(found.gradients["image"], alone.gradients["image"], rtol=1e-5, atol=1e-6)
