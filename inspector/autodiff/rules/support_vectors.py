"""Support vector machines of ai.onnx.ml: weighted sums of kernels between an input and the support vectors.

Kernels as in Chang & Lin, LIBSVM: a library for support vector machines (2011), section 2.
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from inspector.autodiff.tape import Operand, Pullback, Tape, Values
from inspector.errors import NotDifferentiable


def svm_regressor(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """A machine of one class writes 1 or -1, whose derivative is zero."""
    (g,) = cotangents
    _refuse_transform(node)
    if node.attributes.get_int("one_class", 0):
        return [None]
    coefficients = _floats(node, "coefficients")
    supports = node.attributes.get_int("n_supports", 0)
    if not supports:
        return [tape.MatMul(g, _constant(tape, g, coefficients.reshape(1, -1)))]
    return [_through_kernel(tape, node, g, coefficients.reshape(1, supports))]


def svm_classifier(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of the decision values, one per pair of classes (of two classes: with both signs); the label is an index."""
    g = cotangents[1]
    if g is None:
        return [None]
    if node.attributes.get_floats("prob_a", []):
        raise NotDifferentiable(
            f"no derivative for operator ai.onnx.ml.SVMClassifier (node {node.name!r}) with probabilities: the runtime "
            "finds them by an iteration of its own; convert the model with its decision values"
        )
    _refuse_transform(node)
    counts = list(node.attributes.get_ints("vectors_per_class", []) or [])
    weights = _floats(node, "coefficients")
    classes = len(
        node.attributes.get_ints("classlabels_ints", [])
        or node.attributes.get_strings("classlabels_strings", [])
        or [0]
    )
    if not sum(counts):
        return [tape.MatMul(g, _constant(tape, g, weights.reshape(classes, -1)))]
    pairs = _pairs(weights.reshape(-1, sum(counts)), counts)
    if len(pairs) == 1:
        pairs = np.concatenate([-pairs, pairs])
    return [_through_kernel(tape, node, g, pairs)]


def _pairs(weights: NDArray[np.float32], counts: list[int]) -> NDArray[np.float32]:
    """The weight of every support vector in the decision between each two classes: those of other classes have none."""
    places = np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1])
    rows = []
    for first in range(len(counts)):
        for second in range(first + 1, len(counts)):
            row = np.zeros(sum(counts), dtype=np.float32)
            row[places[first]] = weights[second - 1, places[first]]
            row[places[second]] = weights[first, places[second]]
            rows.append(row)
    return np.stack(rows)


def _through_kernel(tape: Tape, node: ir.Node, g: Operand, weights: NDArray[np.float32]) -> ir.Value:
    """From the scores (rows, scores), weighted sums of kernels, to what the kernels read."""
    (x,) = node.inputs
    vectors = _floats(node, "support_vectors").reshape(weights.shape[1], -1)
    gamma, offset, degree = node.attributes.get_floats("kernel_params", []) or (0.0, 0.0, 0.0)
    kind = node.attributes.get_string("kernel_type", "LINEAR")
    x, rows = tape.cast_like(x, g), _constant(tape, g, vectors)
    gk = tape.MatMul(g, _constant(tape, g, weights))
    if kind == "RBF":
        difference = tape.Sub(tape.Unsqueeze(x, [1]), rows)
        kernel = tape.Exp(tape.Mul(tape.ReduceSumSquare(difference, [-1], keepdims=0), -gamma))
        slope = tape.Mul(tape.Mul(gk, kernel), -2 * gamma)
        return tape.ReduceSum(tape.Mul(tape.Unsqueeze(slope, [-1]), difference), [1], keepdims=0)
    if kind == "LINEAR":
        return tape.MatMul(gk, rows)
    inner = tape.Add(tape.Mul(tape.MatMul(x, tape.Transpose(rows, perm=[1, 0])), gamma), offset)
    if kind == "POLY":
        slope = tape.Mul(tape.Pow(inner, degree - 1), gamma * degree)
    else:
        curve = tape.Tanh(inner)
        slope = tape.Mul(tape.Sub(1, tape.Mul(curve, curve)), gamma)
    return tape.MatMul(tape.Mul(gk, slope), rows)


def _refuse_transform(node: ir.Node) -> None:
    kind = node.attributes.get_string("post_transform", "NONE")
    if kind != "NONE":
        raise NotDifferentiable(
            f"no derivative for operator ai.onnx.ml.{node.op_type} (node {node.name!r}) with post_transform={kind}: "
            "only NONE has a rule; choose post_transform=NONE in the conversion"
        )


def _floats(node: ir.Node, name: str) -> NDArray[np.float32]:
    return np.array(node.attributes[name].as_floats(), dtype=np.float32)


def _constant(tape: Tape, like: Operand, array: NDArray[np.float32]) -> ir.Value:
    return tape.cast_like(tape.constant(array), like)


RULES: dict[str, Pullback] = {
    "SVMClassifier": svm_classifier,
    "SVMRegressor": svm_regressor,
}
