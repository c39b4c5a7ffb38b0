"""RISE against the paper's definition, written mask by mask, and against its expectation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector import Inspector
from inspector.errors import InputError
from inspector.explain.perturbation.rise import rise_masks
from tests.inspector.explain.perturbation.models import linear, linear_terms, token_terms, tokens
from tests.inspector.graphs import cnn, images, normal

SIDES, CELLS = (16, 16), (4, 4)


def enlarged(grid: NDArray[np.float64], factor_sides: tuple[int, ...]) -> NDArray[np.float64]:
    """Half-pixel bilinear enlarging, place by place."""
    found = np.zeros(factor_sides)
    for place in np.ndindex(*factor_sides):
        corners: list[tuple[float, tuple[int, ...]]] = [(1.0, ())]
        for at, side, cells in zip(place, factor_sides, grid.shape, strict=True):
            where = min(max((at + 0.5) * cells / side - 0.5, 0.0), cells - 1.0)
            low = min(int(where), cells - 1)
            high = min(low + 1, cells - 1)
            share = where - low
            corners = [
                (weight * part, (*index, cell))
                for weight, index in corners
                for part, cell in ((1 - share, low), (share, high))
            ]
        found[place] = sum(weight * grid[index] for weight, index in corners)
    return found


@pytest.mark.parametrize(("sides", "cells"), [((9, 12), (3, 5)), ((20,), (6,)), ((5, 4, 6), (2, 2, 3))])
def test_a_mask_is_a_shifted_piece_of_an_enlarged_grid(
    sides: tuple[int, ...], cells: tuple[int, ...]
) -> None:
    random = np.random.default_rng(5)
    width = [-(-side // number) for side, number in zip(sides, cells, strict=True)]
    for mask in rise_masks(sides, cells, 4, 0.3, seed=5):
        grid = (random.random(cells) < 0.3).astype(float)
        starts = random.integers(0, width)
        whole = enlarged(grid, tuple((n + 1) * w for n, w in zip(cells, width, strict=True)))
        piece = whole[tuple(slice(a, a + side) for a, side in zip(starts, sides, strict=True))]
        np.testing.assert_allclose(mask, piece, atol=1e-6)


def test_masks_made_in_parts_are_the_same_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(rise_masks((9, 12), (3, 5), 3, 0.3, seed=5))
    # two of the nine rows at a time, the last alone
    monkeypatch.setitem(rise_masks.__globals__, "_OF_ONE_THREAD", 2 * 12 * 5)
    parts = list(rise_masks((9, 12), (3, 5), 3, 0.3, seed=5))
    np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_the_map_is_the_mean_of_masks_weighted_by_scores() -> None:
    """Equation 6, with scores asked of the model one by one."""
    lens, x = Inspector(cnn()), images(2)
    count, p, baseline = 25, 0.4, 0.2
    explained = lens.explain(x, "rise", target=[3, 5], masks=count, cells=4, p=p, seed=9, baseline=baseline)
    maps = np.zeros((2, *SIDES))
    for mask in rise_masks(SIDES, CELLS, count, p, seed=9):
        for row, target in enumerate((3, 5)):
            seen = x[row] * mask + baseline * (1 - mask)
            score = lens.run(seen[None].astype(np.float32))["logits"][0, target]
            maps[row] += score * mask / (count * p)
    floor = maps.min(axis=(1, 2))
    np.testing.assert_allclose(explained.measures["floor"], floor, rtol=1e-5)
    np.testing.assert_allclose(explained.raw, maps - floor[:, None, None], atol=1e-5 * np.abs(maps).max())
    assert not explained.signed
    assert explained.heatmap.min() == 0
    assert explained.heatmap.max() == 1


def test_it_does_not_depend_on_the_batch() -> None:
    x = images(3)
    one, other = (
        Inspector(cnn()).explain(x, "rise", target=2, masks=20, cells=4, batch=batch) for batch in (1, 7)
    )
    np.testing.assert_allclose(one.raw, other.raw, atol=1e-5)


def test_the_expectation_for_tokens() -> None:
    """Each token is seen with probability p by itself: E[f M_t] / p = f(0) + p sum of the others' terms + t's own."""
    ids = np.random.default_rng(0).integers(1, 20, size=(2, 7))
    count, p = 8000, 0.3
    lens = tokens(7)
    explained = lens.explain(ids, "rise", target=2, baseline=4, masks=count, p=p, batch=500)
    terms = token_terms(ids, 2) - token_terms(np.full_like(ids, 4), 2)
    nothing = token_terms(np.full_like(ids, 4), 2).sum(axis=1, keepdims=True)
    expected = nothing + p * terms.sum(axis=1, keepdims=True) + (1 - p) * terms
    found = explained.raw + explained.measures["floor"][:, None]
    # |f M / p| is at most (|f(0)| + sum |terms|) / p: five standard errors of its mean
    bound = (np.abs(nothing) + np.abs(terms).sum(axis=1, keepdims=True)) * np.sqrt(1 / p)
    assert (np.abs(found - expected) < 5 * bound / np.sqrt(count)).all()
    order = np.argsort(terms, axis=1)
    assert (found[[0, 1], order[:, -1]] > found[[0, 1], order[:, 0]]).all()


@pytest.mark.parametrize("shape", [(2, 40), (1, 8, 6, 8)])
def test_signals_and_volumes(shape: tuple[int, ...]) -> None:
    lens, x = linear(*shape), normal(1, *shape, scale=1)
    explained = lens.explain(x, "rise", target=1, masks=3000, batch=300, cells=4)
    assert explained.raw.shape == (1, *shape[1:])
    # where masks are smooth the map is the terms' smoothed, which lies along the terms
    terms = linear_terms(x, 0, 1).sum(axis=1)
    assert np.corrcoef(explained.raw.ravel(), terms.ravel())[0, 1] > 0.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"masks": 0}, "at least one mask"),
        ({"p": 1.0}, "0 < p < 1"),
        ({"cells": (4, 4, 4)}, "one for each axis"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Inspector(cnn()).explain(images(1), "rise", **options)


def test_tokens_are_not_blended() -> None:
    with pytest.raises(InputError, match="seen or not, one by one"):
        tokens(7).explain(np.ones((1, 7), dtype=np.int64), "rise", cells=3)
