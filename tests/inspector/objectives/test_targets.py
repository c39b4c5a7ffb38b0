"""Targets against closed forms: the score by NumPy from the outputs, the gradient by its formula."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from inspector import Inspector, Target
from inspector.errors import NotDifferentiable, TargetError
from inspector.objectives import parse_target
from inspector.objectives.resolve import AnyTargets
from tests.inspector.graphs import cnn, images, model, multi_head, normal

X = images(4, size=8)
W, B = normal(5, 6, scale=1), normal(5, seed=1)


def linear(final: str | None = None, **attributes: int) -> Inspector:
    """A layer W x + b, so that the gradient of logit k is row k of W."""
    nodes = [helper.make_node("Gemm", ["x", "W", "b"], ["logits"], transB=1)]
    if final:
        nodes.append(helper.make_node(final, ["logits"], ["output"], **attributes))
    return Inspector(model(nodes, {"x": ["n", 6]}, {nodes[-1].output[0]: ["n", 5]}, {"W": W, "b": B}))


VECTORS = normal(4, 6, seed=5, scale=1)
LOGITS = VECTORS @ W.T + B
TOP = LOGITS.argmax(axis=1)


def softmax(z: NDArray[np.floating]) -> NDArray[np.floating]:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("final", [None, "Softmax", "LogSoftmax", "Sigmoid"])
@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (2, np.tile(W[2], (4, 1))),
        ("2", np.tile(W[2], (4, 1))),
        (np.int64(2), np.tile(W[2], (4, 1))),
        (None, W[TOP]),
        ([0, 4, 2, 1], W[[0, 4, 2, 1]]),
        (np.array([0, 4, 2, 1]), W[[0, 4, 2, 1]]),
        (Target(index=slice(1, 3)), np.tile(W[1] + W[2], (4, 1))),
        (Target(index=-1), np.tile(W[4], (4, 1))),
        (Target(index=[0, 3]), np.tile(W[0] + W[3], (4, 1))),
        (Target(index=Ellipsis), np.tile(W.sum(axis=0), (4, 1))),
        (Target(label=1) - 0.5 * Target(label=3), np.tile(W[1] - 0.5 * W[3], (4, 1))),
        (-Target(label=1), np.tile(-W[1], (4, 1))),
        ([1, Target(label=1) + Target(label=2), "3", None], [W[1], W[1] + W[2], W[3], W[TOP[3]]]),
    ],
)
def test_logits_whatever_comes_after_them(
    final: str | None, target: AnyTargets, expected: NDArray[np.floating]
) -> None:
    np.testing.assert_allclose(linear(final).gradient(VECTORS, target), expected, rtol=1e-5, atol=1e-6)


def test_the_output_as_it_is() -> None:
    p = softmax(LOGITS)
    got = linear("Softmax").gradient(VECTORS, 2, score="output")
    # d p_2 / d z = p_2 (e_2 - p)
    expected = (p[:, 2:3] * (np.eye(5)[2] - p)) @ W
    np.testing.assert_allclose(got, expected, atol=1e-6)
    s = 1 / (1 + np.exp(-LOGITS[:, 2:3]))
    np.testing.assert_allclose(
        linear("Sigmoid").gradient(VECTORS, 2, score="output"), s * (1 - s) * W[2], atol=1e-6
    )


@pytest.mark.parametrize("final", [None, "Softmax", "LogSoftmax"])
@pytest.mark.parametrize("score", ["logit", "output"])
def test_log_probability_is_log_softmax(final: str | None, score: str) -> None:
    target = Target(label=3).log_probability()
    explained = linear(final).gradient(VECTORS, target, score=score)  # type: ignore[arg-type, call-overload]
    expected = (np.eye(5)[3] - softmax(LOGITS)) @ W
    np.testing.assert_allclose(explained, expected, atol=1e-6)


def test_log_probability_of_a_confident_model_keeps_its_digits() -> None:
    """Its derivative d log p_c / d z_c is 1 - p_c: of a class at p = 1 - 1e-6, float32 has one digit."""
    z = np.array([[14.0, 0.0, -1.0, 0.5, -2.0]], np.float32)
    nodes = [helper.make_node("Identity", ["x"], ["logits"])]
    lens = Inspector(model(nodes, {"x": ["n", 5]}, {"logits": ["n", 5]}, {}))
    others = softmax(z.astype(np.float64))
    others[0, 0] = 0
    expected = -others
    expected[0, 0] = others.sum()
    np.testing.assert_allclose(lens.gradient(z, "logp(0)"), expected, rtol=1e-5)
    assert lens.check(z, "logp(0)").passed


def test_log_probability_of_independent_classes_is_log_sigmoid() -> None:
    got = linear("Sigmoid").gradient(VECTORS, "logp(3)")
    expected = (1 - 1 / (1 + np.exp(-LOGITS[:, 3:4]))) * W[3]
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_log_sigmoid_does_not_overflow() -> None:
    lens = Inspector(
        model(
            [helper.make_node("Mul", ["x", "k"], ["y"])],
            {"x": ["n", 1]},
            {"y": ["n", 1]},
            {"k": np.float32([1000])},
        )
    )
    x = np.array([[-1.0], [1.0]], dtype=np.float32)
    np.testing.assert_allclose(lens.gradient(x, "logp(y=1)"), [[1000], [0]])
    np.testing.assert_allclose(lens.gradient(x, "logp(y=0)"), [[0], [-1000]])


def test_a_head_with_one_neuron() -> None:
    lens = Inspector(multi_head())
    z = lens.run(X)["length"][:, 0]
    assert (z > 0).any()
    assert (z < 0).any()
    up = lens.gradient(X, "length[0]")
    np.testing.assert_array_equal(lens.gradient(X, "length=1"), up)
    np.testing.assert_array_equal(lens.gradient(X, "length=long"), up)
    np.testing.assert_array_equal(lens.gradient(X, "length=short"), -up)
    np.testing.assert_array_equal(lens.gradient(X, Target("length", label=0)), -up)
    # by default the side that each sample falls on
    sign = np.where(z < 0, -1, 1).reshape(-1, 1, 1, 1)
    np.testing.assert_array_equal(lens.gradient(X, "length"), sign * up)
    assert lens.explain(X, target="length").target == tuple(
        f"length={'short' if s < 0 else 'long'}" for s in z
    )


def test_class_zero_of_several_heads_is_the_sum_of_their_log_probabilities() -> None:
    lens = Inspector(multi_head())
    out = lens.run(X)
    target = (
        Target("length", label="short").log_probability()
        + Target("angle", label=0).log_probability()
        + Target("colour", label="red").log_probability()
    )
    expected = (
        -np.logaddexp(0, out["length"][:, 0].astype(float))
        + np.log(softmax(out["angle"].astype(float)))[:, 0]
        - np.logaddexp(0, out["colour"][:, 0].astype(float))
    )
    explanation = lens.explain(X, target=target)
    np.testing.assert_allclose(explanation.score, expected, rtol=1e-5)
    np.testing.assert_array_equal(
        lens.gradient(X, "logp(length=short) + logp(angle=0) + logp(colour=red)"), lens.gradient(X, target)
    )
    parts = [lens.gradient(X, each, wrt="relu") for each in target.targets]
    np.testing.assert_allclose(lens.gradient(X, target, wrt="relu"), sum(parts), atol=1e-6)
    assert lens.check(X[:1], target, wrt="conv").passed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", Target(label=7)),
        ("red", Target("colour", label="red")),
        ("RED", Target("colour", label="RED")),
        ("15°", Target("angle", label="15°")),
        ("colour", Target("colour")),
        ("colour=red", Target("colour", label="red")),
        ("angle=2", Target("angle", label=2)),
        ("angle[2]", Target("angle", index=(2,))),
        ("angle[-1]", Target("angle", index=(-1,))),
        ("angle[:, 1]", Target("angle", index=(slice(None), 1))),
        ("angle[1:3]", Target("angle", index=(slice(1, 3),))),
        ("angle[..., ::2]", Target("angle", index=(Ellipsis, slice(None, None, 2)))),
        ("relu[3, 1, 2]", Target("relu", index=(3, 1, 2))),
        ("logp(angle=0)", Target("angle", label=0, log=True)),
        ("0.5*angle=1", 0.5 * Target("angle", label=1)),
        ("angle=1 - angle=2", Target("angle", label=1) - Target("angle", label=2)),
        ("-angle[1]", -Target("angle", index=(1,))),
        (
            "logp(angle=0) + 2 * logp(length=short) - colour",
            Target("angle", label=0, log=True)
            + 2 * Target("length", label="short", log=True)
            - Target("colour"),
        ),
    ],
)
def test_the_language_of_targets(text: str, expected: object) -> None:
    lens = Inspector(multi_head())
    assert parse_target(text, lens.heads(), lens.model) == expected


def test_labels_with_signs_brackets_and_digits_in_them() -> None:
    labels = ["tabby - cat", "a + b", "x[1]", "7", "k=v"]
    lens = Inspector(linear().model.proto, labels=labels)
    for number, label in enumerate(labels):
        if label != "7":
            np.testing.assert_allclose(lens.gradient(VECTORS[:1], label)[0], W[number], rtol=1e-6)
    assert lens.explain(VECTORS, "saliency", target=1).target[0] == "logits=a + b"
    assert lens.labels == {"logits": tuple(labels)}


def test_targets_in_words() -> None:
    lens = Inspector(multi_head())
    for text in (
        "colour=red",
        "angle[:, 1:2]",
        "logp(angle=0°) - colour=red",
        "0.5*angle[1] + logp(length=short)",
    ):
        parsed = parse_target(text, lens.heads(), lens.model)
        assert str(parsed) == text


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (5, r"class 5 is out of range: 'logits' has 5 classes, 0 to 4"),
        (-1, "class -1 is out of range"),
        ("logits[5]", r"'logits' has shape \(5\) after the batch axis \(0 to 4\)"),
        ("logits[1, 2]", "out of range"),
        ("logits=--1", "has no class '--1'"),
        ("logits[--1]", "'--1' is no index"),
        ("--1", "class -1 is out of range"),
        ("nothing", "neither a class number, nor a label.*'logits'"),
        ("nothing[3]", "neither a class number"),
        ("logits=cat", "has no class 'cat'; it has no labels"),
        ("", "is empty"),
        ("logits[a]", "'a' is no index"),
        (Target("absent"), "no output or tensor 'absent'; its outputs are 'logits' float32"),
        ([1, 2, 3], "3 targets are given for 4 samples"),
        ([1, 2, 3, 4, 0], "5 targets are given for 4 samples"),
        ([], "0 targets are given"),
        (2.5, "not float"),
        ([1, 2, 3, 9], "class 9 is out of range"),
        (Target(batched=False), "needs an index"),
    ],
)
def test_targets_that_do_not_exist(target: AnyTargets, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        linear().gradient(VECTORS, target)


def test_a_wrong_score_is_refused() -> None:
    with pytest.raises(TargetError, match="'logit' or 'output'"):
        linear().gradient(VECTORS, 1, score="loss")  # type: ignore[call-overload]


def test_a_target_has_an_index_or_a_label() -> None:
    with pytest.raises(ValueError, match="not both"):
        Target(index=1, label=2)


def test_labels_must_be_as_many_as_the_classes_and_near_ones_are_told() -> None:
    with pytest.raises(TargetError, match=r"2 labels are given, but output 'logits' has 10 classes"):
        Inspector(cnn(), labels=["a", "b"]).gradient(images())
    animals = Inspector(cnn(), labels=["cat", "dog", *map(str, range(8))])
    with pytest.raises(TargetError, match=r"'caat' is neither .*; near labels: 'cat'$"):
        animals.gradient(images(), "caat")
    with pytest.raises(TargetError, match=r"1 labels are given, but output 'logits' has 10 classes"):
        Inspector(cnn(), labels={"logits": ["a"]}).gradient(images())


def test_targets_are_summed_and_divided_as_numbers_are() -> None:
    classes = [Target(label=number) for number in range(3)]
    assert sum(classes) == classes[0] + classes[1] + classes[2]
    assert sum(classes) / 4 == 0.25 * (classes[0] + classes[1] + classes[2])
    with pytest.raises(TypeError):
        sum(classes, start=1)


def test_integer_outputs_have_no_gradient() -> None:
    nodes = [
        helper.make_node("Gemm", ["x", "W", "b"], ["logits"], transB=1),
        helper.make_node("ArgMax", ["logits"], ["label"], axis=1, keepdims=0),
    ]
    proto = model(nodes, {"x": ["n", 6]}, {}, {"W": W, "b": B})
    proto.graph.output.append(helper.make_tensor_value_info("label", 7, ["n"]))
    proto.graph.output.append(helper.make_tensor_value_info("logits", 1, ["n", 5]))
    lens = Inspector(proto)
    with pytest.raises(
        TargetError,
        match=r"'label' holds int64, which has no gradient; name an element .* such as 'logits\[0\]'",
    ):
        lens.gradient(VECTORS, "label")
    # the default is not simply the first output
    np.testing.assert_allclose(lens.gradient(VECTORS), W[TOP], rtol=1e-6)


def test_without_class_scores_the_outputs_are_listed() -> None:
    proto = model([helper.make_node("Relu", ["x"], ["boxes"])], {"x": ["n", 7, 4]}, {"boxes": ["n", 7, 4]})
    lens = Inspector(proto)
    x = np.ones((2, 7, 4), np.float32)
    with pytest.raises(
        TargetError, match=r"no output is clearly one of class scores.*'boxes' float32 \(n, 7, 4\)"
    ):
        lens.gradient(x)
    expected = np.zeros((2, 7, 4))
    expected[:, 3, 2] = 1
    np.testing.assert_array_equal(lens.gradient(x, "boxes[3, 2]"), expected)


def test_a_map_of_classes_is_explained_for_the_class_that_most_pixels_predict() -> None:
    w = np.array([1.0, -1.0, 0.5], dtype=np.float32).reshape(3, 1, 1, 1)
    lens = Inspector(
        model(
            [helper.make_node("Conv", ["x", "w"], ["maps"])],
            {"x": ["n", 1, 4, 4]},
            {"maps": ["n", 3, 4, 4]},
            {"w": w},
        )
    )
    x = np.ones((2, 1, 4, 4), np.float32)
    x[1] = -1
    # one pixel shouts, the others decide
    x[0, 0, 0, 0] = -100
    np.testing.assert_array_equal(lens.gradient(x)[:, 0, 2, 2], [1, -1])
    assert lens.explain(x, "saliency").target == ("maps=0", "maps=1")
    np.testing.assert_array_equal(lens.gradient(x, 2), np.full_like(x, 0.5))
    np.testing.assert_array_equal(
        lens.gradient(x, "maps[0, 1, 2]")[0, 0], np.eye(4)[1][:, None] * np.eye(4)[2]
    )


def test_the_whole_tensor_is_addressed_without_a_batch() -> None:
    gradient = linear().gradient(VECTORS, Target("logits", index=(2, 4), batched=False))
    expected = np.zeros((4, 6))
    expected[2] = W[4]
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)
    with pytest.raises(TargetError, match="neither in a list nor in a sum"):
        linear().gradient(VECTORS, Target("logits", index=(2, 4), batched=False) + Target(label=1))


def test_a_batch_axis_that_is_not_the_first() -> None:
    nodes = [helper.make_node("Transpose", ["x"], ["scores"], perm=[1, 0])]
    lens = Inspector(model(nodes, {"x": ["n", 5]}, {"scores": [5, "n"]}))
    x = normal(3, 5)
    np.testing.assert_array_equal(lens.gradient(x, "scores[2]"), np.tile(np.eye(5)[2], (3, 1)))


def test_each_sample_of_a_batch_is_as_if_alone() -> None:
    lens = Inspector(cnn())
    x, targets = images(4), [3, None, "logits[1]", Target(label=2).log_probability()]
    together = lens.gradient(x, targets, wrt="relu")
    for number, target in enumerate(targets):
        alone = lens.gradient(x[number : number + 1], target, wrt="relu")
        np.testing.assert_allclose(together[number], alone[0], atol=1e-6)


def test_numpys_score_is_the_graphs_score() -> None:
    lens = Inspector(multi_head())
    feeds = {"image": X}
    for text in ("length", "logp(angle=1) + colour=red", "0.5*logp(colour) - angle[1:]"):
        from inspector.objectives import resolve

        objective = resolve(
            text, 4, lens.model, lens.heads(), lambda name: lens.evaluator.values(feeds, [name])[name]
        )
        tensors = lens.evaluator.values(feeds, objective.tensors)
        scored = lens.evaluator.gradients(feeds, objective, ["image"]).score
        np.testing.assert_allclose(objective.evaluate(tensors), scored, rtol=1e-5)


def test_several_tensors_at_once() -> None:
    lens = Inspector(cnn())
    x = images()
    both = lens.gradient(x, 1, wrt=["image", "relu"])
    assert list(both) == ["image", "relu"]
    np.testing.assert_allclose(both["relu"], lens.gradient(x, 1, wrt="relu"), atol=1e-7)
    np.testing.assert_allclose(both["image"], lens.gradient(x, 1), atol=1e-7)


def test_the_gradient_of_an_integer_input_is_taken_at_the_first_floating_point_tensor_after_it() -> None:
    proto = model([helper.make_node("Cast", ["x"], ["y"], to=1)], {"x": ["n", 3]}, {"y": ["n", 3]})
    proto.graph.input[0].type.tensor_type.elem_type = 2
    lens, x = Inspector(proto), np.zeros((1, 3), np.uint8)
    np.testing.assert_array_equal(lens.gradient(x, 1), [[0, 1, 0]])
    np.testing.assert_array_equal(lens.gradient(x, 1, wrt="y"), [[0, 1, 0]])


def test_a_model_without_floating_point_tensors_says_so() -> None:
    proto = model([helper.make_node("Add", ["x", "x"], ["y"])], {"x": ["n", 3]}, {"y": ["n", 3]}, dtype=7)
    with pytest.raises(TargetError, match="'y' holds int64, which has no gradient"):
        Inspector(proto).gradient(np.zeros((1, 3), np.int64), "y[0]")


def test_a_bare_list_of_labels_in_the_file_names_the_first_outputs_classes() -> None:
    lens = Inspector(cnn(metadata={"labels": [f"digit {number}" for number in range(10)]}))
    assert lens.labels["logits"][4] == "digit 4"
    assert lens.explain(images(1), target="digit 4").target == ("logits=digit 4",)


def test_the_path_to_an_operator_without_a_derivative_ends_at_the_models_own_tensor() -> None:
    nodes = [
        helper.make_node("SampleOp", ["x"], ["echo"], domain="com.microsoft"),
        helper.make_node("Flatten", ["echo"], ["y"]),
    ]
    proto = model(nodes, {"x": ["n", 3, 3]}, {"y": ["n", 9]})
    proto.opset_import.add(domain="com.microsoft", version=1)
    with pytest.raises(NotDifferentiable, match=r"x -> echo -> y") as caught:
        Inspector(proto).gradient(np.eye(3, dtype=np.float32)[None], "y[0]")
    assert "target." not in str(caught.value)
