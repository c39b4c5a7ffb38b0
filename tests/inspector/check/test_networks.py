from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, parser

from inspector import Inspector
from inspector.autodiff import RULES, vjp
from inspector.autodiff.table import RuleTable
from inspector.check import GradientCheck, Problem, check_problem
from inspector.model import Model
from inspector.objectives import SCORE, Objective, TermKey, append_objective
from tests.inspector.check.problems import model, normal

Array = NDArray[Any]

NETWORK = """
    conv = Conv<kernel_shape=[3, 3]>(image, k, kb) relu = Relu(conv)
    batch_norm = BatchNormalization(relu, s, b, m, v)
    max_pool = MaxPool<kernel_shape=[2, 2], strides=[2, 2]>(batch_norm) flat = Flatten(max_pool)
    hidden = Gemm<transB=1>(flat, d, db) active = Relu(hidden) logits = Gemm<transB=1>(active, e, eb)
"""
TAPS = ["image", "conv", "relu", "batch_norm", "max_pool", "logits"]
"""Conv, ReLU, batch normalisation, max pooling and two dense layers: Section-1 in small."""


def weights() -> dict[str, Array]:
    return {
        "k": normal(4, 2, 3, 3, seed=1), "kb": normal(4, seed=2), "s": 1 + normal(4, seed=3) / 4,
        "b": normal(4, seed=4), "m": normal(4, seed=5), "v": np.exp(normal(4, seed=6)),
        "d": normal(20, 64, seed=7) / 8, "db": normal(20, seed=8), "e": normal(5, 20, seed=9), "eb": normal(5, seed=10),
    }  # fmt: skip


def network(batch: str = "N", opset: int = 18) -> Model:
    return Model(model(f"float[{batch},2,10,10] image => float[{batch},5] logits", NETWORK, weights(), opset))


def logit(
    classes: Sequence[int], tensor: str = "logits", transform: Any = "raw", weight: float = 1.0
) -> Objective:
    index = np.array(classes, np.int64)[:, None]
    ones = np.ones(index.shape, np.float32)
    return Objective((TermKey(tensor, transform),), (index,), (ones,), (weight * ones,))


def check_gradient(
    model: Model, objective: Objective, image: Array, wrt: str, rules: RuleTable = RULES
) -> GradientCheck:
    graph = ir.to_proto(vjp(append_objective(model.normalised, objective.keys), [SCORE], [wrt], rules))
    feeds = {"image": image}
    return check_problem(
        Problem(
            model=model.proto,
            tensor=wrt,
            outputs=objective.tensors,
            score=objective.evaluate,
            feeds=feeds,
            gradient=graph,
            gradient_feeds={**feeds, **objective.feeds(), f"cotangent.{SCORE}": np.ones(1, np.float32)},
        )
    )


def picture() -> Array:
    """A plain background with a line: equal values in nearly every maximum."""
    image = np.zeros((1, 2, 10, 10), np.float32)
    image[0, 0, 4:6, 2:8] = 1
    return image


@pytest.mark.parametrize("wrt", TAPS)
def test_every_layer_passes_on_a_picture_with_a_plain_background(wrt: str) -> None:
    check = check_gradient(network(), logit([2]), picture(), wrt)
    assert check.passed, check
    assert check.max_relative_error < 1e-7
    assert check.float32_error < 1e-5
    assert check.kinks <= 1


@pytest.mark.parametrize("wrt", TAPS)
def test_every_layer_passes_on_noise(wrt: str) -> None:
    check = check_gradient(network(), logit([2]), normal(1, 2, 10, 10), wrt)
    assert check.passed, check


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 17])
def test_files_of_old_opsets_are_checked_as_loaded(opset: int) -> None:
    check = check_gradient(network(opset=opset), logit([2]), normal(1, 2, 10, 10), "conv")
    assert check.passed, check


@pytest.mark.parametrize("transform", ["log-softmax", "log-sigmoid"])
def test_log_probabilities(transform: str) -> None:
    check = check_gradient(network(), logit([2], transform=transform), normal(1, 2, 10, 10), "image")
    assert check.passed, check


def through(tape: Any, node: Any, cotangents: Any) -> Any:
    return [cotangents[0]]


def scaled(tape: Any, node: Any, cotangents: Any) -> Any:
    (right, *rest) = RULES["", node.op_type](tape, node, cotangents)
    return [tape.Mul(right, 1.001), *rest]


def nothing(tape: Any, node: Any, cotangents: Any) -> Any:
    return [None for _ in node.inputs]


def guided(tape: Any, node: Any, cotangents: Any) -> Any:
    (right,) = RULES["", "Relu"](tape, node, cotangents)
    return [tape.Relu(right)]


OPERATORS = ("Conv", "Relu", "BatchNormalization", "MaxPool", "Flatten", "Gemm")
WRONG = [*((name, scaled) for name in OPERATORS), ("Relu", through), ("Relu", guided), ("Relu", nothing)]


@pytest.mark.parametrize("image", [picture(), normal(1, 2, 10, 10)], ids=["plain background", "noise"])
@pytest.mark.parametrize(("name", "wrong"), WRONG)
def test_a_planted_wrong_rule_fails(name: str, wrong: Any, image: Array) -> None:
    rules = RULES.override(**{name: wrong})
    check = check_gradient(network(), logit([2]), image, "image", rules)
    assert check.verdict == "failed", check


def test_several_outputs() -> None:
    first, second = logit([2], transform="log-softmax"), logit([3], "hidden", weight=-0.5)
    both = Objective(
        first.keys + second.keys,
        first.index + second.index,
        first.sign + second.sign,
        first.weight + second.weight,
    )
    check = check_gradient(network(), both, normal(1, 2, 10, 10), "image")
    assert check.passed, check


def test_each_sample_is_checked_by_itself() -> None:
    images = np.concatenate([normal(1, 2, 10, 10), picture()])
    check = Inspector(network().proto).check(images, target=[2, 3], wrt="relu")
    assert check.passed, check
    assert check.samples == 2
    assert check.directions >= 24


def test_a_file_with_a_fixed_batch() -> None:
    check = Inspector(network(batch="3").proto).check(normal(2, 2, 10, 10), target=[1, 2], wrt="relu")
    assert check.passed, check
    assert check.samples == 2


def test_a_tensor_beside_the_path_is_vacuous() -> None:
    beside = model(
        "float[N,4] x => float[N,4] y, float[N,4] aside", "a = Mul(x, x) aside = Neg(a) y = Exp(a)"
    )
    check = Inspector(beside).check(normal(1, 4), target="y[1]", wrt="aside")
    assert check.verdict == "vacuous"


def test_a_tensor_inside_a_function() -> None:
    lens = Inspector(function_model())
    inside = next(node.outputs[0].name for node in lens.model.graph.graph if node.op_type == "Tanh")
    for wrt in (inside, "x"):
        assert lens.check(normal(1, 3), target="y[0]", wrt=wrt).passed


def function_model() -> ModelProto:
    return parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 18, "local" : 1]> g (float[N,3] x) => (float[N,3] y) {
            z = Mul(x, x) y = local.bend(z)
        }
        <domain: "local", opset_import: ["" : 18]> bend (v) => (w) { t = Tanh(v) w = Mul(t, v) }"""
    )
