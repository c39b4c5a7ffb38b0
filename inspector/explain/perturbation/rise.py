"""Scores of randomly masked inputs, averaged over the masks that keep a place."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.explain.baselines import Baseline
from inspector.explain.perturbation.canvas import Canvas
from inspector.explain.perturbation.occlusion import per_axis
from inspector.explain.relevance import Relevance, Scene
from inspector.explain.subject import Variant
from inspector.explain.upsample import upsample

__all__ = ["rise", "rise_masks"]

_OF_ONE_THREAD = 2**18
"""Multiplications up to which OpenBLAS leaves a product to the thread that asks. Those that it wakes for larger ones
go on spinning for a while, on the cores that the model wants."""


def rise(
    scene: Scene,
    *,
    masks: int = 2000,
    cells: int | Sequence[int] | None = None,
    p: float = 0.5,
    seed: int = 0,
    baseline: Baseline = "zero",
) -> Relevance:
    """Petsiuk et al., RISE: Randomized Input Sampling for Explanation of Black-box Models, BMVC 2018, equation 6.

    The mean over random masks M of score(input under M) * M / p: how high the score is when a place is seen, in units
    of the score. As in the paper's figures the lowest place of each sample is taken for zero; that number is the
    measure "floor". Gradient-free and smooth; its noise falls with the root of the number of masks.

    Args:
        scene: to explain.
        masks: how many; the paper takes 4000 to 8000. Every sample sees the same.
        cells: of the grid that masks are drawn on, along each axis; None: 8 x 8 for pictures, 64 for signals, each
            token.
        p: the probability that a cell is seen.
        seed: of the masks.
        baseline: what is seen where a mask is 0: see `inspector.explain.baselines.input_baseline`.

    Raises:
        InputError: an option does not fit.
    """
    if masks < 1 or not 0 < p < 1:
        raise InputError(f"rise takes at least one mask and 0 < p < 1, not masks={masks}, p={p}")
    canvas = Canvas(scene, baseline)
    grid = per_axis("cells", canvas.sides, canvas.default_cells if cells is None else cells)
    if any(number > side for number, side in zip(grid, canvas.sides, strict=True)):
        raise InputError(f"cells={cells}: there are no more cells than places of the input's {canvas.sides}")
    if canvas.codes and tuple(grid) != canvas.sides:
        raise InputError(f"tokens are seen or not, one by one: cells={cells} would blend them")
    # masks are made as they are needed, and kept until the scores of their batch have come
    waiting: deque[tuple[int, NDArray[np.float32]]] = deque()

    def variants() -> Iterator[Variant]:
        for mask in rise_masks(canvas.sides, grid, masks, p, seed, smooth=not canvas.codes):
            for row in range(canvas.rows):
                waiting.append((row, mask))
                yield row, canvas.blended(row, mask)

    total = np.zeros((canvas.rows, *canvas.sides))
    for scores in canvas.scored(variants(), canvas.rows * masks):
        scored = [waiting.popleft() for _ in scores]
        shares = np.zeros((canvas.rows, len(scores)), dtype=np.float32)
        shares[[row for row, _ in scored], np.arange(len(scores))] = scores
        # (not BLAS: see `_OF_ONE_THREAD`)
        total += np.einsum("rm,m...->r...", shares, np.stack([mask for _, mask in scored]))
    maps = total / (masks * p)
    floor = maps.min(axis=tuple(range(1, maps.ndim)), keepdims=True)
    return Relevance((maps - floor).astype(np.float32), measures={"floor": floor.ravel()})


def rise_masks(
    sides: Sequence[int], cells: Sequence[int], count: int, p: float, seed: int, smooth: bool = True
) -> Iterator[NDArray[np.float32]]:
    """Section 3.2 of the paper: a coarse grid of zeros and ones, enlarged beyond the input and cut out at random.

    Args:
        sides: of a mask.
        cells: of the grid, along each axis.
        count: of masks.
        p: probability of a one.
        seed: of the random numbers.
        smooth: False: the grid is the mask, unless its cells are larger than a place.
    """
    random = np.random.default_rng(seed)
    cell = [-(-side // number) for side, number in zip(sides, cells, strict=True)]
    enlarging = [
        upsample(np.eye(number, dtype=np.float32)[None], ((number + 1) * width, number))[0]
        for number, width in zip(cells, cell, strict=True)
    ]
    for _ in range(count):
        grid = (random.random(tuple(cells)) < p).astype(np.float32)
        if not smooth:
            yield grid
            continue
        starts = random.integers(0, cell)
        parts = [
            each[start : start + side] for each, start, side in zip(enlarging, starts, sides, strict=True)
        ]
        yield reduce(_along_first, parts, grid)


def _along_first(mask: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first axis through `matrix`; it then is the last: after all axes they stand in order again."""
    rest, rows = mask.shape[1:], mask.reshape(len(mask), -1).T
    step = max(1, _OF_ONE_THREAD // matrix.size)
    parts = [rows[begin : begin + step] @ matrix.T for begin in range(0, len(rows), step)]
    through: NDArray[np.float32] = np.concatenate(parts)
    return through.reshape(*rest, len(matrix))
