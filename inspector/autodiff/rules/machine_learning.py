"""The operators of ai.onnx.ml through which a derivative travels: what scikit-learn's converters write.

Weights are attributes there. A result is float32 whatever the input is, so rules compute in the dtype of the cotangent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from inspector.autodiff.rules.activations import through_softmax
from inspector.autodiff.rules.normalization import through_norm
from inspector.autodiff.tape import Operand, Pullback, Tape, Values
from inspector.errors import NotDifferentiable


def scaler(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of (x - offset) * scale."""
    (g,) = cotangents
    return [tape.Mul(g, _constant(tape, g, node.attributes.get_floats("scale", [1.0])))]


def normalizer(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Each row over its norm, as it is where that is zero; `MAX` is the largest element, not the largest magnitude."""
    (g,), (x,), (y,) = cotangents, node.inputs, node.outputs
    x, axis = tape.cast_like(x, g), [-1]
    kind = node.attributes.get_string("norm", "MAX")
    if kind == "MAX":
        norm = tape.ReduceMax(x, axis, keepdims=1)
        largest = tape.cast_like(tape.Equal(x, norm), g)
        direction = tape.Div(largest, tape.ReduceSum(largest, axis, keepdims=1))
    elif kind == "L1":
        norm, direction = tape.ReduceL1(x, axis, keepdims=1), tape.Sign(x)
    else:
        norm, direction = tape.ReduceL2(x, axis, keepdims=1), y
    return [through_norm(tape, g, y, norm, direction, at_origin=g)]


def linear_regressor(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), (y,) = cotangents, node.outputs
    rows = node.attributes.get_int("targets", 1)
    return [_through_weights(tape, node, _through_transform(tape, node, g, y), rows)]


def linear_classifier(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of the scores; the label is an index. One row of weights for two classes scores the second (s, or its logistic),
    and the first gets 1 - s, as in onnxruntime.
    """
    g, scores = cotangents[1], node.outputs[1]
    names = node.attributes.get_ints("classlabels_ints") or node.attributes.get_strings("classlabels_strings")
    classes = len(names or [])
    rows = len(node.attributes.get_floats("intercepts", [])) or classes
    if (rows, classes) == (1, 2):
        first, second = tape.op("Split", g, axis=-1, num_outputs=2, outputs=2)
        through: Operand = tape.Sub(second, first)
        if node.attributes.get_string("post_transform", "NONE") != "SOFTMAX":
            # (which onnxruntime leaves out here)
            score = tape.Slice(scores, [1], [2], [1])
            through = _through_transform(tape, node, through, score)
        return [_through_weights(tape, node, through, rows)]
    if rows != classes:
        raise NotDifferentiable(
            f"no derivative for operator ai.onnx.ml.LinearClassifier (node {node.name!r}) with {rows} rows of weights "
            f"for {classes} classes: runtimes differ about the score of the one left out; convert with one row each"
        )
    return [_through_weights(tape, node, _through_transform(tape, node, g, scores), rows)]


def _through_transform(tape: Tape, node: ir.Node, g: Operand, y: Operand) -> Operand:
    kind = node.attributes.get_string("post_transform", "NONE")
    if kind == "NONE":
        return g
    if kind == "LOGISTIC":
        return tape.Mul(g, tape.Mul(y, tape.Sub(1, y)))
    if kind == "SOFTMAX":
        return through_softmax(tape, g, y, -1)
    raise NotDifferentiable(
        f"no derivative for operator ai.onnx.ml.{node.op_type} (node {node.name!r}) with post_transform={kind}: only "
        "NONE, LOGISTIC and SOFTMAX have a rule; choose post_transform=NONE in the conversion"
    )


def _through_weights(tape: Tape, node: ir.Node, g: Operand, rows: int) -> ir.Value:
    weights = np.array(node.attributes["coefficients"].as_floats(), dtype=np.float32)
    features = tape.size(node.inputs[0], -1)
    if isinstance(features, int):
        # a file may hold more than the input has columns for: the runtime reads on from row to row
        weights = weights[: rows * features]
    weights = weights.reshape(rows, -1)
    return tape.MatMul(g, tape.cast_like(tape.constant(weights), g))


def imputer(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """What was replaced gets nothing."""
    (g,), (x,) = cotangents, node.inputs
    missing = node.attributes.get_float("replaced_value_float", 0.0)
    replaced = tape.IsNaN(x) if np.isnan(missing) else tape.Equal(x, missing)
    return [tape.Where(replaced, 0, g)]


def feature_vectorizer(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """The inputs side by side."""
    (g,) = cotangents
    widths = list(node.attributes["inputdimensions"].as_ints())
    return tape.op("Split", g, widths, axis=-1, outputs=len(widths)) if len(widths) > 1 else [g]


def array_feature_extractor(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Elements of the last axis, picked by index."""
    (g,), (x, places) = cotangents, node.inputs
    rank = tape.rank(x)
    rows = tape.Reshape(g, [*tape.sizes(x)[:-1], -1])
    moved = tape.Transpose(rows, perm=[rank - 1, *range(rank - 1)])
    zeros = tape.zeros(tape.ints([tape.size(x, -1), *tape.sizes(x)[:-1]]), moved)
    index = tape.Reshape(tape.cast(places, ir.DataType.INT64), [-1, 1])
    summed = tape.ScatterND(zeros, index, moved, reduction="add")
    return [tape.Transpose(summed, perm=[*range(1, rank), 0]), None]


def _constant(tape: Tape, like: Operand, numbers: Sequence[float]) -> ir.Value:
    return tape.cast_like(tape.constant(np.array(numbers, dtype=np.float32)), like)


RULES: dict[str, Pullback] = {
    "ArrayFeatureExtractor": array_feature_extractor,
    "FeatureVectorizer": feature_vectorizer,
    "Imputer": imputer,
    "LinearClassifier": linear_classifier,
    "LinearRegressor": linear_regressor,
    "Normalizer": normalizer,
    "Scaler": scaler,
}
