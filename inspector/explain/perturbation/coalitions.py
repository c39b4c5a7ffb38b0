"""Which segments are kept together: all choices where they are few, else drawn at random."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

__all__ = ["every_coalition", "independent_coalitions", "shapley_coalitions"]

Coalitions = NDArray[np.bool_]
"""(coalitions, segments): True: kept."""


def every_coalition(count: int) -> Coalitions:
    """All 2^count of them: none first, all last."""
    return (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(bool)


def independent_coalitions(count: int, samples: int, seed: int) -> Coalitions:
    """All of them where `samples` suffice, else each segment kept by the toss of a coin; the last keeps all."""
    if count < 31 and 2**count <= samples:
        return every_coalition(count)
    drawn = np.random.default_rng(seed).random((samples, count)) < 0.5
    drawn[-1] = True
    return drawn


def shapley_coalitions(count: int, samples: int, seed: int) -> tuple[Coalitions, NDArray[np.float64]]:
    """At most `samples` coalitions other than none and all, and the weight of each in the regression.

    Lundberg & Lee, A Unified Approach to Interpreting Model Predictions, NeurIPS 2017, theorem 2: the weight of a size
    s is proportional to (d - 1) / (s (d - s)) over all coalitions of that size. Sizes are gone through from the
    outermost, which weigh most: whole as long as the samples suffice; the rest is drawn, each coalition together with
    its complement (Covert & Lee, Improving KernelSHAP, AISTATS 2021, section 3.2).
    """
    if count < 2:
        return np.zeros((0, count), dtype=bool), np.zeros(0)
    sizes = np.arange(1, count)
    mass = 1 / (sizes * (count - sizes))
    mass /= mass.sum()
    chosen: list[Coalitions] = []
    weights: list[NDArray[np.float64]] = []
    left = samples
    inner = sizes
    while len(inner):
        pair = inner[[0, -1]][: 1 if len(inner) == 1 else 2]
        needed = sum(comb(count, int(size)) for size in pair)
        # whole, where at least as many would be drawn of it
        if needed > left * mass[pair - 1].sum() / mass[inner - 1].sum() * (1 + 1e-9):
            break
        for size in pair:
            chosen.append(_of_size(count, int(size)))
            weights.append(np.full(len(chosen[-1]), mass[size - 1] / len(chosen[-1])))
        left -= needed
        inner = inner[1:-1]
    pairs = left // 2
    if len(inner) and pairs:
        share = mass[inner - 1] / mass[inner - 1].sum()
        random = np.random.default_rng(seed)
        drawn = random.random((pairs, count)).argsort(axis=1) < random.choice(inner, pairs, p=share)[:, None]
        both = np.concatenate([drawn, ~drawn])
        distinct, times = np.unique(both, axis=0, return_counts=True)
        chosen.append(distinct)
        weights.append(times / len(both) * mass[inner - 1].sum())
    if not chosen:
        return np.zeros((0, count), dtype=bool), np.zeros(0)
    return np.concatenate(chosen), np.concatenate(weights)


def _of_size(count: int, size: int) -> Coalitions:
    found = np.zeros((comb(count, size), count), dtype=bool)
    for line, members in enumerate(combinations(range(count), size)):
        found[line, members] = True
    return found
