"""Arithmetic and activation functions."""

from __future__ import annotations

import numpy as np

from .case import Array, Case, Fixed, away_from, distinct, normal, other, uniform


def apart(*shape: int) -> Array:
    """Numbers that are good to divide by."""
    return away_from([0], *shape, margin=0.5)


CASES = (
    # one input
    *(
        Case(op, [normal(2, 3)])
        for op in ("Atan", "Cos", "Cosh", "Exp", "Identity", "Neg", "Sin", "Sinh", "Asinh")
    ),
    *(Case(op, [normal(2, 3)]) for op in ("Erf", "Sigmoid", "Softplus", "Tanh", "Mish")),
    *(Case(op, [away_from([0], 2, 3)]) for op in ("Abs", "Relu", "Softsign")),
    *(Case(op, [uniform(0.5, 3, 2, 3)]) for op in ("Log", "Sqrt")),
    *(Case(op, [uniform(-0.8, 0.8, 2, 3)]) for op in ("Acos", "Asin", "Atanh", "Tan")),
    Case("Reciprocal", [away_from([0], 2, 3, margin=0.5)]),
    Case("Acosh", [uniform(1.5, 3, 2, 3)]),
    Case("Relu", [away_from([0], 4, 5)]),
    Case("Relu", [np.array(1.5)]),
    Case("LeakyRelu", [away_from([0], 2, 3)]),
    Case("LeakyRelu", [away_from([0], 2, 3)], {"alpha": 0.3}),
    Case("LeakyRelu", [away_from([0], 2, 3)], {"alpha": -0.3}),
    Case("LeakyRelu", [away_from([0], 2, 3)], {"alpha": 0.0}),
    Case("PRelu", [away_from([0], 2, 3), other(3)]),
    Case("PRelu", [away_from([0], 2, 3, 4), other(3, 1)]),
    Case("PRelu", [away_from([0], 2, 3, 4), other(1)]),
    Case("PRelu", [away_from([0], 2, 3, 4), other(2, 3, 4)]),
    Case("Elu", [away_from([0], 2, 3)]),
    Case("Elu", [away_from([0], 2, 3)], {"alpha": 0.3}),
    Case("Elu", [away_from([0], 2, 3)], {"alpha": -0.3}),
    Case("Celu", [away_from([0], 2, 3)]),
    Case("Celu", [away_from([0], 2, 3)], {"alpha": 2.0}),
    Case("Selu", [away_from([0], 2, 3)]),
    Case("Selu", [away_from([0], 2, 3)], {"alpha": 1.5, "gamma": 0.7}),
    Case("Gelu", [normal(2, 3)], opset=20),
    Case("Gelu", [normal(2, 3)], {"approximate": "tanh"}, opset=20),
    Case("Swish", [normal(2, 3)], opset=24, newest=24),
    Case("Swish", [normal(2, 3)], {"alpha": 1.7}, opset=24, newest=24),
    Case("HardSigmoid", [away_from([-2.5, 2.5], 4, 5)]),
    Case("HardSigmoid", [away_from([-2, 3], 4, 5)], {"alpha": 0.2, "beta": 0.4}),
    Case("HardSwish", [away_from([-3, 3], 4, 5)]),
    Case("ThresholdedRelu", [away_from([1], 4, 5)]),
    Case("ThresholdedRelu", [away_from([-0.5], 4, 5)], {"alpha": -0.5}),
    Case("Shrink", [away_from([-0.5, 0.5], 4, 5)]),
    Case("Shrink", [away_from([-1, 1], 4, 5)], {"lambd": 1.0, "bias": 0.3}),
    Case("Softmax", [normal(2, 3, 4)]),
    Case("Softmax", [normal(2, 3, 4)], {"axis": 1}),
    Case("Softmax", [normal(2, 3, 4)], {"axis": 0}),
    Case("LogSoftmax", [normal(2, 3, 4)]),
    Case("LogSoftmax", [normal(2, 3, 4)], {"axis": -2}),
    Case("Cast", [normal(2, 3)], {"to": 1}),
    Case("CastLike", [normal(2, 3), Fixed(np.zeros(1))]),
    # clipping, with every choice of bounds
    Case("Clip", [normal(4, 5)]),
    Case("Clip", [away_from([-0.5, 1], 4, 5), np.array(-0.5), np.array(1.0)]),
    Case("Clip", [away_from([-0.5], 4, 5), np.array(-0.5)]),
    Case("Clip", [away_from([1], 4, 5), None, np.array(1.0)]),
    Case("Clip", [away_from([0, 6], 4, 5), Fixed(np.array(0.0)), Fixed(np.array(6.0))]),
    Case("Clip", [away_from([-0.5, 1], 4, 5), np.array(1.0), np.array(-0.5)], note="crossed"),
    # two inputs, with every way of broadcasting
    *(
        Case(op, inputs)
        for op in ("Add", "Sub", "Mul", "Div")
        for inputs in (
            [normal(2, 3), apart(2, 3)],
            [normal(2, 3), apart(3)],
            [normal(3), apart(2, 3)],
            [normal(2, 1, 4), apart(3, 1)],
            [np.array(1.25), apart(2, 3)],
            [normal(1, 1), apart(1)],
        )
    ),
    Case("Mul", [normal(2, 3, 1, 4), other(3, 5, 1)]),
    Case("Pow", [uniform(0.5, 2, 2, 3), normal(2, 3)]),
    Case("Pow", [uniform(0.5, 2, 2, 3), normal(3)]),
    Case("Pow", [normal(2, 3), Fixed(np.array(2.0))]),
    Case("Pow", [normal(2, 3), Fixed(np.array(3, dtype=np.int64))], note="integer"),
    Case("Pow", [normal(2, 3), Fixed(np.array(0.0))]),
    Case("Pow", [normal(2, 3), Fixed(np.array(1.0))]),
    Case("Pow", [uniform(0.5, 2, 2, 3), Fixed(np.array([0.5, -1.0, 2.5]))]),
    Case("Mod", [away_from([-2, 0, 2], 2, 3), Fixed(np.array(2.0))], {"fmod": 1}),
    # any number of inputs
    *(
        Case(op, inputs)
        for op in ("Sum", "Mean", "Max", "Min")
        for inputs in (
            [distinct(2, 3)],
            [distinct(2, 3), normal(3)],
            [distinct(4, 2, 3), normal(3), distinct(2, 1)],
        )
    ),
    # choices
    Case("Where", [Fixed(np.array([[True, False, True]])), normal(2, 3), other(2, 3)]),
    Case("Where", [np.array([[True], [False]]), normal(2, 3), other(3)]),
    Case("Where", [np.array([True, False, True]), normal(2, 1), np.array(0.5)]),
    Case("Dropout", [normal(2, 3)]),
    Case("Dropout", [normal(2, 3), Fixed(np.array(0.3))]),
    Case("Dropout", [normal(2, 3), Fixed(np.array(0.3)), Fixed(np.array(False))], outputs=2),
    Case("Dropout", [normal(2, 3), Fixed(np.array(0.3)), np.array(False)]),
    Case("Dropout", [normal(2, 3), Fixed(np.array(0.3)), np.array(False)], outputs=2),
)
