"""The graph of a model that explains itself: its own, the gradient behind it, and what a method makes of both."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from inspector.autodiff.sizes import Size
from inspector.autodiff.tape import Tape
from inspector.embed.contrast import contrast
from inspector.embed.folding import fold
from inspector.embed.gradients import Gradients, with_gradients
from inspector.embed.recipes import Recipe
from inspector.embed.sharing import share_kernels
from inspector.embed.sides import Reference
from inspector.embed.traced import Traced
from inspector.errors import ModelError
from inspector.explain.geometry import channels_first, input_layout
from inspector.explain.geometry.grid import Grid
from inspector.explain.heatmap import scale
from inspector.model import HEATMAP, Layer, spatial_axes
from inspector.objectives import OWN, SCORE, Entry, Evaluator, Objective
from inspector.surgery import find_value, prune, register_constants

__all__ = ["CLASS", "Plan", "build"]

CLASS = "class"


@dataclass(frozen=True)
class Plan:
    """What the file is to hold.

    Attributes:
        evaluator: of the model.
        objective: of one sample, whichever it is.
        entry: the input that the heatmap lies over, and the tensor that methods at the input work on.
        recipe: of the method.
        layer: the feature map; None for methods at the input.
        grids: how the layer, and the first tensor after the input where that is not the input, are read as maps; None:
            by the input's layout.
        references: where the numbers of places of those are read that the size of the picture decides.
        class_input: whether the class is asked for by an input.
    """

    evaluator: Evaluator
    objective: Objective
    entry: Entry
    recipe: Recipe
    layer: Layer | None
    grids: Mapping[str, Grid | None]
    references: Mapping[str, Reference]
    class_input: bool = False

    @property
    def place(self) -> str:
        """The tensor that the method works on."""
        return self.source if self.layer is None else self.layer.name

    @property
    def source(self) -> str:
        """The input, or the first floating-point tensor after it."""
        return self.entry.tensor

    @property
    def spatial(self) -> tuple[int, ...]:
        """The input's spatial axes; of a sequence its one axis after the samples."""
        rank = len(self.entry.input.shape or ())
        layout = input_layout(self.evaluator.model, self.entry.input)
        return tuple(range(1, rank)) if layout is None or len(layout) != rank else tuple(spatial_axes(layout))


class _Site:
    """Where a recipe finds its maps, traced on `tape`: see `recipes.Site`."""

    def __init__(self, tape: Tape, plan: Plan, found: Gradients) -> None:
        self.tape, self.plan, self.found = tape, plan, found
        self.picture = find_value(found.model.graph, plan.entry.input.name)
        self.sides: list[Size] = [tape.size(self.picture, axis) for axis in plan.spatial]

    def values(self, tensor: str) -> Any:
        return self._maps(tensor, self.found.values[tensor])

    def pulled(self, number: int, tensor: str, times: NDArray[Any] | None = None) -> Any:
        return self._maps(tensor, self.found.pulled[number][tensor], times)

    def shows(self, tensor: str) -> bool:
        grid = self.plan.grids.get(tensor)
        return grid is not None and grid.area > 1 and len(grid.sides) == len(self.sides)

    def enlarged(self, maps: Any, tensor: str) -> Any:
        """`explain.upsample`, to the input's own size: ONNX calls it linear, half-pixel resizing."""
        grid, tape = self.plan.grids.get(tensor), self.tape
        as_large = tensor == self.picture.name or (grid is not None and list(grid.sides) == self.sides)
        if as_large or len(self.sides) + 1 != maps.ndim:
            return maps
        # the runtime resizes pictures and volumes with channels: a signal is a picture of one row
        added = [1, 2] if len(self.sides) == 1 else [1]
        large = tape.Resize(
            tape.Unsqueeze(maps.value, added),
            None,
            None,
            tape.ints(self.sides),
            axes=[len(added) + axis for axis in range(1, maps.ndim)],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        return Traced(tape, tape.Squeeze(large, added), maps.ndim)

    def _sides(self, tensor: str) -> dict[int, Size] | None:
        """The numbers of places that only a run can tell."""
        if tensor not in self.plan.references:
            return None
        reference = self.plan.references[tensor]
        name = self.found.values.get(reference.tensor, reference.tensor)
        value = find_value(self.found.model.graph, name)
        return {space: self.tape.size(value, axis) for space, axis in reference.axes.items()}

    def _maps(self, tensor: str, name: str, times: NDArray[Any] | None = None) -> Any:
        """(N, C, spatial...) in float32 of what `name` holds, which is shaped like `tensor`."""
        value = find_value(self.found.model.graph, name)
        single = self.tape.cast(value, ir.DataType.FLOAT)
        if times is not None:
            single = self.tape.Mul(single, times.astype(np.float32))
        single.shape = value.shape
        grid = self.plan.grids.get(tensor)
        if grid is not None:
            return fold(self.tape, single, grid, self._sides(tensor))
        array: Any = Traced(self.tape, single, self.tape.rank(single))
        return channels_first(array, input_layout(self.plan.evaluator.model, self.plan.entry.input))


def build(plan: Plan) -> ir.Model:
    """The model with `heatmap` as its last output, and `class` as its last input where that is wanted.

    Its other inputs and outputs are those of the model, in its order. No node is left that no output needs.

    Raises:
        ModelError: the model has an input or output of such a name.
        NotDifferentiable: an operator without a derivative lies between; names it.
    """
    given = plan.evaluator.model
    own = [tensor.name for tensor in given.outputs]
    _refuse_taken_names([*own, *(tensor.name for tensor in given.inputs)], plan.class_input)
    # where classes are compared, a score is made of several: the graph must take as many
    compared = plan.recipe.contrast
    objective = plan.objective if compared is None else plan.objective.filled_up(int(compared["classes"]))
    found = with_gradients(plan.evaluator, objective, plan.recipe.pulls(plan))
    graph = found.model.graph
    _restore_inputs(graph, given.graph.graph.inputs)
    tape = Tape(graph, prefix="explain")
    heatmap = _heatmap(_Site(tape, plan, found))
    outputs = [find_value(graph, name) for name in own]
    question = _bind_question(tape, graph, plan)
    graph.inputs.extend(question)
    graph.outputs.clear()
    graph.outputs.extend([*outputs, heatmap])
    _rename(graph, {HEATMAP, CLASS})
    heatmap.name = HEATMAP
    graph.extend(tape.nodes)
    share_kernels(graph, given.graph.graph.initializers)
    # also those that took the place of inputs
    register_constants(graph, list(graph))
    graph.sort()
    return prune(found.model)


def _heatmap(site: _Site) -> ir.Value:
    """The method's map, enlarged to the input's size and scaled, as `explain` does it."""
    plan, maps = site.plan, site.plan.recipe.maps(site)
    found: Any = scale(maps)
    result: ir.Value = site.tape.Identity(found.value)
    if site.picture.shape is not None and found.ndim == len(plan.spatial) + 1:
        result.shape = ir.Shape([site.picture.shape[axis] for axis in (0, *plan.spatial)])
    return result


def _bind_question(tape: Tape, graph: ir.Graph, plan: Plan) -> list[ir.Value]:
    """Put constants, or the class that is asked for, in the place of what the objective takes; the inputs that stay."""
    objective = plan.objective
    asked: list[ir.Value] = []
    feeds: dict[str, Any] = dict(objective.feeds())
    if plan.class_input:
        # a required one: onnxruntime-web refuses initialisers that are inputs too
        wanted = ir.Value(name=CLASS, type=ir.TensorType(ir.DataType.INT64), shape=_batch(graph))
        asked.append(wanted)
        column = tape.Unsqueeze(wanted, [1])
        if objective.index[0][0, 0] == OWN:
            feeds["target.index.0"] = column
        else:
            # the side of a single neuron: of label 1, of label 0, or the one that the sample falls on
            side = tape.Cast(tape.Sub(tape.Mul(column, 2), 1), to=ir.DataType.FLOAT.value)
            feeds["target.sign.0"] = tape.Where(tape.Less(column, 0), np.zeros(1, np.float32), side)
    if plan.recipe.contrast is not None:
        key = objective.keys[0]
        scores = find_value(graph, key.tensor)
        given = [feeds[f"target.{part}.0"] for part in ("index", "weight")]
        index, weight = (each if isinstance(each, ir.Value) else tape.constant(each) for each in given)
        feeds |= contrast(tape, scores, key, index, weight, **plan.recipe.contrast)
    score = find_value(graph, SCORE)
    feeds[f"cotangent.{SCORE}"] = tape.ones(tape.shape(score), score)
    for value in [each for each in graph.inputs if each.name in feeds]:
        fed = feeds[str(value.name)]
        ir.convenience.replace_all_uses_with(value, fed if isinstance(fed, ir.Value) else tape.constant(fed))
        graph.inputs.remove(value)
    return asked


def _batch(graph: ir.Graph) -> ir.Shape:
    shape = graph.inputs[0].shape
    return ir.Shape([shape[0] if shape is not None and len(shape) else None])


def _restore_inputs(graph: ir.Graph, given: Sequence[ir.Value]) -> None:
    """All inputs of the model, also those that nothing reads, in its order, before those of the objective."""
    present = {value.name: value for value in graph.inputs}
    names = {value.name for value in given}
    restored = [
        present.get(value.name) or ir.Value(name=value.name, type=value.type, shape=value.shape)
        for value in given
    ]
    added = [value for value in graph.inputs if value.name not in names]
    graph.inputs.clear()
    graph.inputs.extend([*restored, *added])


def _refuse_taken_names(names: Collection[str], class_input: bool) -> None:
    for name in (HEATMAP, *([CLASS] if class_input else [])):
        if name in names:
            raise ModelError(f"the model has an input or output '{name}' itself: rename that first")


def _rename(graph: ir.Graph, names: Collection[str]) -> None:
    """Rename, in place, inner tensors that are called so."""
    outside = {*graph.inputs, *graph.outputs}
    results = (value for node in graph.all_nodes() for value in node.outputs)
    for value in [*graph.initializers.values(), *results]:
        if value.name in names and value not in outside:
            value.name = f"model/{value.name}"
