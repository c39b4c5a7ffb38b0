"""Where the nodes of a gradient stand: what no cotangent reaches stands right behind what it reads."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from inspector.autodiff import vjp

from .case import normal

FLOAT = TensorProto.FLOAT


def network(nodes: list[onnx.NodeProto]) -> onnx.ModelProto:
    x, y = (helper.make_tensor_value_info(name, FLOAT, [2, 3]) for name in "xy")
    return helper.make_model(
        helper.make_graph(nodes, "g", [x], [y]), opset_imports=[helper.make_opsetid("", 18)], ir_version=8
    )


def gradient_of(model: onnx.ModelProto, wrt: list[str]) -> onnx.ModelProto:
    found = vjp(model, ["y"], wrt)
    onnx.checker.check_model(found, full_check=True)
    return found


def test_what_no_cotangent_reaches_stands_behind_the_last_that_it_reads() -> None:
    nodes, last = [], "x"
    for number in range(6):
        nodes.append(helper.make_node("Tanh", [last], [f"a{number}"]))
        nodes.append(helper.make_node("Mul", [f"a{number}", "x"], [last := f"b{number}"]))
    nodes.append(helper.make_node("Relu", [last], ["y"]))
    found = gradient_of(network(nodes), ["x"]).graph.node
    reached, made, added = {"cotangent.y"}, {"x": -1}, 0
    original = {name for node in nodes for name in node.output}
    stands = -1
    for node in found:
        own = original.isdisjoint(node.output)
        stands += not own
        if not reached.isdisjoint(node.input):
            reached.update(node.output)
        elif own:
            # (constants were not made by any node)
            assert stands == max(made.get(name, -1) for name in node.input)
            added += 1
        made.update(dict.fromkeys(node.output, stands))
    # for each Tanh its slope: a product and a difference; for Relu a comparison and its cast
    assert added == 6 * 2 + 2
    # the way back comes last
    ways = [not reached.isdisjoint(node.input) for node in found]
    assert ways == sorted(ways)


def test_what_reads_two_results_stands_behind_the_later() -> None:
    nodes = [
        helper.make_node("Tanh", ["x"], ["a"]),
        helper.make_node("Sin", ["a"], ["b"]),
        helper.make_node("Exp", ["b"], ["c"]),
        helper.make_node("Max", ["a", "c"], ["y"]),
    ]
    # (which of the two is the maximum is read from both; the checker refuses what stands before what it reads)
    types = [node.op_type for node in gradient_of(network(nodes), ["x"]).graph.node]
    assert types.count("Equal") == 2
    assert types.index("Max") < types.index("Equal")


def test_what_reads_the_input_alone_stands_first() -> None:
    nodes = [
        helper.make_node("Exp", ["x"], ["e"]),
        helper.make_node("Neg", ["e"], ["n"]),
        helper.make_node("Sin", ["x"], ["s"]),
        helper.make_node("Mul", ["n", "s"], ["y"]),
    ]
    found = gradient_of(network(nodes), ["x"])
    assert [node.op_type for node in found.graph.node][:2] == ["Cos", "Exp"]
    x, g = normal(2, 2, 3)
    session = onnxruntime.InferenceSession(found.SerializeToString(), providers=["CPUExecutionProvider"])
    (gx,) = session.run(["gradient.x"], {"x": x.astype(np.float32), "cotangent.y": g.astype(np.float32)})
    expected = -g * np.exp(x) * (np.sin(x) + np.cos(x))
    np.testing.assert_allclose(gx, expected, rtol=1e-5, atol=1e-6)
