"""What the neurons of a layer have to do with the score, and with the input."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.explain.baselines import Baseline, source_baseline
from inspector.explain.gradients.paths import (
    Quadrature,
    along,
    changes,
    gap_notes,
    mean_gradient,
    positive,
    quadrature,
)
from inspector.explain.relevance import Maps, Relevance, Scene
from inspector.objectives import Objective, TermKey

__all__ = ["conductance", "internal_influence", "neuron_gradient"]

Neuron = int | Sequence[int]
"""A channel, all its places; or a channel and a place in it."""


def conductance(
    scene: Scene, *, baseline: Baseline = "zero", steps: int = 50, channel: int | None = None
) -> Relevance:
    """Dhamdhere et al., How Important Is a Neuron?, ICLR 2019, equation 2: how much of the integrated gradients flows
    through each neuron of the layer: the integral of the score's gradient there over the neuron's own change, while the
    input goes from the baseline to the sample; summed over the channels, with a sign.

    The integral is a sum of trapezoids. Where the layer is all that leads to the score, the neurons' conductances add
    up to its difference from the baseline's: see measure "completeness gap". Use it for what a layer contributes.

    Args:
        scene: what is asked, and the layer.
        baseline: see `baselines.input_baseline`.
        steps: trapezoids per sample.
        channel: of this channel alone; None: of all.

    Raises:
        InputError: the baseline does not fit, or there is no such channel.
    """
    positive(steps=steps)
    subject, start = scene.source, source_baseline(scene, baseline)
    points, layer = np.linspace(0, 1, steps + 1), [scene.tensor]
    total: NDArray[np.float64] | None = None
    last: tuple[int, Maps, Maps] | None = None
    variants = along(subject, start, points)
    for rows, found in subject.gradients(variants, len(subject.x) * len(points), layer, layer):
        pair = (found.tensors[scene.tensor], found.gradients[scene.tensor])
        values, gradients = (np.asarray(scene.folded(each), np.float64) for each in pair)
        total = np.zeros((len(subject.x), *values.shape[1:])) if total is None else total
        for row, value, gradient in zip(rows, values, gradients, strict=True):
            if last is not None and last[0] == row:
                total[row] += (value - last[1]) * (gradient + last[2]) / 2
            last = (row, value, gradient)
    assert total is not None
    whole = total.reshape(len(total), -1).sum(axis=1)
    changed = changes(subject, start)
    advice = f"take more steps than {steps}; where paths lead past the layer, or tokens are left out, no number helps"
    return Relevance(
        _of_channel(total, channel).sum(axis=1),
        measures={"completeness gap": whole - changed},
        notes=gap_notes(whole, changed, advice),
    )


def internal_influence(
    scene: Scene,
    *,
    baseline: Baseline = "zero",
    steps: int = 50,
    rule: Quadrature = "gauss-legendre",
    channel: int | None = None,
) -> Relevance:
    """Leino et al., Influence-Directed Explanations for Deep Convolutional Networks, ITC 2018, definition 1: the
    score's gradient at the layer, averaged over a distribution of interest: the line from the baseline to the sample;
    summed over the channels, with a sign. Use it for which neurons would matter, however active they are.

    Args:
        scene: what is asked, and the layer.
        baseline: see `baselines.input_baseline`.
        steps: gradients per sample.
        rule: "gauss-legendre" or "midpoint".
        channel: of this channel alone; None: of all.

    Raises:
        InputError: the baseline does not fit, or there is no such channel or rule.
    """
    points, weights = quadrature(rule, steps)
    start = source_baseline(scene, baseline)
    mean = mean_gradient(scene.source, start, points, weights, scene.tensor, scene.folded)
    return Relevance(_of_channel(mean, channel).sum(axis=1))


def neuron_gradient(scene: Scene, *, neuron: Neuron | None = None) -> Relevance:
    """Simonyan et al., Deep Inside Convolutional Networks, 2013, section 3.1, of an inner neuron: the gradient of its
    value at the input; its largest magnitude over the channels. Use it for what part of the input a neuron looks at.

    Args:
        scene: the input, and the layer. The target plays no part.
        neuron: a channel, whose places are summed, or (channel, place...); None: each sample's most active channel.

    Raises:
        InputError: the layer has no such neuron.
    """
    subject, tensor = scene.subject, scene.entry.tensor
    objective = _of_neurons(scene, neuron)
    found = subject.evaluator.gradients(subject.feeds, objective, [tensor])
    return Relevance(np.abs(scene.source_folded(found.gradients[tensor])).max(axis=1), found)


def _of_neurons(scene: Scene, neuron: Neuron | None) -> Objective:
    """The value of a neuron of the layer, or the sum of a channel's, as a target."""
    values = scene.values
    # where in a sample of the tensor each place of its map comes from
    numbers = np.broadcast_to(np.arange(values[0].size).reshape(1, *values.shape[1:]), values.shape)
    places = np.asarray(scene.folded(numbers))
    count, shape = len(values), places.shape[1:]
    if neuron is None:
        sums = np.asarray(scene.folded(values)).reshape(count, shape[0], -1).sum(axis=2)
        chosen: list[tuple[int, ...]] = [(int(channel),) for channel in sums.argmax(axis=1)]
    else:
        chosen = [tuple(np.ravel(np.asarray(neuron)).tolist())] * count
    for each in chosen:
        _require(each, shape, scene.tensor)
    index = np.stack(
        [numbers_of[each].reshape(-1) for numbers_of, each in zip(places, chosen, strict=True)]
    ).astype(np.int64)
    ones = np.ones(index.shape, np.float32)
    texts = tuple(f"{scene.tensor}[{', '.join(map(str, each))}]" for each in chosen)
    return Objective(
        keys=(TermKey(scene.tensor),),
        index=(index,),
        sign=(ones,),
        weight=(ones,),
        description=texts,
        own=(None,) * count,
    )


def _require(neuron: Sequence[int], shape: Sequence[int], layer: str) -> None:
    """InputError where a layer of `shape` (channels, places...) has no such neuron, or channel."""
    sizes = shape if len(neuron) > 1 else shape[:1]
    whole = all(isinstance(each, int) for each in neuron) and len(neuron) == len(sizes)
    inside = whole and all(0 <= each < size for each, size in zip(neuron, sizes, strict=True))
    if not inside:
        raise InputError(
            f"layer '{layer}' has no neuron {tuple(neuron)}: give a channel below {shape[0]}, or a channel "
            f"and a place within {tuple(shape)}"
        )


def _of_channel(folded: NDArray[np.float64], channel: int | None) -> NDArray[np.float64]:
    if channel is None:
        return folded
    if not isinstance(channel, int | np.integer) or not 0 <= channel < folded.shape[1]:
        raise InputError(f"the layer has channels 0 to {folded.shape[1] - 1}, no channel {channel}")
    return folded[:, channel : channel + 1]
