"""Targets found in each sample, against NumPy on the outputs and gradients written down by hand or taken by torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from onnx import helper

from inspector import Inspector, Target
from inspector.errors import TargetError
from inspector.objectives import parse_target
from inspector.objectives.resolve import AnyTargets
from tests.inspector.graphs import images, model, multi_head, normal
from tests.inspector.objectives.detectors import columns, levels, rows, selected

W, B = normal(5, 6, scale=1), normal(5, seed=1)
VECTORS = normal(4, 6, seed=5, scale=1)
LOGITS = VECTORS @ W.T + B
ORDER = np.argsort(-LOGITS, axis=1)
PICTURES = images(2, size=32)


@pytest.fixture(scope="module")
def classes() -> Inspector:
    """W x + b: the gradient of class k is row k of W."""
    node = helper.make_node("Gemm", ["x", "W", "b"], ["logits"], transB=1)
    labels = ["cat", "dog", "tabby, tabby cat", "top", "rose"]
    return Inspector(model([node], {"x": ["n", 6]}, {"logits": ["n", 5]}, {"W": W, "b": B}), labels=labels)


@pytest.fixture(scope="module")
def maps() -> Inspector:
    """Three class maps, each a multiple of the picture."""
    weights = np.array([1.0, -1.0, 0.5], dtype=np.float32).reshape(3, 1, 1, 1)
    node = helper.make_node("Conv", ["x", "w"], ["maps"])
    graph = model([node], {"x": ["n", 1, 4, 6]}, {"maps": ["n", 3, 4, 6]}, {"w": weights})
    return Inspector(graph, labels=["sky", "sea", "boat"])


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("top[0]", W[ORDER[:, 0]]),
        ("top[1]", W[ORDER[:, 1]]),
        ("top[4]", W[ORDER[:, 4]]),
        ("top(1)", W[ORDER[:, 0]]),
        ("top(3)", W[ORDER[:, :3]].sum(axis=1)),
        ("logits=top(2)", W[ORDER[:, :2]].sum(axis=1)),
        (Target.top(3), W[ORDER[:, :3]].sum(axis=1)),
        (Target.top(3) / 3, W[ORDER[:, :3]].mean(axis=1)),
        (Target.ranked(2, "logits"), W[ORDER[:, 2]]),
        (Target.contrast("cat", "dog"), np.tile(W[0] - W[1], (4, 1))),
        (Target.contrast(4, Target.top()), W[4] - W[ORDER[:, 0]]),
        ("cat - dog", np.tile(W[0] - W[1], (4, 1))),
        (Target.top() - Target.ranked(1), W[ORDER[:, 0]] - W[ORDER[:, 1]]),
        ("top[1] - 2*top[2] + 0.5*rose", W[ORDER[:, 1]] - 2 * W[ORDER[:, 2]] + 0.5 * W[4]),
        (["top[1]", 2, None, "top(2)"],
         [W[ORDER[0, 1]], W[2], W[ORDER[2, 0]], W[ORDER[3, :2]].sum(axis=0)]),
    ],
)  # fmt: skip
def test_ranks_are_each_sample_s_own(classes: Inspector, target: AnyTargets, expected: Any) -> None:
    np.testing.assert_allclose(classes.gradient(VECTORS, target), expected, rtol=1e-5, atol=1e-6)


def test_a_label_called_top_comes_first(classes: Inspector) -> None:
    np.testing.assert_allclose(classes.gradient(VECTORS, "top"), np.tile(W[3], (4, 1)), rtol=1e-6)


def test_log_probability_of_the_second_best_class_is_torch_s(classes: Inspector) -> None:
    x = torch.tensor(VECTORS, requires_grad=True)
    logp = torch.log_softmax(x @ torch.tensor(W).T + torch.tensor(B), dim=1)
    logp.topk(2, dim=1).values[:, 1].sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(classes.gradient(VECTORS, "logp(top[1])"), x.grad.numpy(), atol=1e-6)


def test_ranks_are_named(classes: Inspector) -> None:
    names = classes.labels["logits"]
    found = classes.explain(VECTORS, "saliency", target="top[1]")
    assert found.target == tuple(f"logits={names[order[1]]}" for order in ORDER)
    np.testing.assert_allclose(found.score, np.take_along_axis(LOGITS, ORDER, axis=1)[:, 1], rtol=1e-5)
    found = classes.explain(VECTORS[:1], "saliency", target=Target.top() - 0.5 * Target.ranked(1))
    assert found.target == (f"logits={names[ORDER[0, 0]]} - 0.5*logits={names[ORDER[0, 1]]}",)


def test_ranks_share_one_compiled_graph(classes: Inspector) -> None:
    for target in ("cat", "top[1]", "top[3]"):
        classes.gradient(VECTORS, target)
    compiled = len(classes.evaluator._graphs)
    for target in ("dog", "top[2]", "top[4]", "top(3)"):
        classes.gradient(VECTORS, target)
    assert len(classes.evaluator._graphs) == compiled


def test_the_second_best_class_of_one_neuron_is_the_other_side() -> None:
    lens, x = Inspector(multi_head()), images(4, size=8)
    np.testing.assert_array_equal(lens.gradient(x, "length=top[1]"), -lens.gradient(x, "length"))
    with pytest.raises(TargetError, match=r"top\[2\] of sample 0: 'length' has 2 classes"):
        lens.gradient(x, "length=top[2]")


def test_ranks_of_a_map_go_by_its_places(maps: Inspector) -> None:
    x = np.ones((1, 1, 4, 6), np.float32)
    x[0, 0, 0] = -1
    # class 0 (1 * x) is predicted in three rows, class 1 (-1 * x) in one, class 2 (0.5 * x) nowhere
    np.testing.assert_array_equal(maps.gradient(x, "maps=top[1]"), np.full_like(x, -1))
    with pytest.raises(TargetError, match="only 2 of the 3 classes of 'maps' are predicted anywhere"):
        maps.gradient(x, "top[2]")


MASK = np.zeros((4, 6), dtype=bool)
MASK[1, 2] = MASK[3, 5] = True


@pytest.mark.parametrize(
    ("target", "weight", "inside"),
    [
        ("region(boat, 1:3, 2:5)", 0.5, np.s_[1:3, 2:5]),
        ("region(maps=sea, :2, 5:)", -1.0, np.s_[:2, 5:]),
        ("region(2, 1:3, 2:5)", 0.5, np.s_[1:3, 2:5]),
        ("2*region(boat, :, 0:1)", 1.0, np.s_[:, 0:1]),
        (Target.region("boat", (slice(1, 3), slice(2, 5))), 0.5, np.s_[1:3, 2:5]),
        (Target.region(1, MASK), -1.0, MASK),
        (Target.region("sky", MASK, "maps"), 1.0, MASK),
    ],
)
def test_a_region_is_a_sum_over_its_places(
    maps: Inspector, target: AnyTargets, weight: float, inside: Any
) -> None:
    expected = np.zeros((4, 6))
    expected[inside] = weight
    x = normal(2, 1, 4, 6)
    np.testing.assert_allclose(maps.gradient(x, target), np.tile(expected, (2, 1, 1, 1)))


def test_a_region_without_a_class_has_its_own(maps: Inspector) -> None:
    x = np.ones((2, 1, 4, 6), np.float32)
    x[1, 0, 1:3] = -1
    # the region lies in the two negative rows of the second picture, which most of its places do not
    found = maps.explain(x, "saliency", target="region(top, 1:3, 0:2)")
    assert found.target == ("region(maps=sky, 1:3, 0:2)", "region(maps=sea, 1:3, 0:2)")
    np.testing.assert_allclose(found.score, [4, 4])
    assert maps.explain(x, "saliency", target="region(1:3, 0:2)").target == found.target
    masked = maps.explain(x[:1], "saliency", target=Target.region("boat", MASK))
    assert masked.target == ("region(maps=boat, mask of 2 places)",)


def test_a_region_of_a_mask_needs_no_class() -> None:
    node = helper.make_node("Mul", ["x", "two"], ["mask"])
    lens = Inspector(model([node], {"x": ["n", 1, 4, 6]}, {"mask": ["n", 1, 4, 6]}, {"two": np.float32([2])}))
    expected = np.zeros((1, 1, 4, 6))
    expected[..., 1:3, 2:4] = 2
    x = normal(1, 1, 4, 6)
    np.testing.assert_array_equal(lens.gradient(x, "region(mask, 1:3, 2:4)"), expected)


def test_contrast_of_regions_and_their_log_probabilities(maps: Inspector) -> None:
    x = normal(2, 1, 4, 6)
    one, other = Target.region("sky", MASK), Target.region("boat", (slice(0, 2), slice(0, 2)))
    together = maps.gradient(x, one.log_probability() - 0.5 * other)
    z = torch.tensor(x, requires_grad=True)
    values = z * torch.tensor([1.0, -1.0, 0.5]).reshape(3, 1, 1)
    score = torch.log_softmax(values, dim=1)[:, 0][:, torch.tensor(MASK)].sum()
    (score - 0.5 * values[:, 2, :2, :2].sum()).backward()  # type: ignore[no-untyped-call]
    assert z.grad is not None
    np.testing.assert_allclose(together, z.grad.numpy(), atol=1e-6)


def boxes_in_columns() -> tuple[Inspector, NDArray[Any]]:
    """A detector, and the scores (batch, boxes, classes) that its columns hold, below four numbers of each box."""
    lens = Inspector(columns())
    (output,) = lens.run(PICTURES).values()
    return lens, output[:, 4:].transpose(0, 2, 1)


def test_a_box_by_its_number_and_class() -> None:
    lens, scores = boxes_in_columns()
    (name,) = lens.run(PICTURES)
    number = scores[:, 7].argmax(axis=1)
    found = lens.explain(PICTURES, "saliency", target="box(7)")
    np.testing.assert_allclose(found.score, scores[[0, 1], 7, number], rtol=1e-5)
    assert found.target == tuple(f"{name}: box 7, class {one}" for one in number)
    element = Target(name, index=(4 + 2, 7))
    np.testing.assert_array_equal(lens.gradient(PICTURES, "box(7, 2)"), lens.gradient(PICTURES, element))
    both = Target.box(7, 2) - 0.5 * Target.box(3, 0)
    expected = element - 0.5 * Target(name, index=(4 + 0, 3))
    np.testing.assert_allclose(lens.gradient(PICTURES, both), lens.gradient(PICTURES, expected), atol=1e-6)


def test_the_best_box_of_a_class() -> None:
    lens, scores = boxes_in_columns()
    for number in range(scores.shape[2]):
        found = lens.explain(PICTURES, "saliency", target=Target.box(label=number))
        np.testing.assert_allclose(found.score, scores[:, :, number].max(axis=1), rtol=1e-5)
    best = lens.explain(PICTURES, "saliency", target="box()")
    assert best.target == lens.explain(PICTURES, "saliency").target
    np.testing.assert_allclose(best.score, scores.max(axis=(1, 2)), rtol=1e-5)


def test_boxes_are_counted_on_from_level_to_level() -> None:
    lens = Inspector(levels())
    outputs = lens.run(PICTURES[:1])
    # where each box number leads to, in the words of the explanation, is the place that has its score
    for box in (0, 15, 16, 19):
        found = lens.explain(PICTURES[:1], "saliency", target=Target.box(box))
        name, _, rest = found.target[0].partition(": box ")
        place, _, label = rest.partition(", class ")
        np.testing.assert_allclose(found.score[0], outputs[name][0, int(place), int(label)], rtol=1e-5)
        assert int(place) == (box if box < 16 else box - 16)


def test_boxes_with_objectness_are_ranked_by_their_joint_score() -> None:
    lens = Inspector(rows())
    (output,) = lens.run(PICTURES).values()
    joint = output[..., 4:5] * output[..., 5:]
    for number in range(joint.shape[2]):
        best = joint[..., number].argmax(axis=1)
        found = lens.explain(PICTURES, "saliency", target=Target.box(label=number)).target
        assert [text.split(": box ")[1] for text in found] == [f"{box}, class {number}" for box in best]


def test_boxes_already_selected_come_without_classes() -> None:
    lens = Inspector(selected())
    with pytest.raises(TargetError, match=r"come without classes: ask for one by number, box\(0\)"):
        lens.gradient(PICTURES[:1], "box(cat)")


def test_the_value_of_a_regression() -> None:
    weights = {"w": normal(1, 6, scale=1)}
    node = helper.make_node("Gemm", ["x", "w"], ["age"], transB=1)
    lens = Inspector(model([node], {"x": ["n", 6]}, {"age": ["n", 1]}, weights))
    x = np.concatenate([VECTORS, -VECTORS])
    for target in ("value", "value(age)", Target.value()):
        np.testing.assert_allclose(lens.gradient(x, target), np.tile(weights["w"], (8, 1)), rtol=1e-6)
    # without it, the side that each sample falls on is explained
    assert (lens.gradient(x)[:4] == -lens.gradient(x)[4:]).all()
    assert lens.explain(x, "saliency", target="value").target == ("age",) * 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("top[1]", Target.ranked(1)),
        ("top(2)", Target.top(2)),
        ("colour=top[1]", Target.ranked(1, "colour")),
        ("value(length)", Target.value("length")),
        ("box(17)", Target.box(17)),
        ("box(red)", Target.box(label="red")),
        ("box(17, red)", Target.box(17, "red")),
        ("region(colour=red, 1:2, :)", Target.region("red", (slice(1, 2), slice(None)), "colour")),
    ],
)
def test_the_language(text: str, expected: object) -> None:
    lens = Inspector(multi_head())
    parsed = parse_target(text, lens.heads(), lens.model)
    assert parsed == expected
    if isinstance(parsed, Target):
        assert str(parsed) == text


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("top[5]", r"top\[5\] of sample 0: 'logits' has 5 classes"),
        ("top(9)", r"top\[5\] of sample 0: 'logits' has 5 classes"),
        ("top(0)", "at least one class"),
        ("logp(top(2))", "takes one class"),
        ("region(cat, 1:2)", r"has maps of no axes"),
        ("region(cat)", "a region is a class and a range for each axis"),
        ("region(cat - dog, 1:2)", "neither a class number"),
        ("box(3)", "asks for a detector, and the model is taken for class scores"),
        ("value", "no output has one number for each sample"),
        ("value(logits)", "not one number: name an element, such as 'logits"),
        (Target.region("bird", (slice(0, 1),)), "has maps of no axes"),
    ],
)
def test_what_the_output_does_not_have(classes: Inspector, target: AnyTargets, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        classes.gradient(VECTORS, target)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("region(boat, 1:9, 0:2)", "1:9 does not lie in 0:4; the maps are"),
        ("region(boat, 3:3, 0:2)", "3:3 does not lie in 0:4"),
        ("region(boat, 1:2)", "give a range for each of their axes"),
        ("region(bird, 1:2, 0:2)", "'bird' is neither a class number"),
        (Target.region("bird", MASK), "'maps' has no class 'bird'; its labels are sky, sea, boat"),
        (Target.region("boat", MASK.T), r"the mask is \(6, 4\), the output's own maps are \(4, 6\)"),
    ],
)
def test_regions_that_do_not_fit(maps: Inspector, target: AnyTargets, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        maps.gradient(normal(1, 1, 4, 6), target)


def test_boxes_that_are_not_there() -> None:
    lens, scores = boxes_in_columns()
    last = scores.shape[1]
    with pytest.raises(TargetError, match=rf"box {last} is out of range: .* has {last}, 0 to {last - 1}"):
        lens.gradient(PICTURES, Target.box(last))
    with pytest.raises(TargetError, match="class 3 is out of range"):
        lens.gradient(PICTURES, "box(0, 3)")
    with pytest.raises(TargetError, match="a box has no log-probability"):
        lens.gradient(PICTURES, "logp(box(0))")


@pytest.mark.parametrize("places", [np.ones((4, 6)), np.zeros((4, 6), bool), [], (slice(0, 4, 2),), "1:2"])
def test_a_region_is_slices_or_a_mask_of_booleans(places: Any) -> None:
    with pytest.raises(TargetError):
        Target.region("boat", places)


def test_a_target_has_an_index_or_a_choice() -> None:
    with pytest.raises(ValueError, match="not both"):
        Target(index=1, choice=Target.ranked(1).choice)
    with pytest.raises(ValueError, match="at least one"):
        Target.top(0)
    with pytest.raises(TargetError, match="ranks begin with 0"):
        Target.ranked(-1)
