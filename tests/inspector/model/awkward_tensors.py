"""Inputs and outputs of every kind and form."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.inspector.model.awkward_building import (
    Build,
    Feeds,
    dense,
    floats,
    named,
    pictures,
    small,
    text,
)

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


BUILDERS: dict[str, Build] = named(
    input_is_output, weight_is_output, inner_and_outer_outputs, zero_dimensional, defaulted_input,
    unused_input, several_inputs, unknown_rank, negative_dimensions, untyped_output,
    wrong_value_info, empty_optional_outputs, strings_elsewhere, sequences_elsewhere,
    optional_elsewhere, optional_input_left_out, sequence_input, map_input, text_input,
    only_the_classical_domain, four_bits, newest,
)  # fmt: skip
BUILDERS |= {
    **{f"typed_{dtype}": typed(dtype) for dtype in ("float16", "float64")},
    **{f"whole_{dtype}": whole_numbers(dtype) for dtype in ("uint8", "int8", "int32", "int64", "bool")},
}
