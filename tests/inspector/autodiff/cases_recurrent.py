"""LSTM, GRU and RNN: every attribute, every input that may be left out, every output."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Array, Case, Fixed, normal

STEPS, BATCH, INPUT, HIDDEN = 4, 2, 3, 2
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
OUTPUTS = {"LSTM": 3, "GRU": 2, "RNN": 2}


def small(*shape: int) -> Array:
    """Numbers for which no gate is saturated."""
    return (normal(*shape) * 0.5).astype(np.float32).astype(np.float64)


def cell(
    op: str,
    *,
    directions: int = 1,
    lengths: list[int] | None = None,
    initial: bool = True,
    bias: bool = True,
    peepholes: bool = False,
    outputs: int | None = None,
    runtime: bool = True,
    **attributes: Any,
) -> Case:
    gates = GATES[op] * HIDDEN
    first, second = (BATCH, STEPS) if attributes.get("layout") else (STEPS, BATCH)
    state = (BATCH, directions, HIDDEN) if attributes.get("layout") else (directions, BATCH, HIDDEN)
    if directions == 2:
        attributes["direction"] = "bidirectional"
    inputs: list[Array | Fixed | None] = [
        small(first, second, INPUT),
        small(directions, gates, INPUT),
        small(directions, gates, HIDDEN),
        small(directions, 2 * gates) if bias else None,
        None if lengths is None else np.array(lengths, np.int32),
        small(*state) if initial else None,
    ]
    if op == "LSTM":
        inputs += [-small(*state) if initial else None, small(directions, 3 * HIDDEN) if peepholes else None]
    while inputs[-1] is None:
        inputs.pop()
    attributes["hidden_size"] = HIDDEN
    return Case(op, inputs, attributes, OUTPUTS[op] if outputs is None else outputs, runtime=runtime)


EVERY: tuple[dict[str, Any], ...] = (
    {},
    {"outputs": 1, "initial": False, "bias": False},
    {"direction": "reverse"},
    {"directions": 2},
    {"lengths": [2, 4]},
    {"lengths": [3, 1], "direction": "reverse"},
    {"lengths": [3, 4], "directions": 2, "initial": False},
    {"clip": 0.4},
    {"layout": 1, "runtime": False},
    {"layout": 1, "directions": 2, "runtime": False},
)

ACTIVATIONS: tuple[dict[str, Any], ...] = (
    {
        "activations": ["Softsign", "HardSigmoid", "ScaledTanh"],
        "activation_alpha": [0.3, 1.2],
        "activation_beta": [0.4, 0.7],
    },
    {
        "activations": ["LeakyRelu", "Elu", "Affine"],
        "activation_alpha": [0.2, 0.9, 1.5],
        "activation_beta": [0.1],
    },
    {"activations": ["Softplus", "ThresholdedRelu", "Relu"], "activation_alpha": [0.1]},
    {"activations": ["HardSigmoid", "LeakyRelu", "Elu"]},
)


def named(op: str, functions: dict[str, Any]) -> dict[str, Any]:
    """The first functions, as many as the operator names."""
    return {**functions, "activations": functions["activations"][: {"LSTM": 3, "GRU": 2, "RNN": 1}[op]]}


CASES = (
    *(cell(op, **options) for op in GATES for options in EVERY),
    *(cell(op, **named(op, functions)) for op in GATES for functions in ACTIVATIONS),
    cell("LSTM", peepholes=True),
    cell("LSTM", peepholes=True, directions=2, lengths=[4, 2], clip=0.55, input_forget=1),
    cell("LSTM", input_forget=1),
    cell(
        "LSTM",
        directions=2,
        activations=["Sigmoid", "Tanh", "Softsign", "HardSigmoid", "ScaledTanh", "Elu"],
        activation_alpha=[0.25, 0.8, 0.9],
        activation_beta=[0.45, 1.1],
    ),
    cell("GRU", linear_before_reset=1),
    cell("GRU", linear_before_reset=1, directions=2, lengths=[2, 3], clip=0.3),
    cell("GRU", linear_before_reset=1, bias=False),
)
