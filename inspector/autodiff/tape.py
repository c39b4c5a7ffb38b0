"""The tape: where a rule writes the ONNX nodes of a gradient.

`tape.Mul(g, y)` emits a `Mul` node and returns its output; any ONNX operator can be called so. Arguments
may be values, `None` (an omitted optional input), Python numbers (which take the dtype of their floating
neighbour), sequences of sizes (which become an int64 vector) or arrays. Nothing is evaluated.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections import ChainMap
from collections.abc import Callable, Collection, Iterable, Iterator, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import onnx_ir as ir

from inspector.autodiff.sizes import Int, Size
from inspector.autodiff.types import type_of_output
from inspector.errors import ModelError
from inspector.model.scopes import free_prefix
from inspector.surgery import keep_needed

if TYPE_CHECKING:
    from inspector.autodiff.table import RuleTable

__all__ = ["Operand", "Pullback", "Tape", "Values"]

Operand: TypeAlias = ir.Value | None
"""A tensor as a node names it; None where an optional input is left out. What needs it refuses None."""

Values: TypeAlias = Sequence[Operand]
"""One per input or output of a node; None is a symbolic zero (or an omitted input)."""

_SMALL = 4096  # elements that may as well be written into the file
_NARROW = (ir.DataType.FLOAT16, ir.DataType.BFLOAT16)


class Tape:
    """Nodes and constants to be added to `graph`, in order of emission, under names that are free there.

    `wanted` are the tensors whose cotangents are of use, `sources` those whose cotangents are results; `rules`
    differentiate the bodies of control flow. `prefix` begins the names.
    """

    def __init__(
        self,
        graph: ir.Graph,
        wanted: Collection[ir.Value] = (),
        rules: RuleTable | None = None,
        prefix: str = "grad",
    ) -> None:
        self.nodes: list[ir.Node] = []
        self.opset = graph.opset_imports.get("", 18)
        self.wanted = wanted
        self.sources: Collection[ir.Value] = ()
        # cotangents that are zero but for one element of each row: that element's number and value, (N, 1) both
        self.picked: dict[ir.Value, tuple[Operand, Operand]] = {}
        # of the forward graph, to read copies (see `blocked.read_copies`)
        self.copying: list[ir.Node] = []
        self._rules = rules
        self._names = _free_names(graph, prefix)
        self._constants: dict[tuple[str, tuple[int, ...], bytes], ir.Value] = {}
        self._shapes: MutableMapping[ir.Value, ir.Value] = {}
        self._sizes: MutableMapping[tuple[ir.Value, int], Int] = {}

    # --- nodes -------------------------------------------------------------------------------------------

    def __getattr__(self, op_type: str) -> Callable[..., ir.Value]:
        if not op_type[0].isupper():
            raise AttributeError(op_type)

        def emit(*inputs: Any, **attributes: Any) -> ir.Value:
            return self.op(op_type, *inputs, **attributes)[0]

        return emit

    def op(self, op_type: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Sequence[ir.Value]:
        """Emit one node of the standard domain with `outputs` outputs. Attributes that are None are left out."""
        dtype = _dtype_of_literals(inputs)
        values = [self._value(argument, dtype) for argument in inputs]
        given = [_attribute(name, value) for name, value in attributes.items() if value is not None]
        name = self.name(op_type)
        node = ir.Node("", op_type, values, given, num_outputs=outputs, name=name)
        for index, output in enumerate(node.outputs):
            output.name = f"{name}.{index}" if index else name
            output.type = type_of_output(node, index, dtype)
        self.nodes.append(node)
        return node.outputs

    def wants(self, value: Operand) -> bool:
        """Whether the cotangent of `value` is of use: a rule may leave out one that is not (it may also give it)."""
        return value in self.wanted

    def name(self, stem: str) -> str:
        """A name that no value or node of the graph has."""
        return next(self._names).format(stem)

    # --- bodies ------------------------------------------------------------------------------------------

    @property
    def rules(self) -> RuleTable:
        """The derivative of each operator, for rules of nodes that hold other nodes."""
        if self._rules is None:
            raise TypeError("this tape was made without rules: it writes no gradients of sub-graphs")
        return self._rules

    def inner(self, wanted: Collection[ir.Value] = ()) -> Tape:
        """A tape for the body of a node that is emitted later: it reads what this one does, and shares its names."""
        tape = copy.copy(self)
        tape.nodes, tape.wanted, tape.copying = [], wanted, []
        tape._shapes, tape._sizes = ChainMap({}, self._shapes), ChainMap({}, self._sizes)
        return tape

    def like(self, value: Operand, stem: str = "value") -> ir.Value:
        """A tensor of the type and shape of `value` that no node computes: an input of a body."""
        value = _given(value)
        return ir.Value(name=self.name(stem), shape=value.shape, type=value.type)

    def body(self, inputs: Sequence[ir.Value], outputs: Sequence[ir.Value]) -> ir.Graph:
        """The graph of what was written on this tape, as far as `outputs` need it."""
        written = {output for node in self.nodes for output in node.outputs}
        results: list[ir.Value] = []
        for output in outputs:
            # a body computes its outputs itself, and no two of them are one
            results.append(output if output in written and output not in results else self.Identity(output))
            results[-1].type = output.type
        return ir.Graph(inputs, results, nodes=keep_needed(self.nodes, results), name=self.name("body"))

    # --- constants ---------------------------------------------------------------------------------------

    def constant(self, array: np.ndarray[Any, Any]) -> ir.Value:
        """An initializer holding `array`; small equal constants are one."""
        array = np.asarray(array)
        if array.size > _SMALL:
            return self._initializer(array)
        key = (str(array.dtype), array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self._initializer(array)
        return self._constants[key]

    def known(self, value: Operand) -> np.ndarray[Any, Any] | None:
        """The array that `value` holds in every run, or None where it may differ between runs."""
        if value is None or value.is_graph_input():
            return None
        tensor = ir.convenience.get_const_tensor(value)
        return None if tensor is None else tensor.numpy()

    def ints(self, sizes: Iterable[Size]) -> ir.Value:
        """An int64 vector: a constant where every entry is known, else concatenated at run time."""
        entries = list(sizes)
        if all(isinstance(entry, int) for entry in entries):
            return self.constant(np.array(entries, dtype=np.int64))
        runs: list[ir.Value] = []
        for fixed, run in itertools.groupby(entries, key=lambda entry: isinstance(entry, int)):
            if fixed:
                runs.append(self.constant(np.array(list(run), dtype=np.int64)))
            else:
                runs.extend(entry.value for entry in run if isinstance(entry, Int))
        return runs[0] if len(runs) == 1 else self.Concat(*runs, axis=0)

    # --- shapes ------------------------------------------------------------------------------------------

    def rank(self, value: Operand) -> int:
        """The number of axes of `value`; raises ModelError where the model does not tell."""
        value = _given(value)
        if value.shape is None:
            raise ModelError(
                f"the gradient needs the rank of tensor {value.name!r}, and the model does not say it; "
                "run shape inference, or give the tensor a shape in the file"
            )
        return len(value.shape)

    def size(self, value: Operand, axis: int) -> Size:
        """The length of one axis: an int where the model tells, else read at run time."""
        value = _given(value)
        if value.shape is not None:
            axis %= len(value.shape)
            static = value.shape[axis]
            if isinstance(static, int):
                return static
        key = (value, axis)
        if key not in self._sizes:
            end = None if axis == -1 else axis + 1
            self._sizes[key] = Int(self, self.Shape(value, start=axis, end=end))
        return self._sizes[key]

    def sizes(self, value: Operand) -> list[Size]:
        """The length of every axis."""
        return [self.size(value, axis) for axis in range(self.rank(value))]

    def shape(self, value: Operand) -> ir.Value:
        """The shape as an int64 vector."""
        value = _given(value)
        if value.shape is not None and value.shape.is_static():
            return self.ints(value.shape.numpy())
        if value not in self._shapes:
            self._shapes[value] = self.Shape(value)
        return self._shapes[value]

    def reshape_like(self, g: Operand, target: Operand) -> ir.Value:
        """`g` with the shape of `target`, which has as many elements."""
        target = _given(target)
        dims = None if target.shape is None else list(target.shape.dims)
        if dims is not None and self._same_first(g, target):
            # (of axes that are copied the runtime knows that they are the same)
            return self.Reshape(g, [0, *dims[1:]])
        if dims is None or 0 in dims or sum(not isinstance(dim, int) for dim in dims) > 1:
            return self.Reshape(g, self.shape(target), allowzero=1)
        return self.Reshape(g, [dim if isinstance(dim, int) else -1 for dim in dims])

    @staticmethod
    def _same_first(g: Operand, target: ir.Value) -> bool:
        """Whether the first axes have one length that only a run tells, as all others are known and make as many."""
        if g is None or g.shape is None or target.shape is None or not len(g.shape) or not len(target.shape):
            return False
        (first, *rest), (wanted, *others) = g.shape.dims, target.shape.dims
        known, alike = ([dim for dim in dims if isinstance(dim, int)] for dims in (rest, others))
        if (
            isinstance(first, int)
            or isinstance(wanted, int)
            or len(known) + len(alike) < len(rest) + len(others)
        ):
            return False
        return math.prod(known) == math.prod(alike) > 0

    def zeros(self, shape: ir.Value, like: Operand) -> ir.Value:
        """Zeros of `shape`, of the dtype of `like`."""
        return self._filled(shape, like, 0)

    def ones(self, shape: ir.Value, like: Operand) -> ir.Value:
        """Ones of `shape`, of the dtype of `like`."""
        return self._filled(shape, like, 1)

    def zeros_like(self, value: Operand) -> ir.Value:
        """Zeros of the shape and dtype of `value`."""
        return self.zeros(self.shape(value), value)

    def cast(self, value: Operand, dtype: ir.DataType | None) -> ir.Value:
        """`value` as `dtype`; itself where it is that already, or where `dtype` is unknown."""
        value = _given(value)
        return value if dtype is None or value.dtype == dtype else self.Cast(value, to=dtype.value)

    def cast_like(self, value: Operand, like: Operand) -> ir.Value:
        """`value` with the dtype of `like`."""
        return self.cast(value, _given(like).dtype)

    def widened(self, value: Operand) -> ir.Value:
        """`value` in float32 where it is narrower: to add up many terms."""
        return self.cast(value, ir.DataType.FLOAT if _given(value).dtype in _NARROW else None)

    # --- inside ------------------------------------------------------------------------------------------

    def _initializer(self, array: np.ndarray[Any, Any]) -> ir.Value:
        name = self.name("constant")
        tensor = ir.tensor(array, name=name)
        return ir.Value(
            name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor
        )

    def _filled(self, shape: ir.Value, like: Operand, number: int) -> ir.Value:
        dtype = _given(like).dtype or ir.DataType.FLOAT
        sizes = self.known(shape)
        if sizes is not None and sizes.prod() <= _SMALL:
            return self.constant(np.full(sizes.tolist(), number, dtype=dtype.numpy()))
        fill = ir.tensor(np.full(1, number, dtype=dtype.numpy()), dtype=dtype)
        return self.ConstantOfShape(shape, value=fill)

    def _value(self, argument: Any, dtype: ir.DataType) -> Operand:
        if argument is None or isinstance(argument, ir.Value):
            return argument
        if isinstance(argument, Int):
            return argument.value
        if isinstance(argument, np.ndarray):
            return self.constant(argument)
        if isinstance(argument, (list, tuple)):
            return self.ints(argument)
        number = np.array(argument, dtype=dtype.numpy())
        if dtype in _NARROW and float(number) != argument:
            # the number in full, so that the gradient of a narrow graph is exact when it is evaluated in float64
            return self.cast(self.constant(np.array(argument, dtype=np.float32)), dtype)
        return self.constant(number)


def _attribute(name: str, value: Any) -> ir.Attr:
    if isinstance(value, int):
        return ir.AttrInt64(name, int(value))
    if isinstance(value, (list, tuple)) and all(isinstance(each, int) for each in value):
        return ir.AttrInt64s(name, value)
    # (which tries every kind that there is)
    return ir.convenience.convert_attribute(name, value)


def _given(value: Operand) -> ir.Value:
    if value is None:
        raise ModelError(
            "a node leaves out an input that its operator needs; check the model with onnx.checker"
        )
    return value


def _dtype_of_literals(inputs: Sequence[Any]) -> ir.DataType:
    """What a bare number among `inputs` means: the dtype of the first floating value, else of the first."""
    dtypes = [value.dtype for value in inputs if isinstance(value, ir.Value) and value.dtype is not None]
    floating = [dtype for dtype in dtypes if dtype.is_floating_point()]
    numeric = [dtype for dtype in dtypes if dtype != ir.DataType.BOOL]
    return next(iter([*floating, *numeric]), ir.DataType.INT64)


def _free_names(graph: ir.Graph, stem: str) -> Iterator[str]:
    """Patterns `grad/{}_0`, `grad/{}_1`, ... under the first prefix that no name in the graph starts with."""
    prefix = free_prefix(graph, stem)
    return (f"{prefix}{{}}_{n}" for n in itertools.count())


Pullback: TypeAlias = Callable[[Tape, ir.Node, Values], Values]
"""`pullback(tape, node, cotangents)`: given one cotangent per output of `node` (at least one is not None), one
cotangent per input. It emits nodes through the tape; it evaluates nothing and changes nothing."""
