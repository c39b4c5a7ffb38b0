"""Small detectors, segmenters and text readers with random weights, built by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper

from tests.inspector.graphs import Weights, model, normal

__all__ = ["beside_boxes", "columns", "grids", "levels", "mask", "rows", "segmenter", "selected", "sequence"]

Node = onnx.NodeProto
# of the two levels of a detector, on images of 32 x 32
SIDES = (4, 2)


def backbone(weights: Weights) -> list[Node]:
    """Maps of 4 x 4 (`coarse`) and 2 x 2 (`coarser`) with eight channels, each behind a ReLU."""
    weights["stem.w"], weights["next.w"] = (
        normal(8, 3, 8, 8, scale=0.1),
        normal(8, 8, 2, 2, seed=1, scale=0.3),
    )
    return [
        helper.make_node("Conv", ["image", "stem.w"], ["stem"], strides=[8, 8]),
        helper.make_node("Relu", ["stem"], ["coarse"]),
        helper.make_node("Conv", ["coarse", "next.w"], ["next"], strides=[2, 2]),
        helper.make_node("Relu", ["next"], ["coarser"]),
    ]


def head(weights: Weights, name: str, source: str, width: int, final: str | None = None) -> list[Node]:
    """(batch, places, width) of a map: a convolution of 3 x 3 with a ReLU, one of 1 x 1, folded to a list."""
    seed = sum(map(ord, name))
    weights[f"{name}.tower.w"] = normal(8, 8, 3, 3, seed=seed, scale=0.2)
    weights[f"{name}.w"] = normal(width, 8, 1, 1, seed=seed + 1, scale=0.3)
    weights["list"] = np.array([0, width, -1]).astype(np.int64)  # type: ignore[assignment]
    weights[f"{name}.list"] = np.array([0, width, -1]).astype(np.int64)  # type: ignore[assignment]
    nodes = [
        helper.make_node("Conv", [source, f"{name}.tower.w"], [f"{name}.tower"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", [f"{name}.tower"], [f"{name}.relu"]),
        helper.make_node("Conv", [f"{name}.relu", f"{name}.w"], [f"{name}.map"]),
    ]
    last = f"{name}.map"
    if final:
        nodes.append(helper.make_node(final, [last], [f"{name}.final"]))
        last = f"{name}.final"
    nodes.append(helper.make_node("Reshape", [last, f"{name}.list"], [f"{name}.flat"]))
    nodes.append(helper.make_node("Transpose", [f"{name}.flat"], [name], perm=[0, 2, 1]))
    return nodes


def columns(metadata: dict[str, str] | None = None) -> onnx.ModelProto:
    """A box is a column (4 numbers, 3 class scores) without objectness, as YOLOv8 writes them: (batch, 7, 20)."""
    weights: Weights = {}
    nodes = backbone(weights)
    for level, source in enumerate(("coarse", "coarser")):
        nodes += head(weights, f"box{level}", source, 4) + head(
            weights, f"class{level}", source, 3, "Sigmoid"
        )
        parts = [f"box{level}", f"class{level}"]
        nodes.append(helper.make_node("Concat", parts, [f"level{level}"], axis=2))
    nodes.append(helper.make_node("Concat", ["level0", "level1"], ["boxes"], axis=1))
    nodes.append(helper.make_node("Transpose", ["boxes"], ["output0"], perm=[0, 2, 1]))
    proto = model(nodes, {"image": ["n", 3, 32, 32]}, {"output0": ["n", 7, 20]}, weights)
    for key, value in (metadata or {}).items():
        proto.metadata_props.add(key=key, value=value)
    return proto


def rows() -> onnx.ModelProto:
    """A box is a row (4 numbers, objectness, 3 class scores), as YOLOv5 writes them: (batch, 20, 8)."""
    weights: Weights = {}
    nodes = backbone(weights)
    for level, source in enumerate(("coarse", "coarser")):
        nodes += head(weights, f"level{level}", source, 8, "Sigmoid")
    nodes.append(helper.make_node("Concat", ["level0", "level1"], ["output"], axis=1))
    return model(nodes, {"image": ["n", 3, 32, 32]}, {"output": ["n", 20, 8]}, weights)


GRIDS = {
    "channels": (24, None),
    "channels last": (24, [0, 2, 3, 1]),
    "anchors": (24, [0, 1, 3, 4, 2]),
    "anchors after places": (24, [0, 3, 4, 1, 2]),
    "numbers before places": (24, [0, 1, 2, 3, 4]),
}


def grids(form: str, final: str | None = None, open_sides: bool = False, shrink: int = 2) -> onnx.ModelProto:
    """Cells of 16 and of 32 pixels, 3 anchors each with 4 numbers, objectness and 3 class scores; images of 64 x 64.

    With a larger `shrink` images and cells are larger.
    """
    width, order = GRIDS[form]
    weights: Weights = {"split": np.array([0, 3, 8, 4, 4]), "split.coarser": np.array([0, 3, 8, 2, 2])}
    weights["down.w"] = normal(3, 3, shrink, shrink, seed=4, scale=0.5)
    nodes = [helper.make_node("Conv", ["image", "down.w"], ["half"], strides=[shrink, shrink])]
    found = backbone(weights)
    found[0].input[0] = "half"
    nodes += found
    outputs: dict[str, Sequence[int | str | None]] = {}
    for level, source in enumerate(("coarse", "coarser")):
        side: int | str = f"side{level}" if open_sides else SIDES[level]
        name = f"level{level}"
        shape: list[int | str] = ["n", width, side, side]
        weights[f"{name}.w"] = normal(width, 8, 1, 1, seed=level, scale=0.6)
        nodes.append(helper.make_node("Conv", [source, f"{name}.w"], [f"{name}.map"]))
        last = f"{name}.map"
        if order is not None and len(order) == 5:
            split = "split" if level == 0 else "split.coarser"
            nodes.append(helper.make_node("Reshape", [last, split], [f"{name}.split"]))
            last, shape = f"{name}.split", ["n", 3, 8, side, side]
        if order is not None:
            nodes.append(helper.make_node("Transpose", [last], [f"{name}.moved"], perm=order))
            last, shape = f"{name}.moved", [shape[axis] for axis in order]
        nodes.append(helper.make_node(final or "Identity", [last], [name]))
        outputs[name] = shape
    sides: list[int | str] = ["high", "wide"] if open_sides else [32 * shrink] * 2
    return model(nodes, {"image": ["n", 3, *sides]}, outputs, weights)


def levels() -> onnx.ModelProto:
    """Class scores and box distances of each level in outputs of their own, as PicoDet writes them."""
    weights: Weights = {}
    nodes = backbone(weights)
    outputs: dict[str, Sequence[int | str | None]] = {}
    for kind, width, final in (("dist", 32, None), ("class", 3, "Sigmoid")):
        for level, source in enumerate(("coarse", "coarser")):
            nodes += head(weights, f"{kind}{level}", source, width, final)
            outputs[f"{kind}{level}"] = ["n", SIDES[level] ** 2, width]
    return model(nodes, {"image": ["n", 3, 32, 32]}, outputs, weights)


def beside_boxes(background: int | None = None) -> onnx.ModelProto:
    """Boxes (batch, 16, 4) and logits (batch, 16, 4); `background` is the class that nearly every box is of."""
    weights: Weights = {}
    nodes = (
        backbone(weights) + head(weights, "pred_boxes", "coarse", 4) + head(weights, "scores", "coarse", 4)
    )
    bias = np.zeros(4, np.float32)
    if background is not None:
        bias[background] = 60
    weights["bias"] = bias
    nodes.append(helper.make_node("Add", ["scores", "bias"], ["logits"]))
    outputs = {"pred_boxes": ["n", 16, 4], "logits": ["n", 16, 4]}
    return model(nodes, {"image": ["n", 3, 32, 32]}, outputs, weights)


def selected() -> onnx.ModelProto:
    """The boxes that non-maximum suppression leaves and their scores, without a batch axis."""
    weights: Weights = {}
    nodes = backbone(weights)
    nodes += head(weights, "all_boxes", "coarse", 4) + head(weights, "all_scores", "coarse", 1, "Sigmoid")
    numbers = {"one": [1], "most": [5], "zero": [0], "two": [2], "three": [3]}
    weights.update({name: np.array(value) for name, value in numbers.items()})
    weights["overlap"], weights["least"] = np.array([0.5], np.float32), np.array([0.2], np.float32)
    nodes += [
        helper.make_node("Transpose", ["all_scores"], ["by_class"], perm=[0, 2, 1]),
        helper.make_node(
            "NonMaxSuppression", ["all_boxes", "by_class", "most", "overlap", "least"], ["kept"]
        ),
        helper.make_node("Slice", ["kept", "two", "three", "one"], ["column"]),
        helper.make_node("Squeeze", ["column", "one"], ["numbers"]),
        helper.make_node("Squeeze", ["all_boxes", "zero"], ["flat_boxes"]),
        helper.make_node("Gather", ["flat_boxes", "numbers"], ["boxes"]),
        helper.make_node("Squeeze", ["by_class"], ["flat_scores"]),
        helper.make_node("Gather", ["flat_scores", "numbers"], ["scores"]),
    ]
    return model(nodes, {"image": [1, 3, 32, 32]}, {"boxes": ["k", 4], "scores": ["k"]}, weights)


def segmenter(classes: int = 3, final: str | None = None) -> onnx.ModelProto:
    """A U-Net of one step: down to 2 x 2 by two convolutions, up again, joined with 4 x 4, up to the image's size."""
    weights: Weights = {
        "deep.w": normal(8, 8, 3, 3, seed=7, scale=1),
        "join.w": normal(8, 16, 3, 3, seed=8, scale=1),
    }
    weights["score.w"] = normal(classes, 8, 1, 1, seed=9, scale=1)
    weights["twice"], weights["eightfold"] = (np.array([1, 1, k, k], np.float32) for k in (2, 8))
    nodes = backbone(weights)
    nodes += [
        helper.make_node("Conv", ["coarser", "deep.w"], ["deep"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["deep"], ["bottleneck"]),
        helper.make_node("Resize", ["bottleneck", "", "twice"], ["up"], mode="nearest"),
        helper.make_node("Concat", ["up", "coarse"], ["both"], axis=1),
        helper.make_node("Conv", ["both", "join.w"], ["joined"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["joined"], ["decoded"]),
        helper.make_node("Conv", ["decoded", "score.w"], ["scores"]),
        helper.make_node("Resize", ["scores", "", "eightfold"], ["map"], mode="linear"),
    ]
    output = "map"
    if final:
        output = "mask"
        nodes.append(helper.make_node(final, ["map"], [output]))
    return model(nodes, {"image": ["n", 3, 32, 32]}, {output: ["n", classes, 32, 32]}, weights)


def mask() -> onnx.ModelProto:
    return segmenter(1, "Sigmoid")


def sequence() -> onnx.ModelProto:
    """A text reader: columns of the image, (batch, 4, 6) class scores."""
    weights: Weights = {"fc.w": normal(8, 6, seed=5, scale=1), "pooled.axes": np.array([2])}
    nodes = [
        *backbone(weights),
        helper.make_node("ReduceMean", ["coarse", "pooled.axes"], ["columns"], keepdims=0),
        helper.make_node("Transpose", ["columns"], ["steps"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["steps", "fc.w"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["characters"], axis=2),
    ]
    return model(nodes, {"image": ["n", 3, 32, 32]}, {"characters": ["n", 4, 6]}, weights)
