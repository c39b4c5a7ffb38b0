"""Names, weights, functions, bodies and domains that a loader may trip over."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tests.inspector.model.awkward_building import (
    Build,
    Feeds,
    dense,
    floats,
    named,
    small,
)

# --- names -----------------------------------------------------------------------------------------------------


def clashing_nodes() -> tuple[onnx.ModelProto, Feeds]:
    """A node with the name of another node's tensor, names that look generated, no name."""
    model, feeds = small(
        "g (float[n,6] x) => (float[n,6] y) { a = Tanh(x) b = Exp(a) c = Neg(b) y = Sin(c) }"
    )
    for node, name in zip(model.graph.node, ("Neg_2", "b", "", "Exp_1"), strict=True):
        node.name = name
    return model, feeds


def odd_names() -> tuple[onnx.ModelProto, Feeds]:
    x, w = "serving default/x:0 (1)", "wei\nght;%&[0]"
    nodes = [
        helper.make_node("MatMul", [x, w], ["π/[bold]\t0"]),
        helper.make_node("Tanh", ["π/[bold]\t0"], ["0"]),
        helper.make_node("Sin", ["0"], ["x.y[3]"]),
        helper.make_node("Add", ["x.y[3]", "0"], ["€/ÿ"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(x, 1, ["n n", 6])],
        [helper.make_tensor_value_info("€/ÿ", 1, None)],
        [numpy_helper.from_array(floats(6, 4), w)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), {
        x: floats(2, 6)
    }


def names_of_the_engine() -> tuple[onnx.ModelProto, Feeds]:
    """Tensors called as those that a gradient graph adds."""
    return small(
        """g (float[n,6] x) => (float[n,6] target_out) {
            "grad/Mul_0" = Tanh(x)
            "target.score" = Sin("grad/Mul_0")
            "gradient.x" = Add("target.score", x)
            "cotangent.target.score" = Neg("gradient.x")
            target_out = Exp("cotangent.target.score")
        }"""
    )


# --- where weights are -------------------------------------------------------------------------------------------


def weights_as_inputs() -> tuple[onnx.ModelProto, Feeds]:
    model, feeds = small(
        f"g (float[n,6] x, float[6,4] w) => (float[n,4] y) <{dense(6, 4)}> {{ h = MatMul(x, w) y = Tanh(h) }}",
        '"" : 9',
        ir_version=3,
    )
    return model, feeds


def weights_in_constants() -> tuple[onnx.ModelProto, Feeds]:
    model, feeds = small("g (float[n,6] x) => (float[n,4] y) { h = MatMul(x, w) y = Mul(h, s) }")
    constants = [
        helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(floats(6, 4))),
        helper.make_node("Constant", [], ["s"], value_float=3.0),
    ]
    nodes = [*constants, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model, feeds


def sparse_weights() -> tuple[onnx.ModelProto, Feeds]:
    model, feeds = small("g (float[n,6] x) => (float[n,4] y) { h = MatMul(x, w) y = Tanh(h) }")
    sparse = onnx.SparseTensorProto(dims=[6, 4])
    sparse.values.CopyFrom(numpy_helper.from_array(floats(5), "w"))
    sparse.indices.CopyFrom(numpy_helper.from_array(np.array([1, 5, 6, 14, 23], dtype=np.int64), "w_indices"))
    model.graph.sparse_initializer.append(sparse)
    return model, feeds


def sparse_constant() -> tuple[onnx.ModelProto, Feeds]:
    model, feeds = small("g (float[n,6] x) => (float[n,4] y) { h = MatMul(x, w) y = Tanh(h) }")
    sparse = onnx.SparseTensorProto(dims=[6, 4])
    sparse.values.CopyFrom(numpy_helper.from_array(floats(3)))
    indices = np.array([[0, 1], [2, 3], [5, 0]], dtype=np.int64)
    sparse.indices.CopyFrom(numpy_helper.from_array(indices))
    nodes = [helper.make_node("Constant", [], ["w"], sparse_value=sparse), *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model, feeds


def unsorted() -> tuple[onnx.ModelProto, Feeds]:
    model, feeds = small(
        f"g (float[n,6] x) => (float[n,4] y) <{dense(6, 4)}> {{ a = MatMul(x, w) b = Tanh(a) y = Sin(b) }}"
    )
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model, feeds


# --- other domains -----------------------------------------------------------------------------------------------


def contrib_operators() -> tuple[onnx.ModelProto, Feeds]:
    """What onnxruntime's optimiser writes; `onnx` knows neither schema nor shapes of these."""
    return small(
        f"""g (float[n,6] x) => (float[n,4] y) <{dense(6, 4)}, float[4] b = {{0.1, 0.2, 0.3, 0.4}}> {{
            h = com.microsoft.FusedMatMul<alpha = 0.5>(x, w)
            g0 = com.microsoft.BiasGelu(h, b)
            shape = Shape(g0)
            k = Reshape(g0, shape)
            y = Tanh(k)
        }}""",
        '"" : 17, "com.microsoft" : 1',
    )


def contrib_at_an_old_opset() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        f"""g (float[n,6] x) => (float[n,4] y) <{dense(6, 4)}, float[4] b = {{0.1, 0.2, 0.3, 0.4}}> {{
            h = MatMul(x, w)
            g0 = com.microsoft.BiasGelu(h, b)
            y = Softmax<axis = 1>(g0)
        }}""",
        '"" : 11, "com.microsoft" : 1, "ai.onnx.ml" : 1',
    )


def more_imports_than_used() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        "g (float[n,6] x) => (float[n,6] y) { y = Tanh(x) }",
        '"" : 15, "ai.onnx.ml" : 2, "com.microsoft" : 1, "ai.onnx.training" : 1, "com.microsoft.nchwc" : 1',
    )


def standard_domain_by_its_long_name() -> tuple[onnx.ModelProto, Feeds]:
    model, feeds = small("g (float[n,6] x) => (float[n,6] y) { h = Tanh(x) y = Sin(h) }")
    model.opset_import[0].domain = "ai.onnx"
    model.graph.node[0].domain = "ai.onnx"
    return model, feeds


# --- functions ---------------------------------------------------------------------------------------------------


def functions() -> tuple[onnx.ModelProto, Feeds]:
    """Nested, called twice, with attributes of their own (one by default), each with its own opset."""
    return small(
        """g (float[n,6] x) => (float[n,6] y) {
            a = local.outer<slope = 0.3>(x)  b = local.outer<slope = 0.1>(a)  y = Sin(b)
        }""",
        '"" : 18, "local" : 1',
        functions="""
        <domain: "local", opset_import: ["" : 18, "local" : 1]>
        outer <slope>(x) => (y) { t = Tanh(x)  u = local.inner<alpha: float = @slope>(t)  y = Mul(u, t) }
        <domain: "local", opset_import: ["" : 18]>
        inner <alpha>(x) => (y) { h = LeakyRelu<alpha: float = @alpha>(x)  y = Add(h, x) }
        """,
    )


def function_with_default() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        "g (float[n,6] x) => (float[n,6] y) { a = local.f(x) b = local.f<alpha = 0.5>(a) y = Sin(b) }",
        '"" : 18, "local" : 1',
        ir_version=9,
        functions="""
        <domain: "local", opset_import: ["" : 18]>
        f <alpha: float = 0.2>(x) => (y) { y = LeakyRelu<alpha: float = @alpha>(x) }
        """,
    )


def overloads() -> tuple[onnx.ModelProto, Feeds]:
    model, feeds = small(
        "g (float[n,6] x) => (float[n,6] y) { a = local.f(x) b = local.f(a) y = Sin(b) }",
        '"" : 18, "local" : 1',
        ir_version=10,
        functions="""
        <domain: "local", overload: "one", opset_import: ["" : 18]> f (x) => (y) { y = Tanh(x) }
        <domain: "local", overload: "two", opset_import: ["" : 18]> f (x) => (y) { y = Neg(x) }
        """,
    )
    model.graph.node[0].overload, model.graph.node[1].overload = "one", "two"
    return model, feeds


def function_with_optional_input() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        "g (float[n,6] x) => (float[n,6] y) { a = local.f(x, ) y = Sin(a) }",
        '"" : 18, "local" : 1',
        functions="""
        <domain: "local", opset_import: ["" : 18]> f (x, low) => (y) { y = Clip(x, low, ) }
        """,
    )


def function_with_a_body() -> tuple[onnx.ModelProto, Feeds]:
    """Inlined, its loop would count by a name that the main graph has given to something else."""
    return small(
        "g (float[n,6] x) => (float[n,6] y) { i = Tanh(x) a = local.f(i) y = local.f(a) }",
        '"" : 18, "local" : 1',
        functions="""
        <domain: "local", opset_import: ["" : 18]>
        f (v) => (r) {
            trips = Constant<value_int = 2>()  go = Constant<value = bool {1}>()
            r = Loop(trips, go, v) <body = b (int64 i, bool c, float[n,6] s) => (bool c2, float[n,6] w)
                { c2 = Identity(c) t = Tanh(s) w = Mul(t, v) }>
        }
        """,
    )


def functions_at_an_old_opset() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        "g (float[n,2,3] x0, float[n,6] x) => (float[n,6] y) { a = local.f(x) y = Softmax<axis = 1>(a) }".replace(
            "float[n,2,3] x0, ", ""
        ),
        '"" : 12, "local" : 1',
        functions="""
        <domain: "local", opset_import: ["" : 12]>
        f (x) => (y) { s = ReduceSum<axes = [1], keepdims = 1>(x) y = Div(x, s) }
        """,
    )


# --- control flow ------------------------------------------------------------------------------------------------

BRANCHES = """g (float[n,6] x) => (float[n,6] y) {
    zero = Constant<value_float = 0.0>()  s = ReduceSum<keepdims = 0>(x)  c = Greater(s, zero)  h = Tanh(x)
    y = If(c) <
        then_branch = t () => (float[n,6] a) { inner = Sin(h)  a = Exp(inner) },
        else_branch = e () => (float[n,6] b) { b = Neg(h) }
    >
}"""
LOOP = """g (float[n,6] x) => (float[n,6] y, float[k,n,6] steps) {
    trips = Constant<value_int = 3>()  go = Constant<value = bool {1}>()
    y, steps = Loop(trips, go, x) <
        body = b (int64 i, bool c, float[n,6] v) => (bool c2, float[n,6] w, float[n,6] out) {
            c2 = Identity(c)  t = Tanh(v)  w = Mul(t, x)  out = Identity(w)
        }
    >
}"""
SCAN = """g (float[n,6] x) => (float[n] last, float[n,6] sums) {
    zeros = Constant<value = float[2] {0.0, 0.0}>()
    last, sums = Scan<num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [1],
        body = b (float[n] s, float[n] e) => (float[n] s2, float[n] o)
            { t = Tanh(e) s2 = Add(s, t) o = Identity(s2) }>(zeros, x)
}"""
OLD_BODIES = """g (float[n,6] x) => (float[n,6] y) {
    zero = Constant<value = float {0.0}>()  s = ReduceSum<keepdims = 0>(x)  c = Greater(s, zero)
    y = If(c) <
        then_branch = t () => (float[n,6] a) { p = Softmax<axis = 0>(x)  m = ReduceMax<axes = [1]>(p)  a = Sub(p, m) },
        else_branch = e () => (float[n,6] b) {
            q = Unsqueeze<axes = [1]>(x)  r = Squeeze<axes = [1]>(q)  b = Clip<min = -0.5>(r)
        }
    >
}"""


def twin_names_in_bodies() -> tuple[onnx.ModelProto, Feeds]:
    """Both branches call their tensors the same, which the standard allows: they never meet."""
    body = BRANCHES.replace("float[n,6] b) { b = Neg(h)", "float[n,6] a) { inner = Cos(h)  a = Neg(inner)")
    return small(body)


BUILDERS: dict[str, Build] = named(
    clashing_nodes, odd_names, names_of_the_engine, weights_as_inputs, weights_in_constants,
    sparse_weights, sparse_constant, unsorted, contrib_operators, contrib_at_an_old_opset,
    more_imports_than_used, standard_domain_by_its_long_name, functions, function_with_a_body,
    function_with_default, overloads, function_with_optional_input, functions_at_an_old_opset,
    twin_names_in_bodies,
)  # fmt: skip
BUILDERS |= {
    "branches": lambda: small(BRANCHES),
    "loop": lambda: small(LOOP),
    "scan": lambda: small(SCAN),
    "old_bodies": lambda: small(OLD_BODIES, '"" : 10', ir_version=5),
}
