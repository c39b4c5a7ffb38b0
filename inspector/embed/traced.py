"""An array that writes down what is done to it: NumPy's functions of it become ONNX nodes.

So a formula is written once, in NumPy, computed by `explain` and traced into the file by `embed`. Nothing is evaluated;
what has no counterpart here is a TypeError that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from inspector.autodiff.sizes import Size
from inspector.autodiff.tape import Tape

__all__ = ["Traced"]

FLOAT = ir.DataType.FLOAT

# NumPy's name of an element-wise function -> the operator that computes it
_ARITHMETIC = {
    "absolute": "Abs", "add": "Add", "ceil": "Ceil", "cos": "Cos", "divide": "Div", "exp": "Exp", "fabs": "Abs",
    "floor": "Floor", "log": "Log", "maximum": "Max", "minimum": "Min", "multiply": "Mul", "negative": "Neg",
    "power": "Pow", "reciprocal": "Reciprocal", "sign": "Sign", "sin": "Sin", "sqrt": "Sqrt", "subtract": "Sub",
    "tanh": "Tanh",
}  # fmt: skip
_COMPARISONS = {
    "equal": "Equal", "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less",
    "less_equal": "LessOrEqual", "isnan": "IsNaN", "isinf": "IsInf",
}  # fmt: skip
_LOGIC = {
    "bitwise_and": "And", "bitwise_or": "Or", "bitwise_xor": "Xor", "invert": "Not", "logical_and": "And",
    "logical_not": "Not", "logical_or": "Or", "logical_xor": "Xor",
}  # fmt: skip


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """A float32 or boolean tensor of a graph under way.

    Args:
        tape: where the nodes are written.
        value: the tensor.
        ndim: its number of axes.
        shape: the length of each; None: read from `value` where it is asked for.
    """

    def __init__(self, tape: Tape, value: ir.Value, ndim: int, shape: Sequence[Size] | None = None) -> None:
        self.tape, self.value, self.ndim = tape, value, ndim
        self._shape = None if shape is None else tuple(shape)

    @property
    def shape(self) -> tuple[Size, ...]:
        """Numbers where the graph tells them, else what only a run can tell."""
        if self._shape is None:
            self._shape = tuple(self.tape.size(self.value, axis) for axis in range(self.ndim))
        return self._shape

    @property
    def size(self) -> Size:
        """The number of elements."""
        total: Size = 1
        for length in self.shape:
            total = length * total
        return total

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.bool_ if self._boolean else np.float32)

    @property
    def _boolean(self) -> bool:
        return self.value.dtype == ir.DataType.BOOL

    # what NumPy hands over

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options.keys() - {"where", "out"}:
            raise TypeError(f"np.{ufunc.__name__}.{method} with {', '.join(options)} cannot be traced")
        found = self._elementwise(ufunc.__name__, inputs)
        if not options:
            return found
        # NumPy's way of choosing: `out` keeps what it holds wherever `where` is not
        (kept,) = options["out"]
        return _where(options["where"], found, kept)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, options: dict[str, Any]
    ) -> Any:
        name = function.__name__
        traced = _FUNCTIONS.get({"amax": "max", "amin": "min"}.get(name, name))
        if traced is None:
            raise TypeError(f"np.{name} cannot be traced into a graph; it knows {', '.join(_FUNCTIONS)}")
        return traced(*args, **options)

    def _elementwise(self, name: str, inputs: Sequence[Any]) -> Traced:
        several = [self.like(each) for each in inputs]
        if name in ("square", "power") and (name == "square" or _is_number(inputs[1], 2)):
            return self.node("Mul", several[0], several[0])
        if name == "not_equal":
            return self.node("Not", self.node("Equal", *several))
        if name in _LOGIC and all(each._boolean for each in several):
            return self.node(_LOGIC[name], *several)
        operator = {**_ARITHMETIC, **_COMPARISONS}.get(name)
        if operator is None:
            raise TypeError(f"np.{name} cannot be traced into a graph")
        return self.node(operator, *(each.numbers() for each in several))

    # what formulas and folding call

    def mean(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return self._reduced("ReduceMean", axis, keepdims)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return self._reduced("ReduceSum", axis, keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return self._reduced("ReduceProd", axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return self._reduced("ReduceMax", axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return self._reduced("ReduceMin", axis, keepdims)

    def var(self, axis: Any = None, keepdims: bool = False) -> Traced:
        """Of all there is (NumPy's `ddof` 0)."""
        away = self - self.mean(axis, keepdims=True)
        return (away * away).mean(axis, keepdims)  # type: ignore[no-any-return]

    def std(self, axis: Any = None, keepdims: bool = False) -> Traced:
        return self.node("Sqrt", self.var(axis, keepdims))

    def astype(self, dtype: Any) -> Traced:
        if np.dtype(dtype) == np.bool_:
            return self if self._boolean else self != 0
        if np.dtype(dtype).kind != "f":
            raise TypeError(f"a cast to {np.dtype(dtype)} cannot be traced into a graph")
        return self.numbers()

    def reshape(self, *shape: Any) -> Traced:
        sizes = list(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else list(shape)
        known: list[Size] | None = sizes if -1 not in [s for s in sizes if isinstance(s, int)] else None
        return Traced(self.tape, self.tape.Reshape(self.value, sizes), len(sizes), known)

    def transpose(self, *axes: Any) -> Traced:
        order = list(axes[0]) if len(axes) == 1 and not isinstance(axes[0], int) else list(axes)
        order = [axis % self.ndim for axis in order] or list(range(self.ndim))[::-1]
        if order == list(range(self.ndim)):
            return self
        shape = None if self._shape is None else [self._shape[axis] for axis in order]
        return Traced(self.tape, self.tape.Transpose(self.value, perm=order), self.ndim, shape)

    def swapaxes(self, one: int, other: int) -> Traced:
        order = list(range(self.ndim))
        order[one], order[other] = order[other], order[one]
        return self.transpose(*order)

    def __getitem__(self, items: Any) -> Traced:
        """Slices of step 1 and new axes."""
        given = list(items) if isinstance(items, tuple) else [items]
        cut, added, axis = self, [], 0
        for place, item in enumerate(given):
            if item is None:
                added.append(place)
                continue
            if not isinstance(item, slice) or item.step not in (None, 1):
                raise TypeError(f"the index {item!r} cannot be traced into a graph")
            cut = cut._slice(axis, item.start or 0, item.stop)
            axis += 1
        if not added:
            return cut
        return Traced(self.tape, self.tape.Unsqueeze(cut.value, added), cut.ndim + len(added))

    def _slice(self, axis: int, start: int, stop: Size | None) -> Traced:
        length = self.shape[axis]
        if start == 0 and (stop is None or stop is length or stop == length):
            return self
        end = length if stop is None else stop
        return Traced(self.tape, self.tape.Slice(self.value, [start], [end], [axis]), self.ndim)

    # nodes

    def node(self, operator: str, *inputs: Traced) -> Traced:
        """An element-wise operator of tensors that are broadcast."""
        value = self.tape.op(operator, *(each.value for each in inputs))[0]
        return Traced(self.tape, value, max(each.ndim for each in inputs))

    def like(self, other: Any) -> Traced:
        """`other` as a tensor on the same tape: a number becomes a constant."""
        if isinstance(other, Traced):
            return other
        array = np.asarray(other)
        array = array if array.dtype == np.bool_ else array.astype(np.float32)
        return Traced(self.tape, self.tape.constant(array), array.ndim, array.shape)

    def numbers(self) -> Traced:
        """1 and 0 in place of true and false."""
        if not self._boolean:
            return self
        return Traced(self.tape, self.tape.Cast(self.value, to=FLOAT.value), self.ndim, self._shape)

    def _reduced(self, operator: str, axis: Any, keepdims: bool) -> Traced:
        axes = list(range(self.ndim)) if axis is None else [axis] if isinstance(axis, int) else list(axis)
        axes = [each % self.ndim for each in axes]
        if not axes:
            return self
        value = self.tape.op(operator, self.numbers().value, axes, keepdims=int(keepdims))[0]
        shape = None
        if self._shape is not None and keepdims:
            shape = [1 if place in axes else size for place, size in enumerate(self._shape)]
        elif self._shape is not None:
            shape = [size for place, size in enumerate(self._shape) if place not in axes]
        return Traced(self.tape, value, self.ndim if keepdims else self.ndim - len(axes), shape)


def _is_number(value: Any, wanted: float) -> bool:
    return not isinstance(value, Traced) and np.ndim(value) == 0 and float(value) == wanted


def _one(*several: Any) -> Traced:
    return next(each for each in several if isinstance(each, Traced))


def _where(condition: Any, chosen: Any, other: Any) -> Traced:
    tape = _one(condition, chosen, other)
    parts = [tape.like(each) for each in (condition, chosen, other)]
    return tape.node("Where", parts[0].astype(np.bool_), parts[1].numbers(), parts[2].numbers())


def _full_like(like: Traced, value: float, dtype: Any = None) -> Traced:
    del dtype
    shape = like.tape.ints(like.shape) if like._shape is not None else like.tape.shape(like.value)
    fill = ir.tensor(np.full(1, value, dtype=np.float32))
    return Traced(like.tape, like.tape.ConstantOfShape(shape, value=fill), like.ndim, like._shape)


def _moveaxis(array: Traced, source: int, destination: int) -> Traced:
    order = [axis for axis in range(array.ndim) if axis != source % array.ndim]
    order.insert(destination % array.ndim, source % array.ndim)
    return array.transpose(*order)


def _clip(array: Traced, low: Any, high: Any) -> Traced:
    found = array if low is None else array.node("Max", array, array.like(low))
    return found if high is None else found.node("Min", found, found.like(high))


def _expand_dims(array: Traced, axis: int) -> Traced:
    place = axis % (array.ndim + 1)
    return array[(*[slice(None)] * place, None)]


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "clip": _clip,
    "expand_dims": _expand_dims,
    "full_like": _full_like,
    "max": Traced.max,
    "mean": Traced.mean,
    "min": Traced.min,
    "moveaxis": _moveaxis,
    "ones_like": lambda like, **options: _full_like(like, 1.0),
    "prod": Traced.prod,
    "reshape": Traced.reshape,
    "std": Traced.std,
    "sum": Traced.sum,
    "swapaxes": Traced.swapaxes,
    "transpose": Traced.transpose,
    "var": Traced.var,
    "where": _where,
    "zeros_like": lambda like, **options: _full_like(like, 0.0),
}
