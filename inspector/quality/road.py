"""Removal that leaves a natural picture: what is taken away is imputed from what is left around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.explain.geometry import channels_first, input_layout
from inspector.model import channel_axis
from inspector.quality.metric import Measured
from inspector.quality.trial import Trial
from inspector.session import Array

__all__ = ["impute", "road"]

# weights of the neighbours at the sides and at the corners, as in the paper
SIDE, CORNER = 1 / 6, 1 / 12


def road(trial: Trial, *, shares: Sequence[float] = (0.2, 0.4, 0.6, 0.8), noise: float = 0.01) -> Measured:
    """Rong et al., A Consistent and Efficient Evaluation Strategy for Attribution Methods (ROAD), ICML 2022: the
    class's probability after the most relevant (`road-morf`, lower is better) and the least relevant (`road-lerf`,
    higher is better) places are removed and imputed, averaged over `shares` of the places. `road` is LeRF less MoRF, in
    [-1, 1].

    Noisy linear imputation: each removed pixel is the weighted mean of its neighbours, 1/6 for those at
    its sides and 1/12 for those at its corners, itself imputed where they are removed too, plus noise. What was removed
    leaves no outline that the model could see the class in, so that both orders agree on which method is best.

    Args:
        trial: the map.
        shares: of the places to remove.
        noise: standard deviation, as a share of the sample's range.

    Raises:
        InputError: a share is not between 0 and 1.
    """
    if not shares or not all(0 < share < 1 for share in shares):
        raise InputError(f"ROAD removes shares between 0 and 1 of the places, not {tuple(shares)}")
    question = trial.question
    x = question.subject.x
    layout = input_layout(question.subject.evaluator.model, question.entry.input)
    picture = channels_first(x, layout)[0].astype(np.float64)
    counts = [max(1, round(share * trial.heatmap.size)) for share in shares]
    spread = noise * float(x.max() - x.min())
    draws = np.random.default_rng([question.seed, 2]).normal(0, spread, picture.shape)

    def variants() -> Iterator[Array]:
        for count in counts:
            for gone in (trial.first(count), ~trial.first(trial.heatmap.size - count)):
                filled = impute(picture, gone) + np.where(gone, draws, 0)
                yield _as_sample(filled, x, layout)

    found = question.probabilities(variants(), 2 * len(counts)).reshape(-1, 2)
    places = np.asarray(shares, dtype=np.float64)
    most, least = found.mean(axis=0)
    return Measured(
        {"road": float(least - most), "road-morf": float(most), "road-lerf": float(least)},
        {"road-morf": (places, found[:, 0]), "road-lerf": (places, found[:, 1])},
    )


def impute(picture: NDArray[np.float64], gone: NDArray[np.bool_]) -> NDArray[np.float64]:
    """`picture` (C, H, W) with the places `gone` (H, W), not all of them, as the weighted means of their neighbours."""
    from scipy.sparse import csc_matrix
    from scipy.sparse.linalg import splu

    if not gone.any():
        return picture
    height, width = gone.shape
    rows, columns = np.nonzero(gone)
    count = len(rows)
    numbers = np.full(gone.shape, -1)
    numbers[rows, columns] = np.arange(count)
    weights = np.zeros(count)
    known = np.zeros((count, len(picture)))
    entries: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    for down, right in product((-1, 0, 1), repeat=2):
        if not (down or right):
            continue
        weight = SIDE if down * right == 0 else CORNER
        inside = (
            (rows + down >= 0) & (rows + down < height) & (columns + right >= 0) & (columns + right < width)
        )
        here = np.flatnonzero(inside)
        beside = rows[here] + down, columns[here] + right
        weights[here] += weight
        number = numbers[beside]
        unknown = number >= 0
        entries.append((here[unknown], number[unknown], np.full(int(unknown.sum()), -weight)))
        known[here[~unknown]] += weight * picture[:, beside[0][~unknown], beside[1][~unknown]].T
    entries.append((np.arange(count), np.arange(count), weights))
    row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
    system = csc_matrix((value, (row, column)), shape=(count, count))
    # symmetric and positive definite: no pivoting, and an order of elimination that fills in little
    factors = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True})
    filled = picture.copy()
    filled[:, rows, columns] = factors.solve(known).T
    return filled


def _as_sample(picture: NDArray[np.float64], x: Array, layout: str | None) -> Array:
    """(C, H, W) in the sample's own layout and dtype."""
    has_channels = layout is not None and "C" in layout
    array = (
        np.moveaxis(picture, 0, channel_axis(layout) - 1)
        if layout is not None and has_channels
        else picture[0]
    )
    if x.dtype.kind in "iu":
        limits = np.iinfo(x.dtype)
        array = np.clip(np.rint(array), limits.min, limits.max)
    return array.astype(x.dtype)
