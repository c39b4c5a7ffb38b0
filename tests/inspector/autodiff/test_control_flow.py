"""Bodies in bodies, what they take from outside, how often they run, and what stands in the way inside them."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import parser

from inspector.autodiff import vjp
from inspector.errors import NotDifferentiable

from .case import Array
from .truth import Evaluator

RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=(2, 3)).astype(np.float32).astype(np.float64)
W = RANDOM.normal(size=(3, 3)).astype(np.float32).astype(np.float64)


def model_of(signature: str, results: str, body: str, opset: int = 18) -> onnx.ModelProto:
    text = f'<ir_version: 10, opset_import: ["" : {opset}, "custom" : 1]> g ({signature}) => ({results}) {{ {body} }}'
    return parser.parse_model(text)


def difference(model: onnx.ModelProto, outputs: list[str], wrt: list[str], **feeds: Array) -> float:
    """The largest relative error of <gradient, v>, in float64, and of the runtime's float32 gradient."""
    random = np.random.default_rng(9)
    forward = Evaluator(model)
    values = forward.run(outputs, feeds)
    cotangents = {name: random.normal(size=value.shape) for name, value in zip(outputs, values, strict=True)}
    with_gradient = vjp(model, outputs, wrt)
    names = [f"gradient.{name}" for name in wrt]
    seeds = {f"cotangent.{name}": value for name, value in cotangents.items()}
    gradients = Evaluator(with_gradient).run(names, {**feeds, **seeds})
    session = onnxruntime.InferenceSession(
        with_gradient.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    single = {
        name: value.astype(np.float32) if value.dtype.kind == "f" else value
        for name, value in {**feeds, **seeds}.items()
    }

    def objective(name: str, x: Array) -> float:
        results = forward.run(outputs, {**feeds, name: x})
        return sum(float((u * y).sum()) for u, y in zip(cotangents.values(), results, strict=True))

    worst = 0.0
    for name, gradient, by_runtime in zip(wrt, gradients, session.run(names, single), strict=True):
        assert gradient.shape == feeds[name].shape == by_runtime.shape
        scale = max(float(np.abs(gradient).max()), 1e-30)
        np.testing.assert_allclose(by_runtime / scale, gradient / scale, atol=1e-5)
        v = random.normal(size=gradient.shape)
        x, step = feeds[name], 1e-3
        steps = ((1, 2 / 3), (-1, -2 / 3), (2, -1 / 12), (-2, 1 / 12))
        expected = sum(weight * objective(name, x + times * step * v) for times, weight in steps) / step
        worst = max(worst, abs(expected - float((gradient * v).sum())) / float(np.abs(gradient * v).sum()))
    return worst


EXACT = 2e-7

# --- bodies in bodies ------------------------------------------------------------------------------------

NESTED = """
    y, all = Loop(outer, , x) <body = first
        (int64 i, bool go, float[n,3] h) => (bool more, float[n,3] k, float[n,3] s) {
        more = Identity(go)
        a = MatMul(h, w)
        b, kept = Loop(inner, , a) <body = second
            (int64 j, bool on, float[n,3] c) => (bool again, float[n,3] e, float[n,3] r) {
            again = Identity(on)
            d = Mul(c, h)
            m = MatMul(d, w)
            e = Tanh(m)
            r = Sin(d)
        }>
        zero = Constant<value_ints = [0]>()
        t = ReduceSum<keepdims = 0>(kept, zero)
        s = Add(b, t)
        k = Tanh(s)
    }>
"""


def test_a_loop_in_a_loop() -> None:
    model = model_of(
        "float[n,3] x, float[3,3] w, int64 outer, int64 inner", "float[n,3] y, float[k,n,3] all", NESTED
    )
    feeds = {"outer": np.array(3), "inner": np.array(2)}
    assert difference(model, ["y", "all"], ["x", "w"], x=X / 2, w=W / 2, **feeds) < EXACT


def test_a_branch_in_a_scan_in_a_branch() -> None:
    model = model_of(
        "float[n,3] x, float[3,3] w, float[t,n,3] s, bool c",
        "float[n,3] y",
        """
        y = If(c) <then_branch = yes () => (float[n,3] p) {
            p, q = Scan<num_scan_inputs = 1, body = step (float[n,3] h, float[n,3] z) => (float[n,3] k, float[n,3] o) {
                u = MatMul(z, w)
                zero = Constant<value_float = 0.0>()
                every = ReduceSum<keepdims = 0>(u)
                large = Greater(every, zero)
                o = If(large) <then_branch = inside () => (float[n,3] a) { e = Exp(h)  a = Mul(e, u) },
                               else_branch = outside () => (float[n,3] b) { b = Mul(z, x) }>
                t = Tanh(o)
                k = Add(t, h)
            }>(x, s)
        }, else_branch = no () => (float[n,3] r) { r = Mul(x, x) }>
        """,
    )
    s = RANDOM.normal(size=(5, 2, 3))
    # both branches are met on the way
    assert {bool(u > 0) for u in np.sum(s @ W, axis=(1, 2))} == {True, False}
    for chosen in (True, False):
        wrt = ["x", "w", "s"] if chosen else ["x"]
        assert difference(model, ["y"], wrt, x=X, w=W, s=s, c=np.array(chosen)) < EXACT


def test_what_the_branch_not_taken_reads_gets_zeros() -> None:
    model = model_of(
        "float[n,3] x, float[n,3] w, bool c",
        "float[n,3] y",
        "y = If(c) <then_branch = yes () => (float[n,3] p) { p = Exp(x) }, "
        "else_branch = no () => (float[n,3] q) { q = Sin(w) }>",
    )
    graph = vjp(model, ["y"], ["x", "w"])
    feeds = {"x": X, "w": X, "c": np.array(True), "cotangent.y": np.ones_like(X)}
    gx, gw = Evaluator(graph).run(["gradient.x", "gradient.w"], feeds)
    np.testing.assert_allclose(gx, np.exp(X), rtol=1e-14)
    np.testing.assert_array_equal(gw, np.zeros_like(X))


# --- how often, and in which shape -----------------------------------------------------------------------


def test_a_loop_that_ends_when_its_state_is_small() -> None:
    model = model_of(
        "float[n,3] x, float[3,3] w",
        "float[n,3] y",
        """
        yes = Constant<value = bool {1}>()
        y = Loop(, yes, x) <body = halve (int64 i, bool go, float[n,3] h) => (bool more, float[n,3] k) {
            m = MatMul(h, w)
            t = Tanh(m)
            half = Constant<value_float = 0.5>()
            k = Mul(t, half)
            size = ReduceL2<keepdims = 0>(k)
            limit = Constant<value_float = 0.02>()
            more = Greater(size, limit)
        }>
        """,
    )
    assert difference(model, ["y"], ["x", "w"], x=X, w=W) < EXACT


def test_a_state_that_grows() -> None:
    # as a decoder's cache does: each iteration appends a row that depends on all rows before
    model = model_of(
        "float[n,3] x, float[3,3] w, int64 times",
        "float[m,3] y",
        """
        y = Loop(times, , x) <body = grow (int64 i, bool go, float[] h) => (bool more, float[] k) {
            more = Identity(go)
            zero = Constant<value_ints = [0]>()
            sum = ReduceSum(h, zero)
            row = MatMul(sum, w)
            new = Tanh(row)
            k = Concat<axis = 0>(h, new)
        }>
        """,
    )
    assert difference(model, ["y"], ["x", "w"], x=X, w=W, times=np.array(4)) < EXACT


def test_a_declared_shape_that_holds_for_the_first_iteration_only() -> None:
    model = model_of(
        "float[n,3] x, float[3,3] w, int64 times",
        "float[m,3] y",
        """
        y = Loop(times, , x) <body = grow (int64 i, bool go, float[n,3] h) => (bool more, float[q,3] k) {
            more = Identity(go)
            e = MatMul(h, w)
            s = Sin(e)
            k = Concat<axis = 0>(h, s)
        }>
        """,
    )
    assert difference(model, ["y"], ["x", "w"], x=X, w=W, times=np.array(3)) < EXACT


def test_axes_and_sizes_that_a_body_takes_from_outside() -> None:
    model = model_of(
        "float[n,3] x, float[t,n,3] s",
        "float[n,3] y, float[t,n,4] all",
        """
        last = Constant<value_ints = [-1]>()
        one = Constant<value_ints = [1]>()
        wide = Constant<value_ints = [1, 1, 4]>()
        y, all = Scan<num_scan_inputs = 1, body = b (float[] h, float[] z) => (float[] k, float[] o) {
            column = Unsqueeze(z, last)
            row = Expand(column, wide)
            o = ReduceMean<keepdims = 0>(row, one)
            m = ReduceMax(z, last)
            d = Mul(h, m)
            k = Tanh(d)
        }>(x, s)
        """,
    )
    assert difference(model, ["y", "all"], ["x", "s"], x=X, s=RANDOM.normal(size=(4, 2, 3))) < EXACT


def test_a_list_that_a_loop_fills() -> None:
    model = model_of(
        "float[n,3] x, float[3,3] w, int64 times",
        "float[m,3] y",
        """
        none = SequenceEmpty<dtype = 1>()
        h, list = Loop(times, , x, none) <body = fill
            (int64 i, bool go, float[n,3] a, seq(float[]) l) => (bool more, float[n,3] b, seq(float[]) g) {
            more = Identity(go)
            m = MatMul(a, w)
            b = Tanh(m)
            g = SequenceInsert(l, b)
        }>
        y = ConcatFromSequence<axis = 0>(list)
        """,
    )
    assert difference(model, ["y"], ["x", "w"], x=X, w=W, times=np.array(4)) < EXACT


def test_a_list_that_a_loop_reads() -> None:
    model = model_of(
        "float[n,3] x, float[n,3] z",
        "float[n,3] y",
        """
        list = SequenceConstruct(x, z, x)
        count = SequenceLength(list)
        y = Loop(count, , z) <body = read (int64 i, bool go, float[n,3] a) => (bool more, float[n,3] b) {
            more = Identity(go)
            e = SequenceAt(list, i)
            m = Mul(a, e)
            b = Tanh(m)
        }>
        """,
    )
    assert difference(model, ["y"], ["x", "z"], x=X, z=X[::-1] + 1) < EXACT


def test_a_list_in_the_state_whose_every_value_is_needed_is_refused() -> None:
    model = model_of(
        "float[n,3] x, int64 times",
        "float[n,3] y",
        """
        list = SequenceConstruct(x)
        l = Loop(times, , list) <body = read (int64 i, bool go, seq(float[]) a) => (bool more, seq(float[]) b) {
            more = Identity(go)
            e = SequenceAt(a, i)
            s = Sin(e)
            b = SequenceInsert(a, s)
        }>
        y = SequenceAt(l, times)
        """,
    )
    model.graph.node[1].name = "the_loop"
    message = r"Loop \(node 'the_loop'\): the gradient needs each value of its state 'a'.*x -> list -> l -> y"
    with pytest.raises(NotDifferentiable, match=message):
        vjp(model, ["y"], ["x"])


# --- the tensors in question -----------------------------------------------------------------------------


def test_a_tensor_before_the_loop_and_one_behind_it() -> None:
    model = model_of(
        "float[n,3] x, float[3,3] w, int64 times",
        "float[n,3] y",
        """
        h = Exp(x)
        k = Loop(times, , h) <body = step (int64 i, bool go, float[n,3] a) => (bool more, float[n,3] b) {
            more = Identity(go)
            m = MatMul(a, w)
            z = Mul(m, h)
            b = Tanh(z)
        }>
        y = Mul(k, h)
        """,
    )
    times = np.array(3)
    assert difference(model, ["y"], ["x", "w"], x=X / 2, w=W, times=times) < EXACT
    graph = vjp(model, ["y"], ["h", "k"])
    feeds = {"x": X, "w": W, "times": times, "cotangent.y": np.ones_like(X)}
    gk, h = Evaluator(graph).run(["gradient.k", "h"], feeds)
    np.testing.assert_array_equal(gk, h)


def test_outer_names_and_values_stay() -> None:
    model = model_of(
        "float[n,3] x, float[3,3] w, int64 outer, int64 inner", "float[n,3] y, float[k,n,3] all", NESTED
    )
    feeds = {"x": X, "w": W, "outer": np.array(2), "inner": np.array(2)}
    graph = vjp(model, ["y"], ["x"])
    before = Evaluator(model).run(["y", "all"], feeds)
    after = Evaluator(graph).run(["y", "all"], {**feeds, "cotangent.y": np.ones_like(X)})
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_gradient_through_a_loop_can_be_differentiated_again() -> None:
    model = model_of(
        "float[3] x, int64 times",
        "float[3] y",
        """
        w = Identity(x)
        y = Loop(times, , w) <body = cube (int64 i, bool go, float[3] h) => (bool more, float[3] k) {
            more = Identity(go)
            s = Mul(h, h)
            k = Mul(s, h)
        }>
        """,
    )
    twice = vjp(vjp(model, ["y"], ["w"]), ["gradient.w"], ["x"])
    x = np.array([0.9, 1.1, -0.8])
    ones = np.ones(3)
    feeds = {"x": x, "times": np.array(2), "cotangent.y": ones, "cotangent.gradient.w": ones}
    (second,) = Evaluator(twice).run(["gradient.x"], feeds)
    np.testing.assert_allclose(second, 9 * 8 * x**7, rtol=1e-12)


# --- operators inside ------------------------------------------------------------------------------------


def test_operators_without_a_rule_are_expanded_inside_bodies() -> None:
    norm = "MeanVarianceNormalization<axes = [1]>"
    model = model_of(
        "float[n,3] x, float[3,3] w, int64 times, bool c",
        "float[n,3] y",
        f"""
        h = {norm}(x)
        z = Loop(times, , h) <body = step (int64 i, bool go, float[n,3] a) => (bool more, float[n,3] b) {{
            more = Identity(go)
            m = MatMul(a, w)
            b = If(c) <then_branch = yes () => (float[n,3] p) {{ p = {norm}(m) }},
                       else_branch = no () => (float[n,3] q) {{ q = {norm}(a) }}>
        }}>
        y = {norm}(z)
        """,
    )
    for chosen in (True, False):
        wrt = ["x", "w"] if chosen else ["x"]
        # four in a row, each as exact as its row in the table of cases
        assert difference(model, ["y"], wrt, x=X, w=W, times=np.array(2), c=np.array(chosen)) < 4 * EXACT


def test_an_operator_without_a_derivative_in_a_body_is_named_with_its_path() -> None:
    model = model_of(
        "float[n,3] x, int64 times",
        "float[n,3] y",
        """
        h = Exp(x)
        z = Loop(times, , h) <body = step (int64 i, bool go, float[n,3] a) => (bool more, float[n,3] b) {
            more = Identity(go)
            e = Sin(a)
            f = custom.Strange(e)
            b = Cos(f)
        }>
        y = Exp(z)
        """,
    )
    model.graph.node[1].name = "the_loop"
    body = model.graph.node[1].attribute[0].g
    body.node[2].name = "odd_one"
    body.value_info.append(onnx.helper.make_tensor_value_info("f", onnx.TensorProto.FLOAT, ["n", 3]))
    message = (
        r"custom\.Strange \(node 'odd_one' in the body of Loop 'the_loop'\).*"
        r"x -> h -> a -> e -> f -> b -> z -> y"
    )
    with pytest.raises(NotDifferentiable, match=message):
        vjp(model, ["y"], ["x"])


def test_an_operator_without_a_derivative_off_the_way_in_a_body_does_not_matter() -> None:
    model = model_of(
        "float[n,3] x, int64 times",
        "float[n,3] y",
        """
        z, o = Loop(times, , x) <body = step
            (int64 i, bool go, float[n,3] a) => (bool more, float[n,3] b, float[n,3] o) {
            more = Identity(go)
            b = Sin(a)
            o = custom.Strange(a)
        }>
        y = Exp(z)
        """,
    )
    vjp(model, ["y"], ["x"])
