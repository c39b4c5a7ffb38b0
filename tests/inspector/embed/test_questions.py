"""Which targets a file can hold: those that are the same question of every input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector, Target
from inspector.embed import find_question
from inspector.embed.question import describe
from inspector.errors import LayerNotFound, TargetError
from tests.inspector.embed.running import agrees
from tests.inspector.graphs import cnn, images, model, multi_head, normal


def segmenter(sides: tuple[int | str, int | str] = (12, 12)) -> Inspector:
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["maps"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["maps"], ["relu"]),
        helper.make_node("Conv", ["relu", "second"], ["scores"]),
    ]
    weights = {"first": normal(6, 3, 3, 3), "second": normal(4, 6, 1, 1)}
    return Inspector(model(nodes, {"image": ["batch", 3, *sides]}, {"scores": ["batch", 4, *sides]}, weights))


def detector() -> Inspector:
    """Boxes and scores of 36 places."""
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["maps"], strides=[2, 2]),
        helper.make_node("Relu", ["maps"], ["relu"]),
        helper.make_node("Conv", ["relu", "corners"], ["corner_maps"]),
        helper.make_node("Conv", ["relu", "classes"], ["class_maps"]),
        helper.make_node("Reshape", ["corner_maps", "four"], ["corner_rows"]),
        helper.make_node("Reshape", ["class_maps", "three"], ["class_rows"]),
        helper.make_node("Transpose", ["corner_rows"], ["boxes"], perm=[0, 2, 1]),
        helper.make_node("Transpose", ["class_rows"], ["moved"], perm=[0, 2, 1]),
        helper.make_node("Sigmoid", ["moved"], ["scores"]),
    ]
    weights = {
        "first": normal(6, 3, 3, 3), "corners": normal(4, 6, 1, 1), "classes": normal(3, 6, 1, 1),
        "four": np.array([0, 4, -1]), "three": np.array([0, 3, -1]),
    }  # fmt: skip
    shapes = {"boxes": ["batch", 36, 4], "scores": ["batch", 36, 3]}
    return Inspector(model(nodes, {"image": ["batch", 3, 13, 13]}, shapes, weights))


def test_in_words() -> None:
    lens = Inspector(multi_head())

    def words(target: Target | str | None) -> str:
        return describe(find_question(target, lens.model, lens.heads(), "logit", False))

    assert words(None) == "top class of length"
    assert words("angle=30°") == "angle=30°"
    assert words(Target("angle")) == "top class of angle"


@pytest.mark.parametrize(
    ("lens", "kind"), [(detector(), "a detector"), (segmenter(), "class scores of every place")]
)
def test_a_default_that_depends_on_the_input_is_refused(lens: Inspector, kind: str, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=f"taken for {kind}.*name a target"):
        lens.embed(tmp_path / "explained.onnx")


def test_a_box_and_a_place_that_are_named(tmp_path: Path) -> None:
    agrees(detector(), tmp_path / "explained.onnx", {"image": images(2, 13)}, target="scores[7, 1]")
    agrees(segmenter(), tmp_path / "explained.onnx", {"image": images(2, 12)}, target="scores[2]")
    agrees(segmenter(), tmp_path / "explained.onnx", {"image": images(2, 12)}, target=Target(label=3))


def test_elements_that_the_size_moves_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"'scores'.*depends on the input or its size"):
        segmenter(("h", "w")).embed(tmp_path / "explained.onnx", target="scores[2]")
    with pytest.raises(TargetError, match=r"'scores'.*depends on the input or its size"):
        segmenter().embed(tmp_path / "explained.onnx", target=Target("scores"))


def test_targets_sample_by_sample_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="one target, not a list"):
        Inspector(cnn()).embed(tmp_path / "explained.onnx", target=[1, 2, 3])


@pytest.mark.parametrize("target", [3, "logits[2]", Target(label=1) + Target()])
def test_a_class_input_needs_a_class_left_open(target: int | str | Target, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"a class input asks for a class of one output.*leaves none open"):
        Inspector(cnn()).embed(tmp_path / "explained.onnx", class_input=True, target=target)


@pytest.mark.parametrize("shape", [["batch"], ["batch", 1]])
def test_one_number_per_picture(shape: list[str | int], tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["image", "weight"], ["maps"]),
        helper.make_node("Relu", ["maps"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["pooled"]),
        helper.make_node("Reshape", ["pooled", "shape"], ["flat"]),
        helper.make_node("Sub", ["flat", "middle"], ["score"]),
    ]
    weights = {
        "weight": normal(1, 3, 3, 3, scale=1), "middle": np.float32([1.8]), "shape": np.array([-1, *shape[1:]]),
    }  # fmt: skip
    lens = Inspector(model(nodes, {"image": ["batch", 3, 8, 8]}, {"score": shape}, weights))
    x = images(4, 8)
    scores = lens.run(x)["score"]
    assert scores.min() < 0 < scores.max()
    agrees(lens, tmp_path / "explained.onnx", {"image": x})
    agrees(lens, tmp_path / "explained.onnx", {"image": x}, "saliency", classes=[0, 1, 1, 0])


def test_a_layer_without_a_part_in_the_target(tmp_path: Path) -> None:
    with pytest.raises(LayerNotFound, match="has no part in the target"):
        Inspector(cnn()).embed(tmp_path / "explained.onnx", layer="relu", target="conv[0, 1, 1]")
