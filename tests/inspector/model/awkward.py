"""Files as other tools write them, in miniature: each holds one thing that a loader may trip over.

Every entry is a model that onnxruntime runs, and what to feed it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, parser

Feeds = dict[str, NDArray]
Build = Callable[[], tuple[onnx.ModelProto, Feeds]]


def floats(*shape: int, seed: int = 0, dtype: str = "float32") -> NDArray:
    """Away from zero, so that no kink of a ReLU is near."""
    values = np.random.default_rng([seed, *shape]).uniform(0.2, 1.5, size=shape)
    signs = np.random.default_rng([seed + 1, *shape]).choice([-1, 1], size=shape)
    return np.asarray(values * signs).astype(dtype)


def text(body: str, opset: str = '"" : 18', ir_version: int = 8, functions: str = "") -> onnx.ModelProto:
    return parser.parse_model(f"<ir_version: {ir_version}, opset_import: [{opset}]>\n{body}\n{functions}")


def small(body: str, opset: str = '"" : 18', **options: object) -> tuple[onnx.ModelProto, Feeds]:
    """A graph over one input `float[n, 6] x`, fed two rows."""
    return text(body, opset, **options), {"x": floats(2, 6)}  # type: ignore[arg-type]


def pictures(body: str, opset: int, weights: dict[str, NDArray]) -> tuple[onnx.ModelProto, Feeds]:
    """A graph over one input `float[n, 3, 8, 8] x`."""
    model = text(body, f'"" : {opset}', ir_version=4 if opset < 13 else 8)
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in weights.items())
    return model, {"x": floats(2, 3, 8, 8)}


def dense(*shape: int) -> str:
    count = int(np.prod(shape))
    values = ", ".join(f"{value:.3f}" for value in floats(*shape).ravel()[:count])
    return f"float[{', '.join(map(str, shape))}] w = {{{values}}}"


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


# --- inputs and outputs ------------------------------------------------------------------------------------------


def input_is_output() -> tuple[onnx.ModelProto, Feeds]:
    return small("g (float[n,6] x) => (float[n,6] x, float[n,6] y) { y = Tanh(x) }")


def weight_is_output() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        f"g (float[n,6] x) => (float[n,4] y, float[6,4] w) <{dense(6, 4)}> {{ h = MatMul(x, w) y = Tanh(h) }}"
    )


def inner_and_outer_outputs() -> tuple[onnx.ModelProto, Feeds]:
    """An output that other nodes read, and branches that nobody reads."""
    return small(
        """g (float[n,6] x) => (float[n,6] h, float[n,6] y) {
            h = Tanh(x)  y = Sin(h)  dead = Exp(h)  deader = Shape(dead)
        }"""
    )


def zero_dimensional() -> tuple[onnx.ModelProto, Feeds]:
    return small("g (float[n,6] x) => (float y) { h = Sin(x)  y = ReduceSum<keepdims = 0>(h) }")


def defaulted_input() -> tuple[onnx.ModelProto, Feeds]:
    """An input that need not be given: since IR 4 an initializer of its name is its default."""
    return small(
        "g (float[n,6] x, float[1] scale) => (float[n,6] y) <float[1] scale = {2.5}> { h = Mul(x, scale) y = Tanh(h) }"
    )


def unused_input() -> tuple[onnx.ModelProto, Feeds]:
    model, feeds = small("g (float[n,6] x, float[n,6] mask) => (float[n,6] y) { y = Tanh(x) }")
    return model, {**feeds, "mask": floats(2, 6)}


def several_inputs() -> tuple[onnx.ModelProto, Feeds]:
    model, feeds = small(
        """g (float[n,6] x, int64[n,k] ids, float[4,6] table, bool flag) => (float[n,6] y) {
            e = Gather<axis = 0>(table, ids)  axes = Constant<value_ints = [1]>()
            m = ReduceMean<keepdims = 0>(e, axes)  s = Add(x, m)  z = Neg(s)  y = Where(flag, s, z)
        }"""
    )
    return model, {
        **feeds,
        "ids": np.array([[0, 3, 1], [2, 2, 0]]),
        "table": floats(4, 6),
        "flag": np.array(True),
    }


def unknown_rank() -> tuple[onnx.ModelProto, Feeds]:
    model, feeds = small("g (float[n,6] x) => (float[n,6] y) { h = Tanh(x) y = Sin(h) }")
    model.graph.input[0].type.tensor_type.ClearField("shape")
    model.graph.output[0].type.tensor_type.ClearField("shape")
    return model, feeds


def negative_dimensions() -> tuple[onnx.ModelProto, Feeds]:
    """Old Paddle exports write -1 where they mean any size."""
    weights = {"w": floats(4, 3, 3, 3)}
    model, feeds = pictures("g (float[n,3,h,w0] x) => (float y) { c = Conv(x, w) y = Relu(c) }", 11, weights)
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.ClearField("shape")
        for size in (-1, 3 if value.name == "x" else 4, -1, -1):
            value.type.tensor_type.shape.dim.add(dim_value=size)
    return model, feeds


def untyped_output() -> tuple[onnx.ModelProto, Feeds]:
    model, feeds = small("g (float[n,6] x) => (float[n,6] y) { h = Tanh(x) y = Sin(h) }")
    model.graph.output[0].ClearField("type")
    return model, feeds


def wrong_value_info() -> tuple[onnx.ModelProto, Feeds]:
    """Inference over the whole graph fails where a file's annotation contradicts it; the runtime only warns."""
    model, feeds = small("g (float[n,6] x) => (float[n,6] y) { h = Tanh(x) k = Exp(h) y = Sin(k) }")
    model.graph.value_info.append(helper.make_tensor_value_info("h", 1, ["n", 7, 2]))
    return model, feeds


def empty_optional_outputs() -> tuple[onnx.ModelProto, Feeds]:
    model = text(
        "g (float[5,2,3] x) => (float[1,2,4] y) { , h = GRU<hidden_size = 4>(x, w, r, , , )  y = Neg(h) }"
    )
    for name, shape in (("w", (1, 12, 3)), ("r", (1, 12, 4))):
        model.graph.initializer.append(numpy_helper.from_array(floats(*shape), name))
    return model, {"x": floats(5, 2, 3)}


def typed(dtype: str, body: str = "h = Tanh(x) y = Sin(h)") -> Build:
    def build() -> tuple[onnx.ModelProto, Feeds]:
        kind = {"float32": "float", "float64": "double"}.get(dtype, dtype)
        return text(f"g ({kind}[n,6] x) => ({kind}[n,6] y) {{ {body} }}"), {"x": floats(2, 6, dtype=dtype)}

    return build


def whole_numbers(dtype: str) -> Build:
    def build() -> tuple[onnx.ModelProto, Feeds]:
        nodes = "f = Cast<to = 1>(x) h = MatMul(f, w) y = Tanh(h)"
        return text(f"g ({dtype}[n,6] x) => (float[n,4] y) <{dense(6, 4)}> {{ {nodes} }}"), {
            "x": np.arange(12).reshape(2, 6).astype(dtype)
        }

    return build


def strings_elsewhere() -> tuple[onnx.ModelProto, Feeds]:
    """A classifier that also returns the label as text, as scikit-learn's converter writes it."""
    body = """g (float[n,6] x) => (string[n] label, seq(map(int64, float)) probabilities, float[n,3] scores) {
        scores = ai.onnx.ml.LinearClassifier<coefficients = [0.1, 0.2, -0.3, 0.4, 0.5, 0.6, -0.1, 0.3, 0.2, 0.1, 0.7,
            0.2, 0.3, -0.5, 0.2, 0.1, 0.1, 0.4], intercepts = [0.1, -0.2, 0.3], classlabels_ints = [0, 1, 2]>(x)
    }"""
    del body
    nodes = [
        helper.make_node(
            "LinearClassifier", ["x"], ["number", "raw"], domain="ai.onnx.ml",
            coefficients=floats(18).tolist(), intercepts=[0.1, -0.2, 0.3], classlabels_ints=[0, 1, 2],
        ),
        helper.make_node("Softmax", ["raw"], ["scores"], axis=1),
        helper.make_node(
            "LabelEncoder", ["number"], ["label"], domain="ai.onnx.ml",
            keys_int64s=[0, 1, 2], values_strings=["cat", "dog", "π"],
        ),
        helper.make_node("ZipMap", ["scores"], ["probabilities"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2]),
    ]  # fmt: skip
    mapping = helper.make_map_type_proto(
        TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    )
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.STRING, ["n"]),
        helper.make_value_info("probabilities", helper.make_sequence_type_proto(mapping)),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3]),
    ]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", 1, ["n", 6])], outputs)
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 2)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), {"x": floats(2, 6)}


def sequences_elsewhere() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        """g (float[n,6] x) => (seq(float[n,3]) parts, float[n,6] y) <int64 one = {1}> {
            h = Tanh(x)  parts = SplitToSequence<axis = 1>(h, three)  three = Constant<value_int = 3>()
            second = SequenceAt(parts, one)  first = SequenceAt(parts, zero)  zero = Constant<value_int = 0>()
            y = Concat<axis = 1>(second, first)
        }"""
    )


def optional_elsewhere() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        "g (float[n,6] x) => (float[n,6] y) { h = Tanh(x) o = Optional(h) e = OptionalGetElement(o) y = Sin(e) }"
    )


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


def optional_input_left_out() -> tuple[onnx.ModelProto, Feeds]:
    model, feeds = small(
        """g (float[n,6] x) => (float[n,6] y) {
            h = OptionalHasElement(o)
            y = If(h) <
                then_branch = t () => (float[n,6] a) { e = OptionalGetElement(o) a = Add(x, e) },
                else_branch = u () => (float[n,6] b) { b = Tanh(x) }
            >
        }"""
    )
    tensor = helper.make_tensor_type_proto(TensorProto.FLOAT, ["n", 6])
    model.graph.input.append(helper.make_value_info("o", helper.make_optional_type_proto(tensor)))
    return model, {**feeds, "o": None}  # type: ignore[dict-item]


def sequence_input() -> tuple[onnx.ModelProto, Feeds]:
    model = text("g (float[n,6] x) => (float[k,6] y) { c = ConcatFromSequence<axis = 0>(q) y = Tanh(c) }")
    tensor = helper.make_tensor_type_proto(TensorProto.FLOAT, ["n", 6])
    model.graph.input.append(helper.make_value_info("q", helper.make_sequence_type_proto(tensor)))
    return model, {"x": floats(3, 6), "q": [floats(2, 6), floats(1, 6)]}  # type: ignore[dict-item]


def map_input() -> tuple[onnx.ModelProto, Feeds]:
    nodes = [
        helper.make_node("DictVectorizer", ["d"], ["v"], domain="ai.onnx.ml", string_vocabulary=["a", "b"]),
        helper.make_node("Tanh", ["v"], ["y"]),
    ]
    scalar = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    given = helper.make_value_info("d", helper.make_map_type_proto(TensorProto.STRING, scalar))
    graph = helper.make_graph(nodes, "g", [given], [helper.make_tensor_value_info("y", 1, [1, 2])])
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return model, {"d": {"a": 1.0, "b": 2.0}}  # type: ignore[dict-item]


def text_input() -> tuple[onnx.ModelProto, Feeds]:
    model = text(
        "g (string[n] s, float[n,6] x) => (float[n,6] y, string[n] t) { y = Tanh(x) t = Identity(s) }"
    )
    return model, {"s": np.array(["a", "ß"], dtype=object), "x": floats(2, 6)}


def only_the_classical_domain() -> tuple[onnx.ModelProto, Feeds]:
    node = helper.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml", offset=[0.5] * 6, scale=[2.0] * 6)
    io = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 6]) for name in "xy"]
    graph = helper.make_graph([node], "g", io[:1], io[1:])
    opsets = [helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), {"x": floats(2, 6)}


def four_bits() -> tuple[onnx.ModelProto, Feeds]:
    """The runtime computes such numbers, and hands none out."""
    return small(
        """g (float[n,6] x) => (float[n,6] y) <float s = {0.3}> {
            q = QuantizeLinear<output_dtype = 22>(x, s)  d = DequantizeLinear(q, s)  y = Tanh(d)
        }""",
        '"" : 21',
        ir_version=10,
    )


def newest() -> tuple[onnx.ModelProto, Feeds]:
    return small("g (float[n,6] x) => (float[n,6] y) { h = Gelu(x) y = Swish(h) }", '"" : 24', ir_version=11)


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


# --- old operator sets -------------------------------------------------------------------------------------------


def opset7() -> tuple[onnx.ModelProto, Feeds]:
    weights = {
        "w": floats(4, 3, 3, 3),
        **{name: np.abs(floats(4, seed=seed)) for seed, name in enumerate(("s", "b", "m", "v"))},
        "shape": np.array([0, -1]),
    }
    return pictures(
        """g (float[2,3,8,8] x) => (float[2,k] y) {
            c = Conv<pads = [1, 1, 1, 1]>(x, w)
            n = BatchNormalization<spatial = 1, epsilon = 0.001>(c, s, b, m, v)
            r = Relu(n)
            d, mask = Dropout<ratio = 0.5>(r)
            p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(d)
            up = Upsample<mode = "nearest", scales = [1.0, 1.0, 2.0, 2.0]>(p)
            sl = Slice<axes = [2, 3], starts = [1, 1], ends = [7, 100]>(up)
            pd = Pad<pads = [0, 0, 1, 1, 0, 0, 1, 1], mode = "constant", value = 0.5>(sl)
            cl = Clip<min = -0.5, max = 2.0>(pd)
            sp0, sp1 = Split<axis = 1>(cl)
            ad = Add(sp0, sp1)
            rd = ReduceMean<axes = [2], keepdims = 0>(ad)
            sq = Unsqueeze<axes = [0]>(rd)
            us = Squeeze<axes = [0]>(sq)
            f = Reshape(us, shape)
            t, ti = TopK<k = 5>(f)
            y = Softmax(t)
        }""",
        7,
        weights,
    )


def batchnorm_per_element() -> tuple[onnx.ModelProto, Feeds]:
    weights = {name: np.abs(floats(3, 8, 8, seed=seed)) for seed, name in enumerate(("s", "b", "m", "v"))}
    return pictures(
        """g (float[2,3,8,8] x) => (float[2,3,8,8] y) {
            n = BatchNormalization<spatial = 0>(x, s, b, m, v)  y = Relu(n)
        }""",
        7,
        weights,
    )


def coerced(op: str, opset: int, axis: str = "") -> Build:
    """Before opset 13 these work on the tensor flattened to a matrix at `axis`."""

    def build() -> tuple[onnx.ModelProto, Feeds]:
        return pictures(
            f"g (float[n,3,h,w0] x) => (float[n,3,h,w0] y) {{ s = {op}{axis}(x) y = Tanh(s) }}", opset, {}
        )

    return build


def resized(opset: int, node: str, weights: dict[str, NDArray]) -> Build:
    def build() -> tuple[onnx.ModelProto, Feeds]:
        return pictures(
            f"g (float[n,3,8,8] x) => (float[n,3,p,q] y) {{ u = {node} y = Tanh(u) }}", opset, weights
        )

    return build


SCALES = {"scales": np.array([1, 1, 2, 1.5], dtype=np.float32)}


def old_padding_and_slicing() -> tuple[onnx.ModelProto, Feeds]:
    weights = {"starts": np.array([1, -3]), "ends": np.array([6, 100]), "axes": np.array([2, 3])}
    return pictures(
        """g (float[n,3,8,8] x) => (float[n,3,a,b] y) {
            p = Pad<pads = [0, 0, 1, 2, 0, 0, 2, 1], mode = "reflect">(x)
            s = Slice(p, starts, ends, axes)
            y = Tanh(s)
        }""",
        10,
        weights,
    )


def old_dropout_mask() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        "g (float[n,6] x) => (float[n,6] y, bool[n,6] m) { h = Tanh(x) y, m = Dropout<ratio = 0.3>(h) }",
        '"" : 10',
        ir_version=5,
    )


def data_dependent_slice() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        """g (float[n,6] x) => (float[n,k] y) <int64[1] one = {1}, int64[1] zero = {0}> {
            size = Shape(x)  width = Slice(size, one, two)  two = Add(one, one)  half = Div(width, two)
            s = Slice(x, zero, half, one)  y = Tanh(s)
        }""",
        '"" : 11',
    )


def every_reduction(opset: int) -> Build:
    names = ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSumExp", "SumSquare", "LogSum"]

    def build() -> tuple[onnx.ModelProto, Feeds]:
        lines = ["h = Exp(x)"]
        lines += [f"r{i} = Reduce{name}<axes = [1], keepdims = 1>(h)" for i, name in enumerate(names)]
        lines += [
            f"all = ReduceSum<keepdims = 1>(h)  y = Concat<axis = 1>({', '.join(f'r{i}' for i in range(10))})"
        ]
        return small(
            f"g (float[n,6] x) => (float[n,10] y, float[1,1] all) {{ {' '.join(lines)} }}",
            f'"" : {opset}',
            ir_version=6,
        )

    return build


def old_scatter() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        """g (float[2,6] x) => (float[2,6] y) <int64[1,3] i = {5, 0, 2}, float[1,3] u = {1.0, 2.0, 3.0}> {
            s = Scatter<axis = 1>(x, i, u)  y = Tanh(s)
        }""",
        '"" : 9',
        ir_version=4,
    )


def old_scan() -> tuple[onnx.ModelProto, Feeds]:
    """Scan of opset 8 has a batch axis and lengths."""
    model = text(
        """g (float[2,3,4] x) => (float[2,4] last, float[2,3,4] sums) {
            zeros = Constant<value = float[2,4] {0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0}>()
            last, sums = Scan<num_scan_inputs = 1, body = b (float[4] s, float[4] e) => (float[4] s2, float[4] o)
                { t = Tanh(e) s2 = Add(s, t) o = Identity(s2) }>( , zeros, x)
        }""",
        '"" : 8',
        ir_version=3,
    )
    return model, {"x": floats(2, 3, 4)}


def old_roi_align() -> tuple[onnx.ModelProto, Feeds]:
    """Without half a pixel before opset 16."""
    weights = {"rois": np.array([[0, 0, 5, 5], [1, 2, 7, 6]], dtype=np.float32), "which": np.array([0, 1])}
    return pictures(
        """g (float[n,3,8,8] x) => (float[r,3,2,2] y) {
            a = RoiAlign<output_height = 2, output_width = 2, sampling_ratio = 2>(x, rois, which)  y = Tanh(a)
        }""",
        10,
        weights,
    )


def old_recurrence() -> tuple[onnx.ModelProto, Feeds]:
    model = text(
        """g (float[5,2,3] x) => (float[5,1,2,4] y) {
            y, h, c = LSTM<hidden_size = 4>(x, w, r)
        }""",
        '"" : 7',
        ir_version=3,
    )
    for name, shape in (("w", (1, 16, 3)), ("r", (1, 16, 4))):
        tensor = numpy_helper.from_array(floats(*shape), name)
        model.graph.initializer.append(tensor)
        model.graph.input.append(helper.make_tensor_value_info(name, 1, shape))
    return model, {"x": floats(5, 2, 3)}


def quantised(opset: int) -> Build:
    def build() -> tuple[onnx.ModelProto, Feeds]:
        return small(
            f"""g (float[n,6] x) => (float[n,4] y) <{dense(6, 4)}, float s = {{0.02}}, uint8 z = {{128}}> {{
                q = QuantizeLinear(x, s, z)  d = DequantizeLinear(q, s, z)  h = MatMul(d, w)  y = Tanh(h)
            }}""",
            f'"" : {opset}',
        )

    return build


def windows_behind_the_data(opset: int) -> Build:
    """A last window that would start in the padding is none; `onnx` counts it before opset 22."""

    def build() -> tuple[onnx.ModelProto, Feeds]:
        model, _ = pictures(
            """g (float[n,3,7,7] x) => (float[n,3,p,q] y) {
                a = MaxPool<kernel_shape = [2, 2], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode = 1>(x)
                b = AveragePool<kernel_shape = [2, 2], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode = 1>(x)
                s = Add(a, b)
                y = Tanh(s)
            }""",
            opset,
            {},
        )
        return model, {"x": floats(2, 3, 7, 7)}

    return build


BUILDERS: dict[str, Build] = {
    build.__name__: build
    for build in (
        clashing_nodes, odd_names, names_of_the_engine, weights_as_inputs, weights_in_constants,
        sparse_weights, sparse_constant, unsorted, input_is_output, weight_is_output,
        inner_and_outer_outputs, zero_dimensional, defaulted_input, unused_input, several_inputs,
        unknown_rank, negative_dimensions, untyped_output, wrong_value_info, empty_optional_outputs,
        strings_elsewhere, sequences_elsewhere, optional_elsewhere, contrib_operators,
        contrib_at_an_old_opset, more_imports_than_used, standard_domain_by_its_long_name,
        functions, function_with_a_body, optional_input_left_out, sequence_input, map_input,
        text_input, only_the_classical_domain, four_bits, newest, function_with_default, overloads,
        function_with_optional_input, functions_at_an_old_opset, twin_names_in_bodies, opset7,
        batchnorm_per_element, old_padding_and_slicing, old_dropout_mask, data_dependent_slice,
        old_scatter, old_scan, old_roi_align, old_recurrence,
    )
}  # fmt: skip
BUILDERS |= {
    **{f"typed_{dtype}": typed(dtype) for dtype in ("float16", "float64")},
    **{f"whole_{dtype}": whole_numbers(dtype) for dtype in ("uint8", "int8", "int32", "int64", "bool")},
    "branches": lambda: small(BRANCHES),
    "loop": lambda: small(LOOP),
    "scan": lambda: small(SCAN),
    "old_bodies": lambda: small(OLD_BODIES, '"" : 10', ir_version=5),
    **{
        f"{op.lower()}_{opset}_{axis or 'default'}": coerced(op, opset, axis)
        for op in ("Softmax", "LogSoftmax", "Hardmax")
        for opset in (9, 11)
        for axis in ("", "<axis = 2>", "<axis = 0>")
    },
    "softmax_11_negative": coerced("Softmax", 11, "<axis = -1>"),
    "upsample_9_nearest": resized(9, 'Upsample<mode = "nearest">(x, scales)', SCALES),
    "upsample_9_linear": resized(9, 'Upsample<mode = "linear">(x, scales)', SCALES),
    "resize_10_nearest": resized(10, 'Resize<mode = "nearest">(x, scales)', SCALES),
    "resize_10_linear": resized(10, 'Resize<mode = "linear">(x, scales)', SCALES),
    "resize_11": resized(
        11, 'Resize<mode = "cubic">(x, roi, scales)', {**SCALES, "roi": np.array([], np.float32)}
    ),
    "resize_11_tf_nearest": resized(
        11,
        'Resize<mode = "nearest", coordinate_transformation_mode = "tf_half_pixel_for_nn">(x, roi, scales)',
        {**SCALES, "roi": np.array([], np.float32)},
    ),
    **{f"reductions_{opset}": every_reduction(opset) for opset in (9, 11, 12)},
    **{f"ceil_mode_{opset}": windows_behind_the_data(opset) for opset in (11, 18, 22)},
    **{f"quantised_{opset}": quantised(opset) for opset in (10, 13, 18)},
}
