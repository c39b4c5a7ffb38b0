"""Activation functions, with a bias added first or not; and by name, as other fused operators end in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import onnx_ir as ir

from inspector.autodiff.lowering.scope import Scope
from inspector.autodiff.tape import Operand, Tape

__all__ = ["LOWERINGS", "activate", "erf_gelu", "known_activation", "tanh_gelu"]


def erf_gelu(tape: Tape, x: Operand) -> ir.Value:
    """The product x * Phi(x) (Hendrycks & Gimpel, Gaussian Error Linear Units)."""
    bend = tape.Erf(tape.Mul(x, 1 / math.sqrt(2)))
    return tape.Mul(tape.Mul(x, 0.5), tape.Add(bend, 1))


def tanh_gelu(tape: Tape, x: Operand) -> ir.Value:
    """Its approximation by tanh (same paper, section 2)."""
    cube = tape.Mul(tape.Mul(x, x), x)
    bend = tape.Tanh(tape.Mul(tape.Add(x, tape.Mul(cube, 0.044715)), math.sqrt(2 / math.pi)))
    return tape.Mul(tape.Mul(x, 0.5), tape.Add(bend, 1))


def sigmoid_times(tape: Tape, x: Operand, alpha: float = 1.0) -> ir.Value:
    """The product x * sigmoid(alpha x): SiLU, QuickGelu."""
    return tape.Mul(x, tape.Sigmoid(x if alpha == 1 else tape.Mul(x, alpha)))


def gelu(scope: Scope, node: ir.Node) -> list[Operand]:
    """The Gaussian error linear unit, x * Phi(x)."""
    (x,) = node.inputs
    return [erf_gelu(scope, x)]


def fast_gelu(scope: Scope, node: ir.Node) -> list[Operand]:
    """Its approximation by tanh, of the sum with a bias where one is given."""
    x, bias = (*node.inputs, None)[:2]
    return [tanh_gelu(scope, _biased(scope, x, bias))]


def bias_gelu(scope: Scope, node: ir.Node) -> list[Operand]:
    """Gelu of the sum with a bias."""
    x, bias = node.inputs
    return [erf_gelu(scope, _biased(scope, x, bias))]


def quick_gelu(scope: Scope, node: ir.Node) -> list[Operand]:
    """The product x * sigmoid(alpha x)."""
    (x,) = node.inputs
    return [sigmoid_times(scope, x, node.attributes.get_float("alpha", 1.702))]


def bias_split_gelu(scope: Scope, node: ir.Node) -> list[Operand]:
    """The first half of the channels times Gelu of the second."""
    x, bias = node.inputs
    left, right = scope.op("Split", _biased(scope, x, bias), outputs=2, axis=-1, num_outputs=2)
    return [scope.Mul(left, erf_gelu(scope, right))]


def bias_softmax(scope: Scope, node: ir.Node) -> list[Operand]:
    """Softmax over the axes from `axis` on, taken together, of the sum."""
    x, bias = node.inputs
    total = scope.Add(x, bias)
    axis = node.attributes.get_int("axis", 1)
    if axis in (-1, scope.rank(x) - 1):
        return [scope.Softmax(total, axis=-1)]
    flat = scope.Flatten(total, axis=axis)
    return [scope.reshape_like(scope.Softmax(flat, axis=-1), x)]


def bias_dropout(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """The sum: nothing is dropped when a model is used."""
    x, bias, residual = (*node.inputs, None, None)[:3]
    if len(node.outputs) > 1 and node.outputs[1].uses():
        return None
    return [scope.Add(scope.Add(x, bias), residual) if residual else scope.Add(x, bias), None][
        : len(node.outputs)
    ]


def bias_add(scope: Scope, node: ir.Node) -> list[Operand]:
    """The sum of all three."""
    x, bias, skip = node.inputs
    return [scope.Add(scope.Add(x, bias), skip)]


def _biased(tape: Tape, x: Operand, bias: Operand) -> Operand:
    return x if bias is None else tape.Add(x, bias)


# --- by name ------------------------------------------------------------------------------------------------

_PLAIN = ("HardSwish", "Mish", "Relu", "Sigmoid", "Softplus", "Softsign", "Tanh")
_BY_PARAMETERS: dict[str, tuple[tuple[str, float], ...]] = {
    "Celu": (("alpha", 1.0),),
    "Elu": (("alpha", 1.0),),
    "HardSigmoid": (("alpha", 0.2), ("beta", 0.5)),
    "LeakyRelu": (("alpha", 0.01),),
    "Selu": (("alpha", 1.6732632), ("gamma", 1.0507010)),
    "ThresholdedRelu": (("alpha", 1.0),),
}
"""Operators of the standard with the attributes that fused operators give in order."""

_OTHERS: dict[str, Callable[[Tape, Operand], ir.Value]] = {
    "Gelu": erf_gelu,
    "QuickGelu": lambda tape, x: sigmoid_times(tape, x, 1.702),
    "Silu": sigmoid_times,
    "Swish": sigmoid_times,
}


def known_activation(name: str) -> bool:
    """Whether `activate` knows it; "" is none."""
    return name in ("", "Clip", "ScaledTanh") or name in _PLAIN or name in _BY_PARAMETERS or name in _OTHERS


def activate(tape: Tape, x: ir.Value, name: str, parameters: Sequence[float] = ()) -> ir.Value:
    """The activation `name` of `x`, its parameters in the order that the standard lists them."""
    if name == "":
        return x
    if name == "Clip":
        low, high = (*parameters, float("inf"))[:2] if parameters else (-float("inf"), float("inf"))
        return tape.Clip(x, low, high)
    if name == "ScaledTanh":
        alpha, beta = (*parameters, 1.0, 1.0)[:2]
        return tape.Mul(tape.Tanh(tape.Mul(x, beta)), alpha)
    if name in _OTHERS:
        return _OTHERS[name](tape, x)
    attributes: dict[str, Any] = {
        key: parameters[place] if place < len(parameters) else default
        for place, (key, default) in enumerate(_BY_PARAMETERS.get(name, ()))
    }
    return tape.op(name, x, **attributes)[0]


LOWERINGS = {
    ("com.microsoft", "BiasAdd"): bias_add,
    ("com.microsoft", "BiasDropout"): bias_dropout,
    ("com.microsoft", "BiasGelu"): bias_gelu,
    ("com.microsoft", "BiasSoftmax"): bias_softmax,
    ("com.microsoft", "BiasSplitGelu"): bias_split_gelu,
    ("com.microsoft", "FastGelu"): fast_gelu,
    ("com.microsoft", "Gelu"): gelu,
    ("com.microsoft", "QuickGelu"): quick_gelu,
}
