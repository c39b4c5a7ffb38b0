"""The layer that a class activation map is taken from where none is named.

The evidence travels from the input to the score through tensors; those that hold a grid of places are the candidates.
Of a class's score the last candidate counts that all evidence passes through: the last feature map before the pooling;
of a transformer whose class token alone is read, what the last block reads (its first normalisation), because of what
it computes the patches play no part. Of a map of scores the bottleneck counts: the smallest maps that a part of the
network of its own works on, as Vinogradova et al. (Towards Interpretable Semantic Segmentation via Gradient-weighted
Class Activation Mapping, AAAI 2020) found best. Of a box the last map on the way to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from inspector.errors import LayerNotFound
from inspector.explain.flow import Mask, dominators, needed
from inspector.explain.geometry import Grid, Places
from inspector.model import Layer, Model
from inspector.objectives.backward import WEIGHTED

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["Choice", "choose_layer"]

# these only move elements, or write them in other numbers: what they moved is the layer
MOVES = """
    Cast CastLike DepthToSpace DequantizeLinear Dropout Expand Flatten Gather Identity Pad QuantizeLinear Reshape Resize
    Slice SpaceToDepth Split Squeeze Tile Transpose Unsqueeze Upsample
"""
_MOVES = frozenset(MOVES.split())
_WEIGHTED = WEIGHTED | {"GRU", "LSTM", "RNN"}


@dataclass(frozen=True)
class Choice:
    """The layer, what kind of model it was taken for, and why this layer."""

    layer: Layer
    kind: str
    reason: str


@dataclass(frozen=True)
class _Way:
    """The tensors that evidence passes through, in order, and what each leads to."""

    ordered: Sequence[ir.Value]
    edges: Sequence[tuple[ir.Value, ir.Value]]
    sources: Sequence[ir.Value]
    sinks: Sequence[ir.Value]
    grids: Mapping[ir.Value, Grid]

    @cached_property
    def before(self) -> dict[ir.Value, list[ir.Value]]:
        """What each tensor is computed from."""
        found: dict[ir.Value, list[ir.Value]] = {}
        for start, end in self.edges:
            found.setdefault(end, []).append(start)
        return found


def choose_layer(
    model: Model,
    places: Places,
    entry: str,
    targets: Mapping[str, Mask],
    source: str = "",
    boxes: bool = False,
) -> Choice:
    """The layer for the elements `targets` of the tensors that a score is made of.

    Args:
        model: whose layer is wanted.
        places: where its tensors lie in the input that the map lies over.
        entry: the tensor that the evidence starts from: that input, or the first floating-point tensor after it.
        targets: tensor -> the elements of one sample batch that the score reads; `ALL` where they are not known.
        source: in place of `entry` in the message of an error.
        boxes: whether the score is one of many boxes', and `targets` does not say which.

    Raises:
        LayerNotFound: no feature map lies between them.
    """
    read = tuple(
        (name, (mask.shape, mask.tobytes()) if isinstance(mask, np.ndarray) else None)
        for name, mask in targets.items()
    )
    choice: Choice = places.answers.get(
        ("layer", entry, read, source, boxes),
        lambda: _choose_layer(model, places, entry, targets, source, boxes),
    )
    return choice


def _choose_layer(
    model: Model, places: Places, entry: str, targets: Mapping[str, Mask], source: str, boxes: bool
) -> Choice:
    way = _find_way(places, entry, targets)
    layers = {layer.name: layer for layer in model.layers}
    spatial = [_places_read(places, name, mask) for name, mask in targets.items()]
    candidates = [
        value
        for value in way.ordered
        if value in way.grids
        and way.grids[value].area > 1
        and str(value.name) in layers
        and str(value.name) not in targets
        and (value.dtype is None or value.dtype.is_floating_point())
    ]
    if not candidates:
        raise LayerNotFound(
            f"no spatial feature map lies on the way from '{source or entry}' to the target, which class activation "
            "maps need: use method saliency, or name a layer (with --tokens, where a sequence stands for a map)"
        )
    # one place of a map (batch, classes, height, width), or of the input's size, is explained like all of it; a box of
    # a list is not
    maps = any(
        count and (len(places.shapes.get(name, ())) > 3 or _is_full_size(places, name, entry))
        for name, count in zip(targets, spatial, strict=True)
    )
    chain = dominators(way.ordered, way.edges, way.sources, way.sinks)
    if boxes or maps or max(spatial, default=0) > 1:
        value, reason = _bottleneck(way, candidates)
        kind = "a detector" if boxes else "a model with a score for every place"
    elif 1 in spatial or any(_joins_levels(places, name) for name in targets):
        scores = _scores(way, candidates)
        value, reason = _last(way, [value for value in candidates if value not in scores], chain)
        kind = "a detector"
    else:
        value, reason = _last(way, candidates, chain)
        kind = "a classifier"
    layer = layers[str(value.name)]
    grid = way.grids[value]
    if layer.layout is None and (grid.skipped or len(layer.shape or ()) == 3):
        skipped = f", {grid.skipped} other tokens left out" if grid.skipped else ""
        reason += f"; its tokens are {grid.text} places{skipped}"
        kind = kind.replace("a classifier", "a transformer with class scores")
    return Choice(layer, kind, reason)


def _find_way(places: Places, entry: str, targets: Mapping[str, Mask]) -> _Way:
    graph = places.graph
    nodes = list(graph)
    values = {
        str(value.name): value for value in (*graph.inputs, *(v for node in nodes for v in node.outputs))
    }
    missing = [name for name in (entry, *targets) if name not in values]
    if missing:
        raise LayerNotFound(f"'{missing[0]}' is computed by no node: no feature map leads to it")
    need = needed(nodes, places.shapes, {values[name]: mask for name, mask in targets.items()})
    start = values[entry]
    # a tensor of which only the class token is needed is no map any more
    grids = {
        value: grid
        for value, mask in need.masks.items()
        if (grid := places.grid(str(value.name))) is not None and _reads_places(grid, mask)
    }
    reached = {start}
    edges = []
    for before, after, mask in need.uses:
        if before in reached and _reads_places(grids.get(before), mask):
            reached.add(after)
            edges.append((before, after))
    ordered = [value for value in values.values() if value in reached]
    sinks = [values[name] for name in targets if values[name] in reached]
    return _Way(ordered, edges, [start], sinks, {v: grid for v, grid in grids.items() if v in reached})


def _reads_places(grid: Grid | None, mask: Mask) -> bool:
    """Whether a use of a map needs any of its places, and not its class tokens alone."""
    if grid is None or not isinstance(mask, np.ndarray):
        return True
    return bool(grid.fold(mask).any())


def _places_read(places: Places, name: str, mask: Mask) -> int:
    """How many places of a target the score reads; 0 where the target is no map."""
    grid = places.grid(name)
    if grid is None or grid.area == 1:
        return 0
    return grid.area if not isinstance(mask, np.ndarray) else int(grid.fold(mask).any(axis=(0, 1)).sum())


def _is_full_size(places: Places, name: str, entry: str) -> bool:
    one, other = places.grid(name), places.grid(entry)
    return one is not None and other is not None and one.sides == other.sides


def _joins_levels(places: Places, name: str) -> bool:
    """Whether the places of several maps stand in one axis of a target, as the boxes of a detector's levels do."""
    axes = places.axes.get(name, ())
    return any(sum(any(f.what >= 0 for f in segment) for segment in axis) > 1 for axis in axes)


def _last(way: _Way, candidates: Sequence[ir.Value], chain: Sequence[ir.Value]) -> tuple[ir.Value, str]:
    allowed = set(candidates)
    for value in chain:
        if value in allowed and not _moves(value) and not _projects(value):
            return value, "the last feature map that all evidence for the target passes through"
    rest = [value for value in candidates if not _moves(value)] or list(candidates)
    return rest[-1], "the last feature map on the way to the target"


def _scores(way: _Way, candidates: Sequence[ir.Value]) -> set[ir.Value]:
    """What the last weights compute, and all that follows from it: scores of each place, not features.

    Empty where nothing but scores would be left.
    """
    found: set[ir.Value] = set()
    pending = list(way.sinks)
    while pending:
        value = pending.pop()
        if value in found:
            continue
        found.add(value)
        node = value.producer()
        if node is None or node.op_type not in _WEIGHTED:
            pending += way.before.get(value, ())
    return set() if found.issuperset(candidates) else found


def _bottleneck(way: _Way, candidates: Sequence[ir.Value]) -> tuple[ir.Value, str]:
    """The exit of the smallest maps that at least two layers with weights work on."""
    scores = _scores(way, candidates)
    features = [value for value in candidates if value not in scores]
    allowed = {value for value in features if not _moves(value)} or set(features)
    parts = [
        inside
        for part in _parts(way)
        if not allowed.isdisjoint(inside := [value for value in part if value not in scores])
    ]
    worked = [part for part in parts if sum(map(_weighted, part)) > 1] or parts
    part = min(worked, key=lambda one: (way.grids[one[0]].area, -sum(map(_weighted, one))))
    chain = dominators(way.ordered, way.edges, way.sources, _exits(way, part))
    rest = [value for value in part if value in allowed]
    value = next((one for one in chain if one in rest and not _projects(one)), rest[-1])
    size = way.grids[value].text
    return value, f"the last of the smallest feature maps ({size}), which all that is larger is computed from"


def _exits(way: _Way, part: Sequence[ir.Value]) -> list[ir.Value]:
    """The members of `part` that the score depends on directly, not by way of other members."""
    inside = set(part)
    seen: set[ir.Value] = set()
    pending = list(way.sinks)
    while pending:
        value = pending.pop()
        if value not in seen:
            seen.add(value)
            pending += way.before.get(value, ()) if value not in inside else ()
    return [value for value in part if value in seen]


def _parts(way: _Way) -> list[list[ir.Value]]:
    """Maps of the same size that follow from each other without a detour through another size."""
    merged: dict[ir.Value, ir.Value] = {}

    def root(value: ir.Value) -> ir.Value:
        while merged[value] is not value:
            value = merged[value]
        return value

    for value in way.ordered:
        if value not in way.grids:
            continue
        merged[value] = value
        for start in way.before.get(value, ()):
            if start in merged and way.grids[start].area == way.grids[value].area:
                merged[root(value)] = root(start)
    parts: dict[ir.Value, list[ir.Value]] = {}
    for value in merged:
        parts.setdefault(root(value), []).append(value)
    return list(parts.values())


def _weighted(value: ir.Value) -> bool:
    node = value.producer()
    return node is not None and node.op_type in _WEIGHTED


def _projects(value: ir.Value) -> bool:
    """Whether a token sequence is a linear image of the one before: keys and values of an attention, say."""
    node = value.producer()
    if node is not None and node.op_type == "Add":
        factors = [each for each in node.inputs if each is not None and not _is_constant(each)]
        node = factors[0].producer() if len(factors) == 1 else None
    return node is not None and node.op_type in ("FusedMatMul", "Gemm", "MatMul")


def _is_constant(value: ir.Value) -> bool:
    import onnx_ir as ir

    return ir.convenience.get_const_tensor(value) is not None


def _moves(value: ir.Value) -> bool:
    node = value.producer()
    return node is None or node.op_type in _MOVES
