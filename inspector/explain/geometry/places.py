"""Where in the input each tensor of one model lies, for inputs of one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from inspector.explain.geometry.assumed import ANY_SIDE, contradiction, fitting_side
from inspector.explain.geometry.axes import Axes, batch, other, place
from inspector.explain.geometry.grid import Grid, grid_of, layout_grid
from inspector.explain.geometry.layouts import input_layout
from inspector.explain.geometry.trace import trace_axes
from inspector.model import Model, TensorInfo, spatial_axes
from inspector.model.propagate import propagate
from inspector.session import Cache

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["Places", "places_of"]

Shape = tuple[int, ...]

# of a sequence, where the file leaves its length open and no input is at hand
ANY_LENGTH = 32


class Places:
    """The grids of a model's tensors.

    Attributes:
        graph: that they are tensors of.
        spaces: numbers of the input's spatial axes.
        shapes: of all tensors that have a known one.
        axes: of the tensors whose shape and axes are known.
        assumption: in words, where the file leaves the picture's size open, and what else it fixes depends on it.
        answers: what was found out from the above, by question.
    """

    def __init__(self, model: Model, graph: ir.Model, image: TensorInfo, sizes: Mapping[str, Shape]) -> None:
        self.graph = graph.graph
        self.assumption = ""
        self.shapes = dict(sizes)
        self.shapes.update(propagate(graph, sizes))
        self._layouts = model.layouts
        self._dims = {layer.name: layer.shape for layer in model.layers}
        source = _input_axes(model, image, sizes.get(image.name))
        self.spaces: tuple[int, ...] = tuple(
            sorted(
                {factor.what for axis in source for segment in axis for factor in segment if factor.what >= 0}
            )
        )
        self.axes = trace_axes(self.graph, self.shapes, {image.name: source}) if self.spaces else {}
        self.answers: Cache[Any] = Cache(256)
        self._grids: dict[str, Grid | None] = {}

    def grid(self, name: str, shape: Sequence[int] | None = None) -> Grid | None:
        """How a tensor is read as maps; None where it is no map, or nothing is known of it.

        Args:
            name: of the tensor.
            shape: that it really has, for a tensor whose shape does not follow from those of the inputs.
        """
        if name in self.axes:
            if name not in self._grids:
                self._grids[name] = grid_of(self.axes[name], self.spaces)
            return self._grids[name]
        layout = self._layouts.get(name)
        known = self.shapes.get(name, tuple(shape) if shape is not None else self._declared(name))
        if layout is None or known is None or len(known) != len(layout):
            return None
        return layout_grid(known, layout)

    def _declared(self, name: str) -> Shape | None:
        """What the file says, where a body or an unknown operator computes it; a side left open counts as two."""
        dims = self._dims.get(name)
        return None if dims is None else tuple(dim if isinstance(dim, int) else 2 for dim in dims)


_KNOWN: WeakKeyDictionary[Model, dict[tuple[Any, ...], Places]] = WeakKeyDictionary()


def places_of(
    model: Model, graph: ir.Model, image: TensorInfo, feeds: Mapping[str, Any] | None = None
) -> Places:
    """The places for inputs of these sizes, one sample at a time where the file takes any number; kept with the model.

    Args:
        model: to look at.
        graph: its nodes, in the form that is differentiated.
        image: the input that maps lie over.
        feeds: arrays by input; None: sizes are taken from the file, and where it leaves them open, assumed.
    """
    sizes = {tensor.name: _size(model, tensor, image, feeds) for tensor in model.inputs}
    known = {name: shape for name, shape in sizes.items() if shape is not None}
    key = (image.name, *sorted(known.items()))
    kept = _KNOWN.setdefault(model, {})
    if key not in kept:
        places = Places(model, graph, image, known)
        kept[key] = places if feeds is not None else _at_a_size_that_fits(places, model, graph, image, known)
    return kept[key]


def _at_a_size_that_fits(
    places: Places, model: Model, graph: ir.Model, image: TensorInfo, sizes: Mapping[str, Shape]
) -> Places:
    """`places`, or those of another size where the file leaves it open but for position embeddings or dense layers."""
    dims = image.shape or ()
    layout = input_layout(model, image)
    axes = [axis for axis in spatial_axes(layout) if not isinstance(dims[axis], int)] if layout else []
    at = contradiction(places.graph, places.shapes) if axes and len(dims) > 3 else None
    if at is None:
        return places
    side = fitting_side(graph, sizes, image.name, axes, at)
    if side is None:
        places.assumption = (
            f"the file leaves the picture's size open, but {at.op_type} '{at.name}' fits some sizes alone: the layer "
            "may be another for your picture"
        )
        return places
    fitting = tuple(side if axis in axes else size for axis, size in enumerate(sizes[image.name]))
    found = Places(model, graph, image, {**sizes, image.name: fitting})
    found.assumption = f"for pictures of {side}x{side}, which {at.op_type} '{at.name}' asks for"
    return found


def _size(
    model: Model, tensor: TensorInfo, image: TensorInfo, feeds: Mapping[str, Any] | None
) -> Shape | None:
    dims = tensor.shape
    if feeds is not None:
        given = tuple(int(size) for size in feeds[tensor.name].shape)
        if tensor.name in model.batched_inputs and given:
            given = (model.fixed_batch or 1, *given[1:])
        return given
    if dims is None:
        return None
    said = model.metadata.input.size if model.metadata.input is not None else None
    sides = list(said or ()) if tensor.name == image.name else []
    layout = input_layout(model, tensor)
    found: list[int] = []
    for axis, dim in enumerate(dims):
        spatial = layout is not None and axis in spatial_axes(layout)
        wanted = sides.pop(0) if spatial and sides else ANY_SIDE if len(dims) > 3 else ANY_LENGTH
        found.append(
            dim if isinstance(dim, int) else 1 if axis == 0 else wanted if spatial or layout is None else 3
        )
    return tuple(found)


def _input_axes(model: Model, image: TensorInfo, shape: Shape | None) -> Axes:
    if shape is None:
        return ()
    layout = input_layout(model, image)
    if layout is None or len(layout) != len(shape):
        # a sequence of numbers that stand for words or bytes
        if len(shape) == 2 and image.dtype is not None and "int" in image.dtype:
            return (batch(shape[0]), place(0, shape[1]))
        return ()
    spatial = spatial_axes(layout)
    return tuple(
        batch(size)
        if layout[axis] == "N"
        else place(spatial.index(axis), size)
        if axis in spatial
        else other(size)
        for axis, size in enumerate(shape)
    )
