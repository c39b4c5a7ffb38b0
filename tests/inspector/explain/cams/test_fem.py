"""FEM place by place, in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from inspector import Inspector
from tests.inspector.explain.cams.references import forward
from tests.inspector.graphs import cnn, images, model, normal

torch = pytest.importorskip("torch")
helper = pytest.importorskip("onnx").helper

X = images(2)


@pytest.mark.parametrize("k", [1.0, 2.0])
def test_places_that_stand_out_weigh_as_much_as_their_channel(k: float) -> None:
    explained = Inspector(cnn()).explain(X, "fem", target=3, layer="relu", k=k)
    maps = forward(torch.tensor(X.astype(float)))["relu"].numpy()
    expected = np.zeros((2, 14, 14))
    for sample, row, column in np.ndindex(2, 14, 14):
        for channel in maps[sample]:
            if channel[row, column] > channel.mean() + k * channel.std():
                expected[sample, row, column] += channel.mean()
    np.testing.assert_allclose(explained.map, expected, atol=1e-5 * expected.max())


def test_it_needs_no_gradient_and_reads_no_class() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["maps"]),
        helper.make_node("Round", ["maps"], ["steps"]),
        helper.make_node("Flatten", ["steps"], ["logits"]),
    ]
    lens = Inspector(model(nodes, {"x": ["n", 3, 4, 4]}, {"logits": ["n", 80]}, {"w": normal(5, 3, 1, 1)}))
    x = normal(2, 3, 4, 4, scale=3)
    first, second = (lens.explain(x, "fem", target=number, layer="maps", k=1.0) for number in (1, 70))
    assert first.raw.any()
    np.testing.assert_array_equal(first.raw, second.raw)
    assert lens.explain(x, "fem", target=1, layer="maps", check=True).check is None
