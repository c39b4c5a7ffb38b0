"""A model with some of its weights drawn anew: what is left of it is its architecture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import ModelError
from inspector.objectives import Evaluator

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["Redrawing", "redraw"]


class Redrawing:
    """The layers of a model that have weights, and the model with some of them drawn anew.

    Args:
        evaluator: of the model.
        seed: of what is drawn.
    """

    def __init__(self, evaluator: Evaluator, seed: int = 0) -> None:
        self._evaluator = evaluator
        self._seed = seed
        self._made: dict[tuple[int, ...], Evaluator] = {}

    @cached_property
    def layers(self) -> list[list[str]]:
        """Initialisers by layer, in the order of the graph: a kernel or matrix begins one, and what follows it (biases,
        the numbers of a batch normalisation) belongs to it.

        Raises:
            ModelError: the model has none.
        """
        found: list[list[str]] = []
        seen: set[str] = set()
        graph = self._evaluator.model.graph.graph
        for node in graph:
            names = [str(value.name) for value in node.inputs if value is not None and _is_weight(value)]
            fresh = [name for name in names if name not in seen]
            seen.update(fresh)
            if any(_is_matrix(graph.initializers[name].shape or ()) for name in fresh):
                found.append([])
            if found:
                found[-1] += fresh
        if not found:
            raise ModelError("the model's weights are no constants of the file: none can be drawn anew")
        return found

    def cascade(self, stages: int) -> list[range]:
        """The last layer, ..., all layers: numbers of layers from the top, `stages` of them, growing by a factor."""
        count = len(self.layers)
        lengths = np.unique(np.rint(np.geomspace(1, count, stages)).astype(int))
        return [range(count - int(length), count) for length in lengths]

    def single(self, stages: int) -> list[range]:
        """One layer at a time, from the first to the last, `stages` of them."""
        numbers = np.unique(np.rint(np.linspace(0, len(self.layers) - 1, stages)).astype(int))
        return [range(int(number), int(number) + 1) for number in numbers]

    def without(self, layers: Sequence[int]) -> Evaluator:
        """The model with the weights of `layers` drawn anew."""
        key = tuple(layers)
        if key not in self._made:
            names = [name for number in layers for name in self.layers[number]]

            def build() -> ir.Model:
                return redraw(self._evaluator.model.graph, names, self._seed)

            self._made[key] = self._evaluator.variant(f"redrawn {self._seed} {key}", build)
        return self._made[key]


def redraw(model: ir.Model, names: Sequence[str], seed: int = 0) -> ir.Model:
    """A copy of `model` with the initialisers `names` drawn anew.

    Kernels and matrices are drawn from the normal distribution with their own mean and deviation: what an initialiser
    of weights does, at the scale that the trained layer has come to, so that nothing overflows or dies. Vectors
    (biases, means and variances of a batch normalisation) and quantised weights are shuffled: a variance stays
    positive.
    """
    import onnx_ir as ir

    from inspector.surgery.copying import copy

    changed = copy(model)
    for place, name in enumerate(names):
        value = changed.graph.initializers[name]
        assert value.const_value is not None
        array = value.const_value.numpy()
        random = np.random.default_rng([seed, place])
        value.const_value = ir.tensor(_drawn(array, random), value.const_value.dtype, name=name)
    return changed


def _drawn(array: NDArray[Any], random: np.random.Generator) -> NDArray[Any]:
    if not _is_matrix(array.shape) or array.dtype.kind in "iu":
        return random.permutation(array.ravel()).reshape(array.shape)
    values = array.astype(np.float64)
    return random.normal(values.mean(), values.std(), array.shape).astype(array.dtype)


def _is_weight(value: ir.Value) -> bool:
    """A constant of more than one number; of whole numbers (quantised weights) a matrix or kernel of bytes."""
    tensor = value.const_value
    if tensor is None or not value.is_initializer() or tensor.size < 2:
        return False
    if tensor.dtype.is_floating_point():
        return True
    return tensor.dtype.name in ("INT8", "UINT8") and _is_matrix(tensor.shape)


def _is_matrix(shape: Iterable[Any]) -> bool:
    """Whether more than one axis has more than one index."""
    return sum(1 for side in shape if side != 1) > 1
