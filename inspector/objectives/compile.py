"""The objective as a piece of graph: the class is an input of it, so one compiled session serves every class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from inspector.objectives.objective import TermKey

if TYPE_CHECKING:
    import onnx_ir as ir

    from inspector.model import Dim

__all__ = ["SCORE", "add_objective", "append_objective"]

SCORE = "target.score"
LEAST = -1e30
"""In place of minus infinity, whose differences are not numbers: its exponential is 0 beside any other."""


def append_objective(model: ir.Model, keys: Sequence[TermKey]) -> ir.Model:
    """The model with the score (N,) of `keys` as a further output `target.score`.

    Per term k there are three more inputs, `target.index.k` (int64), `target.sign.k` and `target.weight.k` (float32),
    all (N, M), M being 1 where the key says so, as described at `Objective`, and two more outputs: `target.chosen.k`
    and `target.side.k`, the index and the sign that were used in place of -1 and 0.
    """
    from inspector.surgery import copy

    model = copy(model)
    add_objective(model.graph, keys)
    return model


def add_objective(graph: ir.Graph, keys: Sequence[TermKey]) -> None:
    """`append_objective` in place."""
    from inspector.surgery import find_value, join

    fragment = _Fragment(graph.opset_imports)
    shape = graph.inputs[0].shape if graph.inputs else None
    first = _dim(shape[0]) if shape is not None and len(shape) else None
    fixed = first if isinstance(first, int) else None
    parts = [
        _term(fragment, number, key, find_value(graph, key.tensor), fixed) for number, key in enumerate(keys)
    ]
    score = fragment.op("Sum", parts) if len(parts) > 1 else parts[0]
    score.name = SCORE
    fragment.outputs.append(score)
    join(graph, fragment.model().graph)


def _term(fragment: _Fragment, number: int, key: TermKey, tensor: ir.Value, fixed: int | None) -> ir.Value:
    """Shape (N,): the sum over m of weight * transform(sign * element)."""
    import onnx_ir as ir

    # a file with a fixed batch is run in slices of it, which these inputs must be cut into too
    batch = fixed if tensor.shape is None or not key.batched else _dim(tensor.shape[key.batch_axis])
    batch = batch if isinstance(batch, int) or fixed is None else fixed
    shape = (batch if key.batched else 1, 1 if key.single else f"target.elements.{number}")
    index = fragment.input(f"target.index.{number}", ir.DataType.INT64, shape)
    sign = fragment.input(f"target.sign.{number}", ir.DataType.FLOAT, shape)
    weight = fragment.input(f"target.weight.{number}", ir.DataType.FLOAT, shape)

    value = fragment.bind(tensor)
    if tensor.dtype != ir.DataType.FLOAT:
        value = fragment.op("Cast", [value], to=ir.DataType.FLOAT)
    classes = _class_count(key, tensor)
    if key.transform == "log-softmax" and classes is None:
        value = fragment.op("LogSoftmax", [value], axis=key.softmax_axis)
    if not key.batched:
        flat = fragment.op("Reshape", [value, fragment.constant([1, -1], np.int64)])
    else:
        if key.batch_axis != 0 and tensor.shape is not None:
            others = [axis for axis in range(len(tensor.shape)) if axis != key.batch_axis]
            value = fragment.op("Transpose", [value], perm=[key.batch_axis, *others])
        matrix = tensor.shape is not None and len(tensor.shape) == 2
        flat = value if matrix else fragment.op("Flatten", [value], axis=1)

    top = fragment.op("ArgMax", [flat], axis=1, keepdims=1)
    own = fragment.op("Less", [index, fragment.constant(0, np.int64)])
    chosen = fragment.op("Where", [own, top, index], name=f"target.chosen.{number}")
    element = fragment.op("GatherElements", [flat, chosen], axis=1)
    negative = fragment.op("Less", [element, fragment.constant(0.0, np.float32)])
    minus, plus = fragment.constant(-1.0, np.float32), fragment.constant(1.0, np.float32)
    side = fragment.op("Where", [negative, minus, plus])
    undecided = fragment.op("Equal", [sign, fragment.constant(0.0, np.float32)])
    used = fragment.op("Where", [undecided, side, sign], name=f"target.side.{number}")
    fragment.outputs += [chosen, used]

    signed = fragment.op("Mul", [used, element])
    if key.transform == "log-sigmoid":
        # log sigmoid(z) = -softplus(-z), which does not overflow
        signed = fragment.op("Neg", [fragment.op("Softplus", [fragment.op("Neg", [signed])])])
    elif key.transform == "log-softmax" and classes is not None:
        signed = _log_probability(fragment, flat, element, chosen, classes)
    weighted = fragment.op("Mul", [weight, signed])
    return fragment.op("ReduceSum", [weighted, fragment.constant([1], np.int64)], keepdims=0)


def _class_count(key: TermKey, tensor: ir.Value) -> int | None:
    """The number of classes of a (N, classes) tensor; None where it has another form or the file does not tell."""
    if not key.batched or key.batch_axis != 0 or tensor.shape is None or len(tensor.shape) != 2:
        return None
    count = tensor.shape[1]
    return count if isinstance(count, int) and count > 1 else None


def _log_probability(
    fragment: _Fragment, logits: ir.Value, element: ir.Value, chosen: ir.Value, classes: int
) -> ir.Value:
    """Log softmax of the chosen logits, (N, M), as -softplus(log sum over the others of exp(other - chosen)).

    Of a confident model (p near 1) the derivative of LogSoftmax, 1 - p, loses all its digits in float32; the sum over
    the other classes has nothing to lose.
    """
    last, rows = fragment.constant([2], np.int64), fragment.constant([1], np.int64)
    ahead = fragment.op(
        "Sub", [fragment.op("Unsqueeze", [logits, rows]), fragment.op("Unsqueeze", [element, last])]
    )
    itself = fragment.op(
        "Equal", [fragment.op("Unsqueeze", [chosen, last]), fragment.constant(range(classes), np.int64)]
    )
    others = fragment.op("Where", [itself, fragment.constant(LEAST, np.float32), ahead])
    odds = fragment.op("ReduceLogSumExp", [others, last], keepdims=0)
    return fragment.op("Neg", [fragment.op("Softplus", [odds])])


class _Fragment:
    """A graph under way whose tensors are all named `target...`, apart from the model's own."""

    def __init__(self, opsets: Mapping[str, int]) -> None:
        import onnx_ir as ir

        self.opsets = dict(opsets)
        self.tape = ir.tape.Tape()
        self.inputs: dict[str, ir.Value] = {}
        self.outputs: list[ir.Value] = []

    def input(self, name: str, dtype: ir.DataType, shape: Sequence[Dim] | None) -> ir.Value:
        import onnx_ir as ir

        if name not in self.inputs:
            known = None if shape is None else ir.Shape(shape)
            self.inputs[name] = ir.Value(name=name, type=ir.TensorType(dtype), shape=known)
        return self.inputs[name]

    def bind(self, tensor: ir.Value) -> ir.Value:
        """An input that `append` binds to the model's tensor of the same name."""
        import onnx_ir as ir

        shape = None if tensor.shape is None else [_dim(dim) for dim in tensor.shape]
        return self.input(str(tensor.name), tensor.dtype or ir.DataType.FLOAT, shape)

    def constant(self, value: Sequence[int] | float, dtype: type[np.generic]) -> ir.Value:
        import onnx_ir as ir

        name = f"target.constant.{len(self.tape.initializers)}"
        return self.tape.initializer(ir.tensor(np.array(value, dtype=dtype), name=name), name)

    def op(
        self, op_type: str, inputs: Sequence[ir.Value], name: str = "", **attributes: int | Sequence[int]
    ) -> ir.Value:
        place = f"target.{op_type}.{len(self.tape.nodes)}"
        result = self.tape.op(op_type, inputs, attributes or None, name=place)
        result.name = name or place
        return result

    def model(self) -> ir.Model:
        import onnx_ir as ir

        graph = ir.Graph(
            list(self.inputs.values()),
            self.outputs,
            nodes=self.tape.nodes,
            initializers=self.tape.initializers,
            opset_imports={"": self.opsets[""]},
            name="target",
        )
        model = ir.Model(graph, ir_version=8)
        from onnx_ir.passes.common import ShapeInferencePass

        return ShapeInferencePass(check_type=False, strict_mode=False, data_prop=True)(model).model


def _dim(dim: int | ir.SymbolicDim) -> Dim:
    return dim if isinstance(dim, int) else dim.value
