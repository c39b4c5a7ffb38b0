"""`embed`: one ONNX file that also returns the heatmap of what it answers."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from inspector._version import __version__
from inspector.embed.build import CLASS, Plan, build
from inspector.embed.proof import compare, probe, slowdown
from inspector.embed.question import describe
from inspector.embed.recipes import RECIPES
from inspector.embed.sides import Reference, find_reference, is_plain
from inspector.embed.writing import as_message, write
from inspector.errors import InspectorError, ModelError, OutputError
from inspector.explain import METHODS, Method, Subject, explain, find_method
from inspector.explain.geometry.grid import Grid
from inspector.explain.targeted import find_places, layer_for, layer_grid
from inspector.model import HEATMAP, Layer
from inspector.objectives import Entry, Evaluator, Objective
from inspector.session import Feeds, batch_size

__all__ = ["Embedded", "embed", "embeddable"]

EXPLANATION = "explanation"


@dataclass(frozen=True)
class Embedded:
    """What was written.

    Attributes:
        path: of the file.
        files: it, and the file of its weights where it is larger than 2 GB.
        method, layer, target: what it explains, and how; the layer is None for methods at the input.
        class_input: whether it takes the class to explain.
        nodes: how many nodes it has, of which `nodes_added` are for the heatmap.
        bytes_before, bytes_after: of the model's file or files, and of this.
        slowdown: how many times as long a run takes as the model's, measured here.
        agreement: the largest difference of its heatmap from that of `explain`, on the input that was tried.
    """

    path: Path
    files: tuple[Path, ...] = field(repr=False)
    method: str
    layer: str | None
    target: str
    class_input: bool
    nodes: int
    nodes_added: int
    bytes_before: int
    bytes_after: int
    slowdown: float
    agreement: float


def embeddable() -> tuple[str, ...]:
    """The names of the methods that a file can hold: those that need no loop."""
    return tuple(name for name in METHODS if name in RECIPES)


def embed(
    evaluator: Evaluator,
    objective: Objective,
    entry: Entry,
    path: str | os.PathLike[str],
    method: str = "gradcam",
    layer: Layer | None = None,
    class_input: bool = False,
    tokens: str | None = None,
    feeds: Feeds | None = None,
) -> Embedded:
    """Write the model with its explanation as a further output `heatmap`.

    Args:
        evaluator: of the model.
        objective: of one sample, whichever it is: `find_question`.
        entry: the input that the heatmap lies over.
        path: of the file; an existing one is replaced when the new one is whole.
        method: one of `embeddable()`.
        layer: for methods at a layer; None: the last feature map on the way to the target.
        class_input: add a required int64 input `class`, (N,): the class to explain, or -1 for the top class.
        tokens: as for `explain`.
        feeds: an input to try the file on; None: noise.

    Raises:
        InspectorError: there is no such method, or no file can hold it; lists those that it can.
        LayerNotFound: the method needs a feature map and there is none.
        NotDifferentiable: an operator without a derivative lies between; names it.
        ModelError: the model explains itself already, or what was built does not agree with `explain`.
        OutputError: the file cannot be written.
    """
    path = Path(path)
    chosen = _method(method)
    _refuse_explained(evaluator, path)
    feeds = probe(evaluator, entry) if feeds is None else feeds
    subject = Subject(evaluator, feeds, objective.take([0] * batch_size(feeds)), entry.input.name)
    at_layer = chosen.place == "layer"
    layer = layer_for(evaluator, entry, feeds, subject.objective, layer) if at_layer else None
    grids = _grids(subject, entry, layer, tokens)
    # (which refuses what the method cannot explain)
    expected = explain(subject, entry, method, [layer] if layer is not None else [], tokens=tokens)
    plan = Plan(evaluator, objective, entry, RECIPES[method], layer, grids, {}, class_input)
    plan = replace(plan, grids=_other_grids(plan, feeds) | grids)
    if tokens is None:
        plan = replace(plan, references=_references(plan, feeds))
    graph = build(plan)
    session = evaluator.session(graph)
    extra: Feeds = {CLASS: np.full(batch_size(feeds), -1, dtype=np.int64)} if class_input else {}
    found = session.run({**feeds, **extra})
    proof = compare(found, evaluator.original.run(feeds), expected, found[HEATMAP])
    own = len(list(evaluator.model.graph.graph.all_nodes()))
    nodes = len(list(graph.graph.all_nodes()))
    what: dict[str, Any] = {
        "method": method,
        "layer": None if layer is None else layer.name,
        "target": describe(objective),
        "class_input": class_input,
        "signed": chosen.signed,
        "nodes_added": nodes - own,
        "version": __version__,
    }
    ratio = slowdown(evaluator.original, session, feeds, extra)
    files = write(as_message(graph, evaluator.model, {EXPLANATION: what}), path)
    return Embedded(
        path, files, method, what["layer"], what["target"], class_input, nodes, nodes - own,
        evaluator.model.proto.ByteSize() + evaluator.model.bytes_on_disk,
        sum(file.stat().st_size for file in files), ratio, proof.heatmap,
    )  # fmt: skip


def _method(name: str) -> Method:
    method = find_method(name)
    if name not in RECIPES:
        raise InspectorError(
            f"method {name} runs the model more than once, decides between runs, or looks for an eigenvector, so no "
            f"file can hold it; a file can hold {', '.join(embeddable())}"
        )
    return method


def _grids(subject: Subject, entry: Entry, layer: Layer | None, tokens: str | None) -> dict[str, Grid | None]:
    """How the tensors that methods work on are read as maps; None: by the input's layout."""
    evaluator, feeds = subject.evaluator, subject.feeds
    grids = {entry.tensor: find_places(evaluator, entry, feeds).grid(entry.tensor) if entry.op_type else None}
    if layer is not None:
        values = evaluator.values(feeds, [layer.name])[layer.name]
        grids[layer.name] = layer_grid(evaluator, entry, feeds, layer, values.shape, tokens)
    return grids


def _other_grids(plan: Plan, feeds: Feeds) -> dict[str, Grid | None]:
    """How whatever else the method pulls back to is read as maps; None: not at all."""
    places = find_places(plan.evaluator, plan.entry, feeds)
    return {name: places.grid(name) for pull in plan.recipe.pulls(plan) for name in pull.wrt}


def _references(plan: Plan, feeds: Feeds) -> dict[str, Reference]:
    """For pictures of any size: where the number of tokens in each direction is read."""
    shape = plan.entry.input.shape or ()
    if all(isinstance(shape[axis], int) for axis in plan.spatial if axis < len(shape)):
        return {}
    return {
        name: find_reference(plan.evaluator, plan.entry, feeds, plan.spatial, name, grid)
        for name, grid in plan.grids.items()
        if grid is not None and grid.area > 1 and not is_plain(grid)
    }


def _refuse_explained(evaluator: Evaluator, path: Path) -> None:
    model = evaluator.model
    if model.metadata.explanation:
        raise ModelError("the file explains itself already: embed the model that it was made from")
    if model.path is not None and path.exists() and path.samefile(model.path):
        raise OutputError(f"{path} is the model itself: give the file to write another name")
