"""A Keras model as a TensorFlow function of flat tensors, with calls of tapped layers marked or recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from export.errors import ExportError
from export.taps import OUTPUT, Key, TapRecorder, flatten_named
from export.tensorflow_graph import input_specs, mark
from export.verify import Array, InputSpec

__all__ = ["Call", "Traced", "find_layers"]


def find_layers(model: Any) -> dict[str, Any]:
    """Every layer by each name it answers to: its path (`inner/conv`), and its own name where that is unambiguous."""
    paths: dict[str, Any] = {}

    def walk(parent: Any, prefix: str) -> None:
        for layer in parent._flatten_layers(recursive=False, include_self=False):
            path = f"{prefix}{layer.name}"
            if path not in paths and not isinstance(layer, keras.layers.InputLayer):
                paths[path] = layer
                walk(layer, f"{path}/")

    walk(model, "")
    found = dict(paths)
    bare: dict[str, list[Any]] = {}
    for path, layer in paths.items():
        if "/" in path and all(layer is not other for other in bare.get(layer.name, [])):
            bare.setdefault(layer.name, []).append(layer)
    for name, candidates in bare.items():
        if name not in found and len(candidates) == 1:
            found[name] = candidates[0]
    return found


class Call:
    """How the model takes its inputs: their structure, names, shapes and types."""

    def __init__(
        self, model: Any, example: Any, input_names: Sequence[str] | None, dynamic_batch: bool
    ) -> None:
        if example is not None:
            self._struct = example
        elif getattr(model, "inputs", None):
            struct = getattr(model, "_inputs_struct", None)
            self._struct = struct if struct is not None else model.inputs
        else:
            raise ExportError(
                f"{type(model).__name__} does not say what its inputs are (it is not a functional or sequential "
                "model): pass example=, the arrays it is called with"
            )
        leaves = keras.tree.flatten(self._struct)
        single = example is None and len(leaves) == 1
        if single:
            self._struct = leaves[0]
        names = (
            list(input_names)
            if input_names is not None
            else [_leaf_name(leaf, i, leaves) for i, leaf in enumerate(leaves)]
        )
        if len(names) != len(leaves) or len(set(names)) != len(names):
            raise ExportError(f"{len(leaves)} different input names are needed, not {names}")
        self.names = names
        self._shapes = [_free_batch(tuple(leaf.shape), dynamic_batch) for leaf in leaves]
        self._dtypes = [tf.as_dtype(leaf.dtype) for leaf in leaves]
        self._highs = [_high(leaf) for leaf in leaves]

    def rebuild(self, tensors: Sequence[Any]) -> Any:
        """The model's one positional argument."""
        return keras.tree.pack_sequence_as(self._struct, list(tensors))

    def signature(self) -> list[Any]:
        """One TensorSpec per input; their names are placeholders that TensorFlow cannot object to."""
        return [
            tf.TensorSpec(shape, dtype, name=f"input_{i}")
            for i, (shape, dtype) in enumerate(zip(self._shapes, self._dtypes, strict=True))
        ]

    def specs(self) -> list[InputSpec]:
        """The inputs as `export.verify` wants them."""
        return input_specs(self.names, self.signature(), self._highs)


def _leaf_name(leaf: Any, index: int, leaves: Sequence[Any]) -> str:
    name = getattr(leaf, "name", None)
    if isinstance(name, str) and name:
        return name
    return f"input_{index}" if len(leaves) > 1 else "input"


def _free_batch(shape: tuple[int | None, ...], dynamic_batch: bool) -> tuple[int | None, ...]:
    return (None, *shape[1:]) if dynamic_batch and shape else shape


def _high(leaf: Any) -> int:
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "iu" and leaf.size:
        return int(leaf.max())
    return 255 if tf.as_dtype(leaf.dtype) == tf.uint8 else 1


class Traced:
    """Calls a Keras model on flat tensors, in inference mode.

    With `marking`, every tapped value and every output passes through a marker; without, they are recorded. Maps of
    rank 4 and 5 (and of 1-D convolutions and poolings) are marked and recorded channel-first: transposed, marked,
    and transposed back, all on the path; neighbouring transposes are cancelled by tf2onnx.
    """

    def __init__(self, model: Any, call: Call, recorder: TapRecorder) -> None:
        self.model = model
        self.recorder = recorder
        self.marking = False
        self.output_names: list[str] = []
        self._call = call

    def run(self, *tensors: Any) -> list[Any]:
        """The tensors of the model's result, in its own order."""
        self.recorder.start()
        named = self._named(self.model(self._call.rebuild(tensors), training=False))
        self.output_names = [name for name, _ in named]
        if not self.marking:
            return [tensor for _, tensor in named]
        return [mark(tensor, Key(OUTPUT, 0, i)) for i, (_, tensor) in enumerate(named)]

    def record(self, feed: Mapping[str, Array]) -> tuple[list[Array], dict[Key, Array]]:
        """Own outputs and tapped values (channel-first) of one eager run."""
        own = self.run(*(tf.constant(feed[name]) for name in self._call.names))
        return [np.asarray(t) for t in own], {key: np.asarray(t) for key, t in self.recorder.seen.items()}

    @contextlib.contextmanager
    def tapped(self, layers: Mapping[str, Any]) -> Iterator[None]:
        """Stands between the tapped layers and their callers for as long as the context lasts."""
        originals: list[tuple[Any, bool, Any]] = []
        try:
            for name, layer in layers.items():
                # set on the instance, past Keras's attribute tracking, so that sub-classed layers keep their `call`
                originals.append((layer, "call" in vars(layer), layer.call))
                object.__setattr__(layer, "call", self._between(name, layer, layer.call))
            yield
        finally:
            for layer, own, original in reversed(originals):
                if own:
                    object.__setattr__(layer, "call", original)
                else:
                    object.__delattr__(layer, "call")

    def _between(self, name: str, layer: Any, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            number = self.recorder.next_call(name)
            elements = iter(range(1_000_000))

            def visit(tensor: Any) -> Any:
                return (
                    self._tap(Key(name, number, next(elements)), layer, tensor)
                    if tf.is_tensor(tensor)
                    else tensor
                )

            return keras.tree.map_structure(visit, result)

        return call

    def _tap(self, key: Key, layer: Any, tensor: Any) -> Any:
        last = _channels_last(layer, tensor)
        rank = tensor.shape.rank
        first = tf.transpose(tensor, (0, rank - 1, *range(1, rank - 1))) if last else tensor
        if not self.marking:
            self.recorder.seen[key] = first
            return tensor
        self.recorder.seen[key] = None
        marked = mark(first, key)
        return tf.transpose(marked, (0, *range(2, rank), 1)) if last else marked

    def _named(self, result: Any) -> list[tuple[str, Any]]:
        named = flatten_named(result, tf.is_tensor)
        # a functional model's outputs are known by the layers that make them; a dict's keys are the better names
        symbolic = [] if isinstance(result, Mapping) else list(getattr(self.model, "outputs", None) or [])
        names = [tensor._keras_history.operation.name for tensor in symbolic]
        if len(set(names)) == len(named):
            return [(name, tensor) for name, (_, tensor) in zip(names, named, strict=True)]
        return named


def _channels_last(layer: Any, tensor: Any) -> bool:
    layout: str | None = getattr(layer, "data_format", None)
    rank = tensor.shape.rank
    if rank not in (4, 5) and not (rank == 3 and layout is not None):
        return False
    return bool((layout or keras.config.image_data_format()) == "channels_last")
