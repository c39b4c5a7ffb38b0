"""Ranks that inference loses at branches, and weights that bodies hold."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from onnx import numpy_helper

from inspector.autodiff.decided import decided
from inspector.autodiff.ranks import tell_ranks
from inspector.autodiff.tape import Tape
from inspector.model.inference import infer

from .test_control_flow import EXACT, RANDOM, W, X, difference, model_of

SQUEEZED = """
    two = Constant<value_int = 2>()
    nowhere = Constant<value_int = 0>()
    first = Constant<value_ints = [0]>()
    e = Exp(x)
    s = Shape(e)
    r = {rank}
    flat = Equal(r, two)
    m = If(flat) <then_branch = yes () => (float[] p) {{ p = Unsqueeze(e, first) }},
                  else_branch = no () => (float[] q) {{ q = Identity(e) }}>
    sum = ReduceSum<keepdims = 1>(m, first)
    y = MatMul(sum, w)
"""
RANKS = ["Size(s)", "Gather(t, nowhere)", "Squeeze(t, first)"]


@pytest.mark.parametrize("rank", RANKS)
def test_a_branch_that_the_rank_decides(rank: str) -> None:
    body = SQUEEZED.format(rank=rank).replace("r = ", "t = Shape(s) r = ")
    model = model_of("float[n,k] x, float[3,3] w", "float[a,b,c] y", body)
    assert difference(model, ["y"], ["x", "w"], x=X, w=W) < EXACT


def test_what_only_a_run_can_tell_is_not_decided() -> None:
    model = ir.from_proto(
        model_of(
            "float[n,3] x",
            "bool[] a, bool[] b, bool[] c",
            """
            s = Shape(x)
            zero = Constant<value_int = 0>()
            one = Constant<value_int = 1>()
            three = Constant<value_int = 3>()
            n = Gather(s, zero)
            k = Gather(s, one)
            a = Equal(n, three)
            b = Equal(k, three)
            c = Not(b)
            """,
        )
    )
    infer(model)
    tape = Tape(model.graph)
    assert [decided(tape, output) for output in model.graph.outputs] == [None, True, False]


def test_a_convolution_tells_the_rank_of_what_it_reads() -> None:
    proto = model_of(
        "float[n,3] x, int64[k] shape",
        "float[] y",
        "h = Reshape(x, shape)  c = Conv(h, w)  r = Relu(c)  y = Exp(r)",
    )
    proto.graph.initializer.append(numpy_helper.from_array(np.ones((2, 3, 1), np.float32), "w"))
    model = ir.from_proto(proto)
    infer(model)
    named = {value.name: value for node in model.graph for value in node.outputs}
    assert named["h"].shape is None
    tell_ranks(Tape(model.graph), model.graph, 18)
    assert all(value.shape is not None and len(value.shape) == 3 for value in named.values())


def test_weights_that_a_body_holds() -> None:
    model = model_of(
        "float[n,3] x, int64 times, bool c",
        "float[n,3] y",
        """
        y = Loop(times, , x) <body = step (int64 i, bool go, float[n,3] h) => (bool more, float[n,3] k) {
            more = Identity(go)
            m = MatMul(h, inside)
            k = If(c) <then_branch = yes () => (float[n,3] p) { a = MatMul(m, deeper)  p = Tanh(a) },
                       else_branch = no () => (float[n,3] q) { q = Sin(m) }>
        }>
        """,
    )
    body = next(attribute.g for attribute in model.graph.node[0].attribute if attribute.name == "body")
    branch = next(
        attribute.g for node in body.node for attribute in node.attribute if attribute.name == "then_branch"
    )
    for graph, name in ((body, "inside"), (branch, "deeper")):
        graph.initializer.append(numpy_helper.from_array(RANDOM.normal(size=(3, 3)).astype(np.float32), name))
    for chosen in (True, False):
        feeds = {"times": np.array(3), "c": np.array(chosen)}
        assert difference(model, ["y"], ["x"], x=X, **feeds) < EXACT


def test_ranks_that_only_a_product_tells() -> None:
    body = """
        e = Exp(x)
        rows = Squeeze(e)
        product = MatMul(rows, w)
        y = Transpose<perm = [1, 0]>(product)
    """
    model = model_of("float[n,k] x, float[3,3] w", "float[a,b] y", body)
    assert difference(model, ["y"], ["x", "w"], x=X, w=W) < EXACT


def test_a_slice_of_unknown_rank() -> None:
    body = """
        e = Exp(x)
        rows = Squeeze(e)
        one = Constant<value_ints = [1]>()
        two = Constant<value_ints = [2]>()
        y = Slice(rows, one, two, one)
    """
    model = model_of("float[n,k] x", "float[a,b] y", body)
    model.graph.output[0].type.tensor_type.ClearField("shape")
    assert difference(model, ["y"], ["x"], x=X) < EXACT
