"""What each output of a model means: its classes, its labels, the logits that it was computed from."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from inspector.errors import TargetError
from inspector.model import FLOATS, Dim, Model, TensorInfo, channel_axis, shape_text
from inspector.objectives.maps import mapped_scores

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["Head", "Labels", "default_head", "find_head", "is_float", "read_heads", "tells_scores"]

Labels = Sequence[str] | Mapping[str, Sequence[str]]
Score = Literal["logit", "output"]

SCORES = re.compile(r"logit|prob|score|softmax|class|predict", re.IGNORECASE)
# what may stand between a final softmax and the output without changing the order of its elements
TRANSPARENT = frozenset(("Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"))
ACTIVATIONS = {"Softmax": "softmax", "LogSoftmax": "softmax", "Sigmoid": "sigmoid"}


@dataclass(frozen=True)
class Head:
    """One output (or any other tensor) as something to be explained.

    Attributes:
        name: of the output.
        tensor: whose elements are the score: the output, or with `score="logit"` the input of its final activation.
        logits: whose log-softmax or log-sigmoid is the log-probability.
        shape: of the output.
        dtype: of the output.
        labels: class names, empty where there are none. A head with one neuron has two: of 0 and of 1.
        activation: that turns the logits into probabilities.
        class_axis: of the output; None for a single neuron of shape (N,).
        softmax_axis: of `logits`.
        batch_axis: of the output.
    """

    name: str
    tensor: str
    logits: str
    shape: tuple[Dim, ...] | None
    dtype: str | None
    labels: tuple[str, ...]
    activation: str
    class_axis: int | None
    softmax_axis: int
    batch_axis: int = 0

    @property
    def binary(self) -> bool:
        """One neuron per sample: label 1 is +logit, label 0 is -logit."""
        return self.shape is not None and all(dim == 1 for dim in self.sample_shape)

    @property
    def sample_shape(self) -> tuple[Dim, ...]:
        """The axes of one sample."""
        shape = self.shape or ()
        return shape[: self.batch_axis] + shape[self.batch_axis + 1 :]

    @property
    def sample_class_axis(self) -> int:
        """The class axis among the axes of one sample."""
        axis = self.class_axis or 0
        return axis - 1 if axis > self.batch_axis else axis

    @property
    def classes(self) -> int | None:
        """Number of classes; None where it is dynamic or unknown."""
        if self.binary:
            return 2
        if self.shape is None or self.class_axis is None:
            return None
        size = self.shape[self.class_axis]
        return size if isinstance(size, int) else None

    @property
    def one_score_per_class(self) -> bool:
        """Whether a sample has one number per class, not a map or sequence of them."""
        others = [dim for axis, dim in enumerate(self.sample_shape) if axis != self.sample_class_axis]
        return all(dim == 1 for dim in others)

    def label(self, number: int) -> str | None:
        return self.labels[number] if 0 <= number < len(self.labels) else None


def read_heads(model: Model, labels: Labels | None = None, score: Score = "logit") -> dict[str, Head]:
    """The model's outputs by name, in order."""
    if score not in ("logit", "output"):
        raise TargetError(f"score is 'logit' or 'output', not '{score}'")
    given = dict(model.metadata.labels)
    given.update({name: spec.labels for name, spec in model.metadata.outputs.items() if spec.labels})
    if isinstance(labels, Mapping):
        unknown = [name for name in labels if name not in {output.name for output in model.outputs}]
        if unknown:
            raise TargetError(f"labels are given for '{unknown[0]}', which is not an output of the model")
        given.update({name: tuple(names) for name, names in labels.items()})
    heads = {
        output.name: _mapped(model, output, tuple(given.get(output.name, ())), score)
        or _head(model, output, tuple(given.get(output.name, ())), score)
        for output in model.outputs
    }
    if isinstance(labels, Mapping):
        for name, names in labels.items():
            _require_one_each(heads[name], names)
    elif labels is not None:
        head = default_head(heads, model)
        _require_one_each(head, labels)
        heads[head.name] = _head(model, TensorInfo(head.name, head.shape, head.dtype), tuple(labels), score)
    elif "" in given and model.outputs:
        # a bare list in the file belongs to the first output
        first = model.outputs[0]
        heads[first.name] = _head(model, first, tuple(given[""]), score)
    return heads


def _require_one_each(head: Head, labels: Sequence[str]) -> None:
    if head.classes is not None and len(labels) != head.classes:
        raise TargetError(
            f"{len(labels)} labels are given, but output '{head.name}' has {head.classes} classes"
        )


def find_head(heads: Mapping[str, Head], model: Model, name: str, score: Score = "logit") -> Head:
    """The output called `name`, or any other tensor of the graph as if it were one.

    Raises:
        TargetError: there is none.
    """
    # (what an output is a map of has a name of its own)
    found = heads.get(name) or next((head for head in heads.values() if head.name == name), None)
    if found is not None:
        return found
    tensor = model.tensor(name)
    if tensor is None:
        raise TargetError(
            f"the model has no output or tensor '{name}'; its outputs are {_listing(heads.values())}"
        )
    return _head(model, tensor, (), score)


def default_head(heads: Mapping[str, Head], model: Model) -> Head:
    """The first output named or shaped like class scores.

    Raises:
        TargetError: none is; lists the outputs.
    """
    beside = model.metadata.beside_answers
    floats = [head for head in heads.values() if head.name not in beside and is_float(head)]
    tests: tuple[Callable[[Head], bool], ...] = (
        lambda head: head.name in model.metadata.outputs or bool(head.labels),
        lambda head: SCORES.search(head.name) is not None and _per_class(head, model),
        lambda head: _per_class(head, model),
        lambda head: _is_map(head) and tells_scores(head),
        _is_map,
    )
    for test in tests:
        for head in floats:
            if test(head):
                return head
    raise TargetError(
        f"no output is clearly one of class scores: name a target such as 'OUTPUT[0]'; the outputs are "
        f"{_listing(heads.values())}"
    )


def tells_scores(head: Head) -> bool:
    """Whether an output's name, or a softmax or sigmoid at its end, says that it holds scores."""
    return SCORES.search(head.name) is not None or head.logits != head.name


def _is_map(head: Head) -> bool:
    return head.shape is not None and len(head.shape) == 4 and (head.classes or 0) > 1


def _per_class(head: Head, model: Model) -> bool:
    """Whether a sample has one score per class."""
    if head.shape is None or not head.one_score_per_class:
        return False
    # as many scores as a text has words, or a signal samples, are no classes
    size = head.shape[head.class_axis] if head.class_axis is not None else None
    if isinstance(size, str) and any(size in (tensor.shape or ())[1:] for tensor in model.inputs):
        return False
    return not is_extent((size,), model)


def is_extent(sides: Sequence[Dim], model: Model) -> bool:
    """Whether `sides` are those of a picture or the length of a signal that the model takes."""
    for tensor in model.inputs:
        shape = tensor.shape or ()
        # one axis of channels, first or last
        if len(shape) == len(sides) + 2 and tuple(sides) in (shape[2:], shape[1:-1]):
            return None not in sides
    return False


def is_float(head: Head) -> bool:
    """Whether it can be explained: an unknown type is tried, a sequence of tensors or an optional one is not."""
    return head.dtype in FLOATS


def _mapped(model: Model, output: TensorInfo, labels: tuple[str, ...], score: Score) -> Head | None:
    """The scores that `output` is a map of; None where it is none."""
    found = mapped_scores(model, output.name)
    if found is None:
        return None
    value, names = found
    tensor = model.tensor(str(value.name))
    return None if tensor is None else _head(model, tensor, labels or names, score, value)


def _head(
    model: Model,
    output: TensorInfo,
    labels: tuple[str, ...],
    score: Score,
    value: ir.Value | None = None,
) -> Head:
    graph = model.graph.graph
    if value is None:
        value = next((v for v in (*graph.outputs, *graph.inputs) if v.name == output.name), None)
    logits, node = (output.name, None) if value is None else _before_activation(value)
    if node is not None and not _same_samples(model.tensor(logits), output):
        # what was squeezed since is another number of samples: the output is taken as it is
        logits, node = output.name, None
    spec = model.metadata.outputs.get(output.name)
    class_axis = _class_axis(output, labels, model)
    shape = output.shape
    binary = shape is not None and all(dim == 1 for dim in shape[1:])
    if node is not None:
        activation = ACTIVATIONS[node.op_type]
        # before opset 13 the default axis was 1
        softmax_axis = (
            node.attributes.get_int("axis", -1 if model.opset >= 13 else 1) if activation == "softmax" else 1
        )
    else:
        said = spec.activation if spec is not None else None
        activation = said or ("sigmoid" if binary else "softmax")
        softmax_axis = 1 if class_axis is None else class_axis
    return Head(
        name=output.name,
        tensor=logits if score == "logit" else output.name,
        logits=logits,
        shape=shape,
        dtype=output.dtype,
        labels=labels,
        activation=activation,
        class_axis=class_axis,
        softmax_axis=softmax_axis,
        batch_axis=_batch_axis(model, output),
    )


def _before_activation(value: ir.Value) -> tuple[str, ir.Node | None]:
    """The input of the activation that `value` is the output of, and the activation; else `value` itself."""
    current: ir.Value | None = value
    while current is not None and (node := current.producer()) is not None and node.domain == "":
        if node.op_type in ACTIVATIONS and node.inputs[0] is not None:
            return str(node.inputs[0].name), node
        if node.op_type not in TRANSPARENT:
            break
        current = node.inputs[0]
    return str(value.name), None


def _same_samples(one: TensorInfo | None, other: TensorInfo) -> bool:
    """Whether the first axes may be the same; a tensor without axes, or of unknown ones, may be anything."""
    if one is None or not one.shape or not other.shape:
        return True
    if len(other.shape) == 1 and any(dim != 1 for dim in one.shape[1:]):
        return False
    if None in (one.shape[0], other.shape[0]):
        return True
    return one.shape[0] == other.shape[0]


def _class_axis(output: TensorInfo, labels: Sequence[str], model: Model) -> int | None:
    shape = output.shape
    if shape is None or len(shape) < 2:
        return None
    if len(shape) == 2:
        return 1
    if output.name in model.layouts:
        return channel_axis(model.layouts[output.name])
    if labels and list(shape[1:]).count(len(labels)) == 1:
        return shape.index(len(labels), 1)
    # a sequence of class scores ends with them; a map of class scores begins with them
    return 2 if len(shape) == 3 and math.prod(d for d in shape[2:] if isinstance(d, int)) != 1 else 1


def _batch_axis(model: Model, output: TensorInfo) -> int:
    """The axis that carries the input's symbolic batch dimension, else 0."""
    first = model.inputs[0].shape if model.inputs else None
    name = first[0] if first else None
    if isinstance(name, str) and output.shape is not None and name in output.shape:
        return output.shape.index(name)
    # a file for one sample at a time may return (steps, sample, classes)
    if (
        isinstance(name, int)
        and output.shape is not None
        and len(output.shape) > 2
        and output.shape[0] != name
    ):
        return output.shape.index(name) if name in output.shape else 0
    return 0


def _listing(heads: Iterable[Head]) -> str:
    return ", ".join(f"'{head.name}' {head.dtype or 'no tensor'} {shape_text(head.shape)}" for head in heads)
