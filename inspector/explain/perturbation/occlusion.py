"""What the score loses when a window slides over the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from inspector.errors import InputError
from inspector.explain.baselines import Baseline
from inspector.explain.perturbation.canvas import Canvas
from inspector.explain.relevance import Relevance, Scene
from inspector.explain.subject import Variant

__all__ = ["occlusion"]

Box = tuple[slice, ...]


def occlusion(
    scene: Scene,
    *,
    window: int | Sequence[int] | None = None,
    stride: int | Sequence[int] | None = None,
    baseline: Baseline = "zero",
) -> Relevance:
    """Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, section 4.2.

    The score less the score with a window of the input (all its channels) replaced; each place gets the mean over the
    windows that cover it, in units of the score. Positive: what lies there speaks for the target. For any model, where
    a picture that can be explained in one sentence is wanted; features larger than the window hide from it.

    Args:
        scene: to explain.
        window: places along each axis, or one number per axis; None: an eighth of each side of a picture, a token, a
            64th of a signal, a quarter of each side of a volume.
        stride: from one window to the next; None: half a window. The last window may be cut off by the border.
        baseline: what replaces it: see `inspector.explain.baselines.input_baseline`.

    Raises:
        InputError: window, stride or baseline does not fit the input.
    """
    canvas = Canvas(scene, baseline)
    default = [-(-side // count) for side, count in zip(canvas.sides, canvas.default_cells, strict=True)]
    size = per_axis("window", canvas.sides, default if window is None else window)
    step = per_axis("stride", canvas.sides, [-(-each // 2) for each in size] if stride is None else stride)
    if any(one > most for one, most in zip(size, canvas.sides, strict=True)):
        raise InputError(f"a window of {tuple(size)} is larger than the input's {canvas.sides}")
    boxes = list(_boxes(canvas.sides, size, step))
    changed = canvas.scores(_variants(canvas, boxes), canvas.rows * len(boxes)).reshape(canvas.rows, -1)
    lost = scene.subject.score[:, None] - changed
    total, covered = np.zeros((canvas.rows, *canvas.sides)), np.zeros(canvas.sides)
    for number, box in enumerate(boxes):
        total[(slice(None), *box)] += lost[:, number].reshape(-1, *[1] * len(canvas.sides))
        covered[box] += 1
    # a stride longer than the window leaves gaps, of which nothing is known
    return Relevance((total / np.maximum(covered, 1)).astype(np.float32))


def per_axis(name: str, sides: Sequence[int], given: int | Sequence[int]) -> list[int]:
    """One positive number per axis.

    Raises:
        InputError: there are more or fewer, or one is no positive whole number.
    """
    numbers = list(given) if isinstance(given, Sequence) else [given] * len(sides)
    whole = all(isinstance(each, int | np.integer) and each > 0 for each in numbers)
    if len(numbers) != len(sides) or not whole:
        raise InputError(
            f"{name}={given}: give one positive whole number, or one for each axis of the input's {tuple(sides)}"
        )
    return [int(each) for each in numbers]


def _boxes(sides: Sequence[int], size: Sequence[int], step: Sequence[int]) -> Iterator[Box]:
    """Windows from the first place on until the border is covered."""
    along = [
        [slice(start, start + width) for start in range(0, side - width + each, each) if start < side]
        for side, width, each in zip(sides, size, step, strict=True)
    ]
    return product(*along)


def _variants(canvas: Canvas, boxes: Sequence[Box]) -> Iterator[Variant]:
    for row in range(canvas.rows):
        for box in boxes:
            mask = np.ones(canvas.sides, dtype=bool)
            mask[box] = False
            yield row, canvas.kept(row, mask)
