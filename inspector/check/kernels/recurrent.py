"""LSTM, GRU and RNN, of which onnx.reference knows neither activations, clip, lengths nor coupled gates.

(ONNX operator specification, LSTM-22, GRU-22, RNN-22.) Where the standard leaves something open, as onnxruntime has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from inspector.check.kernels.call import Array, Call

__all__ = ["gru", "lstm", "rnn"]

Function = Callable[[Array], Array]
State = tuple[Array, ...]
Step = Callable[[Array, State], State]
"""(x of one step, state) -> state; the first of it is what the operator shows."""


def lstm(
    _: Call,
    x: Array,
    w: Array,
    r: Array,
    b: Array | None = None,
    lens: Array | None = None,
    h: Array | None = None,
    c: Array | None = None,
    p: Array | None = None,
    *,
    input_forget: int = 0,
    clip: float | None = None,
    **options: Any,
) -> tuple[Array, ...]:
    def step_of(way: int, functions: Sequence[Function]) -> Step:
        # (the state itself is not clipped on its way to the output)
        f, g, last = _clipped(functions[0], clip), _clipped(functions[1], clip), functions[2]
        bias = 0.0 if b is None else np.add(*np.split(b[way], 2))
        pi, po, pf = (0.0,) * 3 if p is None else np.split(p[way], 3)

        def step(x: Array, state: State) -> State:
            h, c = state
            zi, zo, zf, zc = np.split(x @ w[way].T + h @ r[way].T + bias, 4, axis=-1)
            i = f(zi + pi * c)
            forget = 1 - i if input_forget else f(zf + pf * c)
            c = forget * c + i * g(zc)
            return f(zo + po * c) * last(c), c

        return step

    return _run(step_of, ["Sigmoid", "Tanh", "Tanh"], x, r, lens, (h, c), **options)


def gru(
    _: Call,
    x: Array,
    w: Array,
    r: Array,
    b: Array | None = None,
    lens: Array | None = None,
    h: Array | None = None,
    *,
    linear_before_reset: int = 0,
    clip: float | None = None,
    **options: Any,
) -> tuple[Array, ...]:
    def step_of(way: int, functions: Sequence[Function]) -> Step:
        f, g = (_clipped(function, clip) for function in functions)
        wz, wr, wh = np.split(w[way], 3)
        rz, rr, rh = np.split(r[way], 3)
        bz, br, bh, cz, cr, ch = np.zeros(6) if b is None else np.split(b[way], 6)

        def step(x: Array, state: State) -> State:
            (h,) = state
            z = f(x @ wz.T + h @ rz.T + bz + cz)
            reset = f(x @ wr.T + h @ rr.T + br + cr)
            hidden = reset * (h @ rh.T + ch) if linear_before_reset else (reset * h) @ rh.T + ch
            return ((1 - z) * g(x @ wh.T + hidden + bh) + z * h,)

        return step

    return _run(step_of, ["Sigmoid", "Tanh"], x, r, lens, (h,), **options)


def rnn(
    _: Call,
    x: Array,
    w: Array,
    r: Array,
    b: Array | None = None,
    lens: Array | None = None,
    h: Array | None = None,
    *,
    clip: float | None = None,
    **options: Any,
) -> tuple[Array, ...]:
    def step_of(way: int, functions: Sequence[Function]) -> Step:
        f = _clipped(functions[0], clip)
        bias = 0.0 if b is None else np.add(*np.split(b[way], 2))
        return lambda x, state: (f(x @ w[way].T + state[0] @ r[way].T + bias),)

    return _run(step_of, ["Tanh"], x, r, lens, (h,), **options)


def _run(
    step_of: Callable[[int, Sequence[Function]], Step],
    default: Sequence[str],
    x: Array,
    r: Array,
    lens: Array | None,
    initial: Sequence[Array | None],
    *,
    direction: str | None = "forward",
    layout: int = 0,
    activations: Sequence[str] | None = None,
    activation_alpha: Sequence[float] | None = None,
    activation_beta: Sequence[float] | None = None,
    hidden_size: int | None = None,
) -> tuple[Array, ...]:
    if layout:
        x = x.swapaxes(0, 1)
        initial = [each if each is None else each.swapaxes(0, 1) for each in initial]
    steps, batch = x.shape[:2]
    backwards = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}[
        direction or "forward"
    ]
    functions = _functions(
        activations or [*default] * len(backwards), iter(activation_alpha or ()), iter(activation_beta or ())
    )
    lengths = np.full(batch, steps) if lens is None else lens
    shown = np.zeros((steps, len(backwards), batch, r.shape[-1]), x.dtype)
    ends = [np.zeros((len(backwards), batch, r.shape[-1]), x.dtype) for _ in initial]
    for way, reverse in enumerate(backwards):
        step = step_of(way, list(islice(functions, len(default))))
        for row, length in enumerate(lengths):
            state: State = tuple(
                np.zeros(r.shape[-1], x.dtype) if each is None else each[way, row] for each in initial
            )
            for time in range(length)[:: -1 if reverse else 1]:
                state = step(x[time, row], state)
                shown[time, way, row] = state[0]
            for end, value in zip(ends, state, strict=True):
                end[way, row] = value
    if layout:
        return (shown.transpose(2, 0, 1, 3), *(end.swapaxes(0, 1) for end in ends))
    return (shown, *ends)


_PLAIN: dict[str, Function] = {
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softplus": lambda x: np.logaddexp(x, 0),
}
_SCALED: dict[str, tuple[float, Callable[[Array, float], Array]]] = {
    "leakyrelu": (0.01, lambda x, a: np.where(x < 0, a * x, x)),
    "thresholdedrelu": (0.0, lambda x, a: np.where(x > a, x, 0)),
    "elu": (1.0, lambda x, a: np.where(x < 0, a * np.expm1(x), x)),
}
_AFFINE: dict[str, tuple[float, float, Callable[[Array, float, float], Array]]] = {
    "affine": (0.0, 0.0, lambda x, a, b: a * x + b),
    "scaledtanh": (0.0, 0.0, lambda x, a, b: a * np.tanh(b * x)),
    "hardsigmoid": (0.2, 0.5, lambda x, a, b: np.clip(a * x + b, 0, 1)),
}


def _functions(names: Sequence[str], alphas: Iterator[float], betas: Iterator[float]) -> Iterator[Function]:
    """The functions of these names; each takes its numbers off the lists, or its defaults."""
    for name in names:
        key = name.lower()
        if key in _SCALED:
            a, scaled = _SCALED[key]
            yield _with(scaled, next(alphas, a))
        elif key in _AFFINE:
            a, b, affine = _AFFINE[key]
            yield _with(affine, next(alphas, a), next(betas, b))
        else:
            yield _PLAIN[key]


def _with(function: Callable[..., Array], *numbers: float) -> Function:
    return lambda x: function(x, *numbers)


def _clipped(function: Function, threshold: float | None) -> Function:
    return (lambda x: function(np.clip(x, -threshold, threshold))) if threshold else function
