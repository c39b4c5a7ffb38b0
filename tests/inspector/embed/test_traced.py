"""NumPy's functions of a traced array are the ONNX nodes that compute them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest
from numpy.typing import NDArray

from inspector.autodiff.tape import Tape
from inspector.embed.traced import Traced
from inspector.explain.heatmap import scale
from inspector.surgery import register_constants

A = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
B = np.random.default_rng(1).normal(size=(2, 3, 4, 5)).astype(np.float32)
A[0, 1], B[1, :, 2] = 0, 0

FORMULAS: dict[str, Callable[[Any, Any], Any]] = {
    "arithmetic": lambda a, b: -a * b + 2 * a - b / 3 - 1,
    "reversed": lambda a, b: 1 - a + 2 / (b * b + 1),
    "powers": lambda a, b: a**2 + np.square(b) + np.abs(a) ** 1.5 + np.power(b, 3),
    "absolute": lambda a, b: abs(a) + np.abs(b) + np.sign(a),
    "roots and exponentials": lambda a, b: np.sqrt(np.abs(a)) + np.exp(b) + np.log(1 + a * a) + np.tanh(b),
    "extremes": lambda a, b: np.maximum(a, b) + np.minimum(a, 0) + np.clip(b, -1, 0.5),
    "where": lambda a, b: np.where(a > b, a, 0) + np.where(a == 0, 1.0, b),
    "comparisons": lambda a, b: ((a >= b) & (a < 1) | ~(b <= 0)) * a + (a != 0) * 2.0,
    "like": lambda a, b: np.zeros_like(a) + np.ones_like(b) * 3 + np.full_like(a, 0.5),
    "means": lambda a, b: a.mean(axis=(2, 3), keepdims=True) + b.mean(axis=1)[:, None] + np.mean(a),
    "sums": lambda a, b: a.sum(axis=(-2, -1)) * b.sum(axis=2).max(axis=-1) + np.sum(a, axis=(2, 3)),
    "largest and smallest": lambda a, b: np.max(a, axis=1) - b.min(axis=1) + np.amax(b, axis=(1, 2))[:, None],
    "spread": lambda a, b: a.std(axis=(2, 3), keepdims=True) + np.var(b, axis=(1,), keepdims=True),
    "axes moved": lambda a, b: np.moveaxis(a, 1, -1) * b.transpose(0, 2, 3, 1) + a.swapaxes(1, 2).swapaxes(2, 3),
    "reshaped": lambda a, b: a.reshape(2, 3, -1).mean(axis=2) + np.reshape(b, (2, 3, 20)).max(axis=2),
    "sliced": lambda a, b: a[:, 1:, :, 1:3] + b[:, :2, :, 3:] + np.expand_dims(a[:, :1].sum(axis=1)[:, :, :2], 1),
    "divided where it can be": lambda a, b: np.divide(a, b, out=np.zeros_like(a), where=b != 0),
    "scaled as the scaffold does": lambda a, b: scale(a.sum(axis=1)),
    "cast": lambda a, b: (a > 0).astype(np.float32) * b.astype(np.float32),
}  # fmt: skip


def computed(formula: Callable[[Any, Any], Any], shape: tuple[int | str, ...]) -> NDArray[Any]:
    """The formula traced for arrays of a shape, and run by onnxruntime."""
    inputs = [
        ir.Value(name=name, type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(shape)) for name in "ab"
    ]
    graph = ir.Graph(inputs, [], nodes=[], opset_imports={"": 18}, name="formula")
    tape = Tape(graph, prefix="explain")
    result = formula(*(Traced(tape, value, len(shape)) for value in inputs))
    result.value.shape = ir.Shape([None] * result.ndim)
    graph.extend(tape.nodes)
    graph.outputs.append(result.value)
    register_constants(graph, tape.nodes)
    session = onnxruntime.InferenceSession(ir.to_proto(ir.Model(graph, ir_version=8)).SerializeToString())
    found: NDArray[Any] = session.run(None, {"a": A, "b": B})[0]
    return found


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), ("n", 3, "h", "w")], ids=str)
@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_is_the_same_in_both(name: str, shape: tuple[int | str, ...]) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = FORMULAS[name](A, B)
    found = computed(FORMULAS[name], shape)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("formula", "named"),
    [
        (lambda a, b: np.linalg.svd(a), "svd"),
        (lambda a, b: np.arctan2(a, b), "arctan2"),
        (lambda a, b: np.add.reduce(a), "add.reduce"),
        (lambda a, b: np.sort(a), "sort"),
        (lambda a, b: a[::2], "slice"),
        (lambda a, b: a.astype(np.int64), "int64"),
    ],
)
def test_what_cannot_be_traced_is_named(formula: Callable[[Any, Any], Any], named: str) -> None:
    with pytest.raises(TypeError, match=f"{named}.*cannot be traced"):
        computed(formula, A.shape)


def test_sizes_are_numbers_where_the_graph_tells_them() -> None:
    value = ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(["n", 3, 7]))
    tape = Tape(ir.Graph([value], [], nodes=[], opset_imports={"": 18}))
    array = Traced(tape, value, 3)
    assert array.shape[1:] == (3, 7)
    assert (array.dtype, (array > 0).dtype) == (np.float32, np.bool_)
    assert not isinstance(array.size, int)
