"""Intermediate tensors, many at a time, without holding all of them in the runtime at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from inspector.errors import LayerNotFound
from inspector.model import Layer
from inspector.model.propagate import propagate
from inspector.objectives import Evaluator
from inspector.session import Array, Feeds, batch_size

__all__ = ["MEMORY", "collect_activations"]

# bytes of activations that one run of the model may return
MEMORY = 512 * 2**20
# assumed for a dimension that not even the shapes of the inputs tell
UNKNOWN = 128


def collect_activations(
    evaluator: Evaluator, feeds: Feeds, layers: Sequence[Layer], memory: int = MEMORY
) -> dict[str, Array]:
    """The first output of each of `layers`, by tensor name, in the order given.

    What has no activation (a sequence; a tensor inside a loop, which has one per iteration) is left out.

    Raises:
        LayerNotFound: none of them has one; says why.
    """
    found: dict[str, Array] = {}
    tensors = [layer for layer in layers if layer.reason is None]
    if layers and not tensors:
        raise LayerNotFound(f"'{layers[0].name}' has no activation: it is {layers[0].reason}")
    for group in _groups(tensors, evaluator, feeds, memory):
        found.update(evaluator.values(feeds, [layer.name for layer in group]))
    return found


def _groups(
    layers: Sequence[Layer], evaluator: Evaluator, feeds: Feeds, memory: int
) -> Iterator[list[Layer]]:
    """Consecutive layers whose activations together take at most `memory` bytes, and at least one."""
    shapes = _shapes(layers, evaluator, feeds)
    group: list[Layer] = []
    taken = 0
    for layer in layers:
        size = _bytes(layer, shapes.get(layer.name), batch_size(feeds))
        if group and taken + size > memory:
            yield group
            group, taken = [], 0
        group.append(layer)
        taken += size
    if group:
        yield group


def _shapes(layers: Sequence[Layer], evaluator: Evaluator, feeds: Feeds) -> dict[str, tuple[int, ...]]:
    """For these feeds, of the layers whose shape depends on them."""
    if all(layer.shape is not None and all(isinstance(dim, int) for dim in layer.shape) for layer in layers):
        return {}
    tensors = {name: array.shape for name, array in feeds.items() if isinstance(array, np.ndarray)}
    key = ("shapes", tuple(sorted(tensors.items())))
    # (of a small network this takes longer than running it)
    found: dict[str, tuple[int, ...]] = evaluator.answers.get(
        key, lambda: propagate(evaluator.model.graph, tensors)
    )
    return found


def _bytes(layer: Layer, shape: tuple[int, ...] | None, samples: int) -> int:
    item = 8 if layer.dtype == "string" else np.dtype(layer.dtype).itemsize
    if shape is not None:
        return item * math.prod(shape)
    dims = layer.shape if layer.shape is not None else (samples, UNKNOWN, UNKNOWN)
    lengths = [dim if isinstance(dim, int) else UNKNOWN for dim in dims]
    # a file with a fixed batch is run in slices
    if lengths and isinstance(dims[0], int):
        lengths[0] = max(lengths[0], samples)
    return item * math.prod(lengths)
