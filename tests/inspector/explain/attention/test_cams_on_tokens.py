"""Class activation maps at a layer of tokens: class, distillation and register tokens take no part in any of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector.explain import METHODS
from tests.inspector.graphs import normal

pytest.importorskip("torch")

from tests.inspector.explain.attention.networks import GRID, PICTURE, WIDTH, transformer

X = normal(2, 3, *PICTURE, scale=1)
# products of values and gradient, that round no worse than these; the others divide by sums that may cancel
PRODUCTS = ("gradcam", "hirescam", "gradcam-elementwise", "layercam")
# cam needs a pooled layer and a linear head
OTHERS = [
    name
    for name, method in METHODS.items()
    if method.place == "layer" and method.formula is not None and name not in (*PRODUCTS, "cam")
]
MODELS: dict[str, dict[str, Any]] = {
    "ViT": {"extra": 1},
    "ViT with registers": {"extra": 4},
    "DeiT": {"extra": 2, "distilled": True},
    "mean of the patches": {"extra": 1, "mean": True},
    "windows": {"extra": 0, "windows": True},
}


def folded(tokens: NDArray[np.float32], extra: int) -> NDArray[np.float32]:
    return tokens[:, extra:].transpose(0, 2, 1).reshape(2, WIDTH, *GRID)


@pytest.mark.parametrize("name", MODELS)
def test_maps_are_made_of_the_patches(name: str) -> None:
    lens = transformer(**MODELS[name])
    layer = lens.explain(X, "gradcam", target=2).layer
    assert layer is not None
    values, gradient = lens.activations(X, layer)[layer], lens.gradient(X, 2, wrt=layer)
    assert values.shape == (2, MODELS[name]["extra"] + GRID[0] * GRID[1], WIDTH)
    given = [folded(each, MODELS[name]["extra"]) for each in (values, gradient)]
    assert given[1].any()
    for method in PRODUCTS:
        formula = METHODS[method].formula
        assert formula is not None
        explained = lens.explain(X, method, target=2)
        assert explained.layer == layer
        expected = formula(*given)
        np.testing.assert_allclose(
            explained.map, expected, atol=1e-5 * np.abs(expected).max(), err_msg=method
        )
        assert explained.heatmap.shape == (2, *PICTURE)
    for method in OTHERS:
        explained = lens.explain(X, method, target=2)
        assert explained.map.shape == (2, *GRID), method
        assert np.isfinite(explained.raw).all(), method
        assert explained.raw.any(), method
