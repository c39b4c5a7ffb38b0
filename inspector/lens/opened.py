"""A model, opened: what is in it, and what its layers, outputs and labels are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from inspector.explain import Choice, default_choice
from inspector.model import (
    Layer,
    Metadata,
    Model,
    TensorInfo,
    load,
    resolve_layer,
    resolve_layers,
)
from inspector.objectives import (
    AnyTargets,
    Evaluator,
    Head,
    Labels,
    blaming_the_file,
    find_default,
    find_entry,
    read_heads,
    target_tensors,
)
from inspector.session import cache_folder

if TYPE_CHECKING:
    import os

    from inspector.model.source import Source

__all__ = ["LayerSpec", "Opened", "Score"]

Score = Literal["logit", "output"]
LayerSpec = str | int | Layer


class Opened:
    """One model and its parts by name; `Inspector` computes with them."""

    def __init__(
        self,
        model: Source,
        providers: Sequence[str] | str | None = None,
        threads: int | None = None,
        labels: Labels | None = None,
        cache: bool | str | os.PathLike[str] | None = None,
    ) -> None:
        self.model: Model = load(model)
        self.evaluator = Evaluator(self.model, providers, threads, cache_folder(cache))
        self._labels = labels
        self._heads: dict[Score, dict[str, Head]] = {}

    # what is in the model

    @property
    def metadata(self) -> Metadata:
        """What the file says about its labels, layers, input and training."""
        return self.model.metadata

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Name, shape, dtype of what the model takes."""
        return self.model.inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """Name, shape, dtype of what the model returns."""
        return self.model.outputs

    @property
    def providers(self) -> list[str]:
        """The execution providers that onnxruntime really runs this model on."""
        return self.evaluator.original.providers

    @cached_property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """Class names by output, of those that have any. A one-neuron output has two: of label 0 and label 1."""
        return {name: head.labels for name, head in self.heads().items() if head.labels}

    def heads(self, score: Score = "logit") -> dict[str, Head]:
        """What each output means: classes, labels, the logits that it was computed from."""
        if score not in self._heads:
            with blaming_the_file(self.evaluator):
                self._heads[score] = read_heads(self.model, self._labels, score)
        return self._heads[score]

    def layers(self, plumbing: bool = False) -> list[Layer]:
        """The layers in order; shape arithmetic, casts and transposes only with `plumbing`."""
        with blaming_the_file(self.evaluator):
            return [layer for layer in self.model.layers if plumbing or not layer.plumbing]

    def results(self, plumbing: bool = False) -> list[Layer]:
        """`layers()`, a node with several results (Split, LSTM, TopK) once for each that is a tensor of its own."""
        found = []
        for layer in self.layers(plumbing):
            found.append(layer)
            if layer.reason is None:
                others = [self._named(layer, name) for name in layer.outputs if name != layer.name]
                found += [other for other in others if other.name != layer.name and other.dtype is not None]
        return found

    def resolve_layer(self, spec: LayerSpec) -> Layer:
        """The layer that `spec` names: exact tensor or node name, label, index, `OpType:N`, glob, in this order.

        Raises:
            LayerNotFound: none or several; lists near matches.
        """
        return spec if isinstance(spec, Layer) else self._named(resolve_layer(self.model.layers, spec), spec)

    def resolve_layers(self, specs: LayerSpec | Iterable[LayerSpec]) -> list[Layer]:
        """The layers that `specs` name, each once, in the order of the graph; a glob or a label may name several.

        Raises:
            LayerNotFound: one names none; lists near matches.
        """
        several = [specs] if isinstance(specs, str | int | Layer) else specs
        found = {
            layer.name: layer
            for spec in several
            for layer in (
                [spec]
                if isinstance(spec, Layer)
                else [self._named(each, spec) for each in resolve_layers(self.model.layers, spec)]
            )
        }
        order = [name for layer in self.model.layers for name in layer.outputs]
        return sorted(found.values(), key=lambda layer: order.index(layer.name))

    def _named(self, layer: Layer, spec: str | int) -> Layer:
        """`layer`; of a node with several results the one that `spec` is the name of."""
        tensor = self.model.tensor(spec) if isinstance(spec, str) and spec in layer.outputs else None
        if tensor is None or spec == layer.name:
            return layer
        layout = self.model.layouts.get(tensor.name)
        return replace(layer, name=tensor.name, shape=tensor.shape, dtype=tensor.dtype, layout=layout)

    def default_layer(self, target: AnyTargets = None, score: Score = "logit") -> Layer:
        """Where CAM methods take their map from unless another layer is named: see `layer_choice`."""
        return self.layer_choice(target, score).layer

    def layer_choice(self, target: AnyTargets = None, score: Score = "logit") -> Choice:
        """The default layer for `target`, what kind of model this was taken for, and why this layer.

        `explain` knows the input, and with it the box that a detector's score belongs to: its layer may be another.

        Raises:
            LayerNotFound: no feature map leads to the target.
            TargetError: no target is given and none is clear.
        """
        with blaming_the_file(self.evaluator):
            tensors = target_tensors(target, self.model, self.heads(score), score)
            boxes = target is None and find_default(self.heads(score), self.model).kind == "a detector"
            entry = find_entry(self.evaluator, tensors, pictures_first=True)
            return default_choice(self.evaluator, entry, tensors, boxes)
