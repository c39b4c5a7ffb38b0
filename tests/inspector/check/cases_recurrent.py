"""LSTM, GRU and RNN in double precision beside onnxruntime: all attributes but `layout`, which it does not run."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import Case

STEPS, BATCH, INPUT, HIDDEN = 5, 3, 4, 2
FUNCTIONS = ("Relu", "Affine", "LeakyRelu", "ThresholdedRelu", "HardSigmoid", "Elu", "Softsign", "Softplus")


def cell(op: str, directions: int = 1, lengths: list[int] | None = None, **attributes: Any) -> Case:
    gates, states = {"LSTM": (4, 2), "GRU": (3, 1), "RNN": (1, 1)}[op]
    random = np.random.default_rng(2)

    def small(*shape: int) -> np.ndarray[Any, Any]:
        return (random.standard_normal(shape) / 2).astype(np.float32)

    if directions == 2:
        attributes["direction"] = "bidirectional"
    inputs = [
        small(STEPS, BATCH, INPUT),
        small(directions, gates * HIDDEN, INPUT),
        small(directions, gates * HIDDEN, HIDDEN),
        small(directions, 2 * gates * HIDDEN),
        np.array(lengths or [STEPS] * BATCH, np.int32),
        *(small(directions, BATCH, HIDDEN) for _ in range(states)),
    ]
    if op == "LSTM":
        inputs.append(small(directions, 3 * HIDDEN))
    return Case(op, tuple(inputs), {"hidden_size": HIDDEN, **attributes}, opset=14, outputs=1 + states)


RECURRENT = [
    *(
        cell(op, **options)
        for op in ("LSTM", "GRU", "RNN")
        for options in (
            {},
            {"direction": "reverse"},
            {"directions": 2},
            {"lengths": [2, 5, 3]},
            {"lengths": [4, 1, 5], "direction": "reverse"},
            {"lengths": [4, 1, 5], "directions": 2},
            {"clip": 0.2},
        )
    ),
    cell("LSTM", input_forget=1),
    cell("GRU", linear_before_reset=1),
    cell("GRU", directions=2, linear_before_reset=1, clip=0.3),
    *(cell("RNN", activations=[function]) for function in FUNCTIONS),
    *(
        cell("RNN", activations=[function], activation_alpha=[0.7], activation_beta=[0.3])
        for function in FUNCTIONS
    ),
    # numbers are taken off the lists by those functions that have any
    cell(
        "LSTM",
        activations=["HardSigmoid", "Tanh", "LeakyRelu"],
        activation_alpha=[0.3, 0.1],
        activation_beta=[0.4],
    ),
    cell("GRU", activations=["Softsign", "Elu"], activation_alpha=[0.6]),
]
