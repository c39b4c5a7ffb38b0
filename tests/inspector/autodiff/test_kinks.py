"""What a rule gives where there is no derivative: kinks, ties and poles. One row per choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from inspector.autodiff import vjp

from .case import Array, Case, Fixed
from .truth import Evaluator

ONE_HOT_FIRST = [[[[1.0, 0.0], [0.0, 0.0]]]]
NAN = float("nan")
TWICE = Fixed(np.array([0, 0, 1, 2]))
ROWS_TWICE = Fixed(np.array([[0], [0], [1], [2]]))
# -3 and 3 between their neighbours in float32
AROUND = np.array([np.nextafter(np.float32(at), np.float32(to)) for at in (-3, 3) for to in (-9, at, 9)])
UPDATES = Fixed(np.array([1.0, 1.0, 2.0, 3.0]))


def row(op: str, x: Any, expected: Any, *more: Array | Fixed, **attributes: Any) -> tuple[Case, Array]:
    return Case(op, [np.array(x, dtype=float), *more], attributes), np.array(expected, dtype=float)


ROWS = [
    # at a kink: the flatter side, or where both slopes count, as the frameworks have it
    row("Relu", [0.0, -0.0], [0, 0]),
    row("LeakyRelu", [0.0], [0.25], alpha=0.25),
    row("PRelu", [0.0], [0.5], Fixed(np.array([0.5]))),
    row("Elu", [0.0], [1]),
    row("Elu", [0.0], [0.5], alpha=0.5),
    row("ThresholdedRelu", [1.0], [0]),
    row("HardSigmoid", [-2.0, 2.0], [0, 0], alpha=0.25, beta=0.5),
    row("HardSwish", [-3.0, 3.0], [0, 1]),
    row("HardSwish", AROUND.reshape(1, 1, 2, 3), [[[[0, 0, -0.5], [1.5, 1, 1]]]]),
    row("Abs", [0.0], [0]),
    row("Clip", [0.0, 6.0, 7.0], [1, 1, 0], Fixed(np.array(0.0)), Fixed(np.array(6.0))),
    # ties: shared equally, except in max pooling, where the first wins
    row("Max", [1.0, 2.0], [0.5, 1], Fixed(np.array([1.0, 1.0]))),
    row("Min", [1.0, 2.0], [0.5, 0], Fixed(np.array([1.0, 1.0]))),
    row("ReduceMax", [[1.0, 1.0, 0.0]], [[0.5, 0.5, 0]]),
    row("ReduceMin", [[1.0, 0.0, 0.0]], [[0, 0.5, 0.5]]),
    # (two updates and what was there; an update and what was there; an update that is larger)
    row("ScatterElements", [1.0, 2.0, 0.0], [1 / 3, 1 / 2, 0], TWICE, UPDATES, reduction="max"),
    row("ScatterElements", [1.0, 2.0, 4.0], [1 / 3, 1 / 2, 0], TWICE, UPDATES, reduction="min"),
    row("ScatterND", [1.0, 2.0, 0.0], [1 / 3, 1 / 2, 0], ROWS_TWICE, UPDATES, reduction="max"),
    row("ScatterND", [1.0, 2.0, 4.0], [1 / 3, 1 / 2, 0], ROWS_TWICE, UPDATES, reduction="min"),
    row("Unique", [2.0, 1.0, 2.0, 3.0], [0.5, 1, 0.5, 1]),
    row("Unique", [[1.0, 0.0], [2.0, 3.0], [1.0, 0.0]], [[0.5, 0.5], [1, 1], [0.5, 0.5]], axis=0),
    row("GlobalMaxPool", [[[[3.0, 3.0], [3.0, 3.0]]]], np.full((1, 1, 2, 2), 0.25)),
    row("MaxPool", np.zeros((1, 1, 2, 2)), ONE_HOT_FIRST, kernel_shape=[2, 2]),
    row("MaxPool", np.zeros((1, 1, 3)), [[[1, 1, 0]]], kernel_shape=[2]),
    # where a formula divides by zero and the derivative is finite
    row("Pow", [0.0, 3.0], [0, 6], Fixed(np.array(2.0))),
    row("Pow", [0.0, 2.0], [1, 1], Fixed(np.array(1.0))),
    row("Pow", [0.0, 2.0], [0, 0], Fixed(np.array(0.0))),
    row("ReduceProd", [[2.0, 0.0, 3.0]], [[0, 6, 0]]),
    row("ReduceProd", [[2.0, 0.0, 0.0]], [[0, 0, 0]]),
    row("ReduceL2", [[0.0, 0.0]], [[0, 0]]),
    row("ReduceL1", [[0.0, -2.0]], [[0, -1]]),
    row("GlobalLpPool", np.zeros((1, 1, 2)), np.zeros((1, 1, 2)), p=2),
    row("LpNormalization", [[0.0, 0.0]], [[0, 0]]),
    # far from zero, where an exponential overflows float32
    row("Elu", [1000.0, -1000.0], [1, 0]),
    row("Selu", [1000.0, -1000.0], [1, 0], alpha=2.0, gamma=1.0),
    row("Celu", [1000.0, -1000.0], [1, 0]),
    row("Softplus", [1000.0, -1000.0], [1, 0]),
    row("Sigmoid", [1000.0, -1000.0], [0, 0]),
    row("Mish", [1000.0, -1000.0], [1, 0]),
    row("ReduceLogSumExp", [1000.0, 0.0], [1, 0]),
    row("Softmax", [1000.0, 0.0], [0, 0]),
    # where there is none, infinity and NaN say so
    row("Log", [0.0], [np.inf]),
    row("Sqrt", [0.0], [np.inf]),
    # what is not a number in the cotangent's way stays where it is
    row("Relu", [NAN, 1.0], [0, 1]),
]


@pytest.mark.parametrize(
    ("case", "expected"), ROWS, ids=[f"{case.name}-{i}" for i, (case, _) in enumerate(ROWS)]
)
def test_at_the_kink(case: Case, expected: Array) -> None:
    model = case.model()
    with_gradient = vjp(model, ["y0"], ["x0"])
    (y,) = _session(model).run(["y0"], case.feeds)
    seed = {"cotangent.y0": np.ones_like(y)}
    (single,) = _session(with_gradient).run(["gradient.x0"], {**case.feeds, **seed})
    np.testing.assert_allclose(single, expected, rtol=1e-6)
    with np.errstate(all="ignore"):
        wide = {name: value.astype(float) for name, value in {**case.feeds_in_double, **seed}.items()}
        (double,) = Evaluator(with_gradient).run(["gradient.x0"], wide)
    np.testing.assert_allclose(double, expected, rtol=1e-6)


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
