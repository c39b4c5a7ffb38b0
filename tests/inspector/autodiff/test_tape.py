"""Writing nodes: what is known stays a number, what is not is read at run time, and nothing is written twice."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from inspector.autodiff.broadcasting import dims, unbroadcast
from inspector.autodiff.sizes import Int, Size, maximum, minimum, product
from inspector.autodiff.tape import Tape
from inspector.errors import ModelError
from inspector.surgery import add_nodes

from .truth import Evaluator


def graph_of(*inputs: ir.Value) -> ir.Graph:
    return ir.Graph(list(inputs), [], nodes=[], opset_imports={"": 18}, name="g")


def value(name: str, *shape: int | str) -> ir.Value:
    return ir.val(name, dtype=ir.DataType.DOUBLE, shape=shape)


def emitted(tape: Tape) -> list[str]:
    return [node.op_type for node in tape.nodes]


def test_numbers_take_the_dtype_of_their_floating_neighbour() -> None:
    x = value("x", 3)
    tape = Tape(graph_of(x))
    positive = tape.Greater(x, 0)
    assert positive.dtype == ir.DataType.BOOL
    chosen = tape.Where(positive, x, 0)
    assert chosen.dtype == ir.DataType.DOUBLE
    zero = tape.nodes[1].inputs[2]
    assert zero is tape.nodes[0].inputs[1], "equal constants are one"
    assert zero is not None
    assert zero.dtype == ir.DataType.DOUBLE


def test_what_the_model_tells_is_a_number_and_emits_nothing() -> None:
    x = value("x", 2, 3)
    tape = Tape(graph_of(x))
    n, c = tape.sizes(x)
    assert (maximum(n, 1) * c + 1, minimum(n, c), product([n, c])) == (7, 2, 6)
    np.testing.assert_array_equal(tape.known(tape.ints([n, c])), [2, 3])
    assert emitted(tape) == []


def test_what_only_a_run_tells_is_computed_by_the_graph() -> None:
    x = value("x", "n", 3)
    graph = graph_of(x)
    tape = Tape(graph)
    n, c = tape.sizes(x)
    assert isinstance(n, Int)
    assert c == 3
    formulas: list[Size] = [
        n + 1, 2 + n, n - 1, 10 - n, n * c, n // 2, maximum(n, 4), minimum(n, 4), n + 0, n * 1, product([n, n]),
    ]  # fmt: skip
    vector = tape.ints([*formulas, 7])
    vector.name = "vector"
    add_nodes(graph, tape.nodes, [vector])
    model = ir.to_proto(ir.Model(graph, ir_version=10))
    (result,) = Evaluator(model).run(["vector"], {"x": np.zeros((5, 3))})
    np.testing.assert_array_equal(result, [6, 7, 4, 5, 15, 2, 5, 4, 5, 5, 25, 7])
    assert emitted(tape).count("Shape") == 1, "an axis is read once"


def test_names_keep_clear_of_those_in_the_graph() -> None:
    x = value("grad/x", 2)
    tape = Tape(graph_of(x))
    names = {tape.Exp(x).name, tape.Exp(x).name}
    assert len(names) == 2
    assert all(name and name.startswith("grad2/") for name in names)


def test_one_unknown_axis_needs_no_reading_to_reshape() -> None:
    x = value("x", "n", 3, 4)
    tape = Tape(graph_of(x))
    tape.reshape_like(value("g", "n", 12), x)
    assert emitted(tape) == ["Reshape"]


def test_an_unknown_rank_is_an_error_that_says_so() -> None:
    x = ir.val("x", dtype=ir.DataType.FLOAT)
    with pytest.raises(ModelError, match="rank of tensor 'x'"):
        Tape(graph_of(x)).rank(x)


@pytest.mark.parametrize(
    ("source", "target", "nodes"),
    [
        (["n", 3], ["n", 3], []),
        (["n", 3], [3], ["ReduceSum"]),
        (["n", 3], [1, 3], ["ReduceSum"]),
        (["n", 3], [1, 1], ["ReduceSum"]),
        ([4, "n", 3], ["n", 1], ["ReduceSum", "ReduceSum"]),
        ([1, 3], [1, 3], []),
    ],
)
def test_unbroadcast_sums_no_more_than_it_must(
    source: list[int | str], target: list[int | str], nodes: list[str]
) -> None:
    g, x = value("g", *source), value("x", *target)
    tape = Tape(graph_of(g, x))
    unbroadcast(tape, g, dims(g), x)
    assert emitted(tape) == nodes
