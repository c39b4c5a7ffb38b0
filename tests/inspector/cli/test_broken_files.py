"""Files that a tool has damaged, or that somebody wrote by hand: every command says what is wrong in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.inspector.cli.conftest import Run, error_line
from tests.inspector.graphs import cnn

Damage = Callable[[onnx.ModelProto], object]


def node(proto: onnx.ModelProto, op_type: str) -> onnx.NodeProto:
    return next(node for node in proto.graph.node if node.op_type == op_type)


def attribute(op_type: str, name: str, value: object) -> Damage:
    return lambda proto: node(proto, op_type).attribute.append(helper.make_attribute(name, value))


def weight(array: np.ndarray) -> Damage:
    def damage(proto: onnx.ModelProto) -> None:
        proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(array, "conv.weight"))

    return damage


def typeless_attribute(proto: onnx.ModelProto) -> None:
    node(proto, "Conv").attribute.add().name = "group"


def constant(*values: float) -> Damage:
    def damage(proto: onnx.ModelProto) -> None:
        attributes = {"value_float": values[0], "value_floats": values} if values else {}
        proto.graph.node.insert(0, helper.make_node("Constant", [], ["k"], name="k", **attributes))

    return damage


def branches(*names: str, reads: str = "logits") -> Damage:
    """An `If` at the end, with these branches."""

    def damage(proto: onnx.ModelProto) -> None:
        bodies = {
            name: helper.make_graph(
                [helper.make_node("Neg", [reads], [f"{name}.y"])], name, [],
                [helper.make_tensor_value_info(f"{name}.y", TensorProto.FLOAT, None)],
            )
            for name in names
        }  # fmt: skip
        proto.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
        proto.graph.node.append(helper.make_node("If", ["yes"], ["chosen"], **bodies))
        proto.graph.output[0].name = "chosen"

    return damage


def behind(op_type: str, second: np.ndarray, **attributes: object) -> Damage:
    """An operator at the end, whose second input is `second`."""

    def damage(proto: onnx.ModelProto) -> None:
        proto.graph.initializer.append(numpy_helper.from_array(second, "second"))
        inputs = [proto.graph.output[0].name, "second"]
        proto.graph.node.append(helper.make_node(op_type, inputs, ["behind"], **attributes))
        proto.graph.output[0].CopyFrom(helper.make_tensor_value_info("behind", TensorProto.FLOAT, None))

    return damage


DAMAGED: dict[str, Damage] = {
    "groups that do not divide the channels": attribute("Conv", "group", 3),
    "no groups": attribute("Conv", "group", 0),
    "less than no groups": attribute("Conv", "group", -1),
    "an attribute of another type": attribute("Conv", "auto_pad", 3),
    "an attribute of no type": typeless_attribute,
    "a constant without a value": constant(),
    "a constant with two values": constant(1.0, 2.0),
    "a convolution of nothing": lambda proto: node(proto, "Conv").ClearField("input"),
    "a convolution without weights": lambda proto: node(proto, "Conv").input.__delitem__(slice(1, 3)),
    "weights that are words": weight(np.array(["a", "b"])),
    "weights of too few axes": weight(np.ones((4, 27), np.float32)),
    "weights of other channels": weight(np.ones((4, 5, 3, 3), np.float32)),
    "one result too many": lambda proto: node(proto, "Relu").output.append("more"),
    "one input too many": lambda proto: node(proto, "Relu").input.append("conv"),
    "a branch that is missing": branches("then_branch"),
    "a condition without branches": branches(),
    "branches that read what is not there": branches("then_branch", "else_branch", reads="nowhere"),
    "a shape that does not fit": behind("Reshape", np.array([7, 7])),
    "an index that is not there": behind("Gather", np.array([99]), axis=1),
    "no opset": lambda proto: setattr(proto.opset_import[0], "version", 0),
    "nothing returned": lambda proto: proto.graph.ClearField("output"),
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_one_line(run: Run, tmp_path: Path, damage: Damage) -> None:
    proto = cnn()
    damage(proto)
    path = tmp_path / "damaged.onnx"
    path.write_bytes(proto.SerializeToString())
    np.save("x.npy", np.random.default_rng(0).normal(size=(1, 3, 16, 16)).astype(np.float32))
    for command in ("explain", "check"):
        assert error_line(run(command, path, "x.npy")).isprintable()
    # these may look at what is whole
    for command in (["layers", path], ["activations", path, "x.npy"], ["filters", path]):
        result = run(*command)
        if result.exit_code != 0:
            assert error_line(result).isprintable(), command


def test_saliency_of_a_damaged_file_is_refused_like_its_outputs(run: Run, tmp_path: Path) -> None:
    proto = cnn()
    attribute("Conv", "group", 3)(proto)
    (tmp_path / "damaged.onnx").write_bytes(proto.SerializeToString())
    np.save("x.npy", np.zeros((1, 3, 16, 16), np.float32))
    said = error_line(run("explain", "damaged.onnx", "x.npy", "--method", "saliency", "--no-check"))
    assert said.startswith("Error: onnxruntime cannot run the model on 'image' float32 (1, 3, 16, 16): ")
    assert "group: 3" in said


def words_in() -> onnx.ModelProto:
    """Counts of three words among four, and two scores of them."""
    nodes = [
        helper.make_node(
            "TfIdfVectorizer", ["words"], ["counts"], mode="TF", min_gram_length=1, max_gram_length=1,
            max_skip_count=0, ngram_counts=[0], ngram_indexes=[0, 1, 2], pool_strings=["a", "b", "c"],
        ),
        helper.make_node("Gemm", ["counts", "weights"], ["logits"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "words",
        [helper.make_tensor_value_info("words", TensorProto.STRING, ["n", 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(np.array([[1, 2], [3, 4], [5, 6]], np.float32), "weights")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def test_an_array_of_words_for_a_model_that_takes_words(run: Run, tmp_path: Path) -> None:
    (tmp_path / "words.onnx").write_bytes(words_in().SerializeToString())
    np.save("words.npy", np.array([["a", "b", "a", "q"]]))
    np.save("numbers.npy", np.zeros((1, 4), np.float32))
    result = run("activations", "words.onnx", "words.npy", "--layer", "logits", "--npz", "--out", "seen")
    assert result.exit_code == 0, result.output
    (found,) = Path("seen").glob("*.npz")
    # two a and one b
    np.testing.assert_allclose(np.load(found)["logits"], [[2 * 1 + 3, 2 * 2 + 4]], rtol=1e-6)
    assert run("check", "words.onnx", "words.npy").exit_code == 0
    assert "the type does not fit" in error_line(run("check", "words.onnx", "numbers.npy"))
