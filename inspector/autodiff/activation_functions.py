"""The activation functions that recurrent operators name in an attribute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import onnx_ir as ir

from inspector.autodiff.tape import Tape
from inspector.errors import ModelError

__all__ = ["ActivationFunction", "activation_functions"]

ActivationFunction: TypeAlias = Callable[[Tape, ir.Value], ir.Value]

_Parametric: TypeAlias = Callable[[float, float], ActivationFunction]

_FUNCTIONS: dict[str, tuple[float | None, float | None, _Parametric]] = {
    "Relu": (None, None, lambda a, b: lambda tape, x: tape.Relu(x)),
    "Tanh": (None, None, lambda a, b: lambda tape, x: tape.Tanh(x)),
    "Sigmoid": (None, None, lambda a, b: lambda tape, x: tape.Sigmoid(x)),
    "Softsign": (None, None, lambda a, b: lambda tape, x: tape.Softsign(x)),
    "Softplus": (None, None, lambda a, b: lambda tape, x: tape.Softplus(x)),
    "Affine": (0.0, 0.0, lambda a, b: lambda tape, x: tape.Add(tape.Mul(x, a), b)),
    "LeakyRelu": (0.01, None, lambda a, b: lambda tape, x: tape.LeakyRelu(x, alpha=a)),
    "ThresholdedRelu": (0.0, None, lambda a, b: lambda tape, x: tape.ThresholdedRelu(x, alpha=a)),
    "ScaledTanh": (0.0, 0.0, lambda a, b: lambda tape, x: tape.Mul(tape.Tanh(tape.Mul(x, b)), a)),
    "HardSigmoid": (0.2, 0.5, lambda a, b: lambda tape, x: tape.HardSigmoid(x, alpha=a, beta=b)),
    "Elu": (1.0, None, lambda a, b: lambda tape, x: tape.Elu(x, alpha=a)),
}
"""Name -> default of alpha and of beta (None where the function has none), and the function of the two.

The defaults are those of onnxruntime, also where an operator of the same name has another (ThresholdedRelu).
"""

_BY_LOWER_CASE = {name.lower(): entry for name, entry in _FUNCTIONS.items()}


def activation_functions(node: ir.Node, default: Sequence[str]) -> list[ActivationFunction]:
    """The functions that `node` names, in order; each takes its alpha and beta off the lists that the node gives.

    Raises:
        ModelError: a function that the standard does not know.
    """
    names = node.attributes.get_strings("activations", None) or default
    alphas = iter(node.attributes.get_floats("activation_alpha", ()))
    betas = iter(node.attributes.get_floats("activation_beta", ()))
    functions: list[ActivationFunction] = []
    for name in names:
        if name.lower() not in _BY_LOWER_CASE:
            raise ModelError(
                f"node {node.name!r} names the activation function {name!r}; the standard knows {', '.join(_FUNCTIONS)}"
            )
        alpha, beta, function = _BY_LOWER_CASE[name.lower()]
        a = 0.0 if alpha is None else next(alphas, alpha)
        b = 0.0 if beta is None else next(betas, beta)
        functions.append(function(a, b))
    return functions
