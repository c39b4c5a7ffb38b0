"""Contractions, transforms, scatters and what else the standard defines beside networks' daily operators."""

from __future__ import annotations

import numpy as np

from .case import Array, Case, Fixed, distinct, integers, normal, other, uniform

ONCE = integers([[0, 1, 2, 1]])
"""No place twice."""
TWICE = integers([[1, 1], [1, 0]])
"""Places that meet."""

EQUATIONS: tuple[tuple[str, list[Array]], ...] = (
    ("ij,jk->ik", [normal(2, 3), normal(3, 4)]),
    ("ij,jk", [normal(2, 3), normal(3, 4)]),
    ("bij, bjk -> bik", [normal(2, 2, 3), normal(2, 3, 4)]),
    ("...ij,...jk->...ik", [normal(2, 1, 2, 3), normal(1, 4, 3, 2)]),
    ("...ij,jk", [normal(2, 2, 3), normal(3, 4)]),
    ("i...,i->...", [normal(3, 2, 2), normal(3)]),
    ("ij->i", [normal(2, 3)]),
    ("ij->", [normal(2, 3)]),
    ("ij->ji", [normal(2, 3)]),
    ("ji", [normal(2, 3)]),
    ("ii->i", [normal(3, 3)]),
    ("ii", [normal(3, 3)]),
    ("iij->j", [normal(3, 3, 2)]),
    ("iji->j", [normal(3, 2, 3)]),
    ("bii,bi->b", [normal(2, 3, 3), normal(2, 3)]),
    ("i,j->ij", [normal(2), normal(3)]),
    ("i,i->", [normal(4), other(4)]),
    (",ij->ij", [np.array(1.5), normal(2, 3)]),
    ("ij,jk,kl->il", [normal(2, 3), normal(3, 4), normal(4, 2)]),
    ("ab,bc,ca->", [normal(2, 3), normal(3, 2), other(2, 2)]),
    ("ij,jk->k", [normal(2, 3), normal(3, 4)]),
    ("bhwc,hkc->bhwk", [normal(2, 3, 2, 4), normal(3, 2, 4)]),
)


def _scatters(reduction: str) -> list[Case]:
    options = {"reduction": reduction}
    return [
        Case("ScatterElements", [distinct(3, 4), ONCE, other(1, 4)], options),
        Case("ScatterElements", [distinct(3, 4), TWICE, other(2, 2)], options),
        Case(
            "ScatterElements",
            [distinct(3, 4), integers([[-1], [0], [0]]), other(3, 1)],
            {**options, "axis": 1},
        ),
        Case("ScatterND", [distinct(3, 4), integers([[0, 1], [2, 3], [0, 1]]), other(3)], options),
        Case("ScatterND", [distinct(3, 4), integers([[2], [0], [2]]), other(3, 4)], options),
    ]


def _transforms() -> list[Case]:
    """Every direction, of real and complex signals, in the form of opset 17 and in that of opset 20."""
    cases: list[Case] = []
    for parts in (1, 2):
        x = normal(2, 6, parts)
        for options in ({}, {"inverse": 1}, *([{"onesided": 1}] if parts == 1 else [])):
            cases.append(Case("DFT", [x], options, newest=19))
            cases.append(Case("DFT", [x], options, opset=20))
            cases += [Case("DFT", [x, Fixed(np.array(n))], options, opset=20) for n in (4, 9)]
    for n in (None, 6, 7, 9):
        length = None if n is None else Fixed(np.array(n))
        cases.append(Case("DFT", [normal(2, 4, 2), length], {"inverse": 1, "onesided": 1}, opset=20))
    deep = normal(2, 3, 4, 2)
    cases += [Case("DFT", [deep, None, Fixed(np.array(axis))], opset=20) for axis in (0, 1, 2, -2, -3)]
    cases += [Case("DFT", [deep], {"axis": axis}, newest=19) for axis in (1, 2)]
    cases.append(Case("DFT", [deep, integers(5), integers(1)], opset=20))
    cases.append(Case("DFT", [deep, None, integers(-3)], {"inverse": 1}, opset=20))
    cases.append(Case("DFT", [normal(2, 5, 1), integers(4)], {"onesided": 1}, opset=20))
    return cases


def _short_time() -> list[Case]:
    # (the shape inference of onnx takes an omitted onesided for 0)
    step, window = Fixed(np.array(2)), normal(4)
    return [
        Case("STFT", [normal(2, 9, 1), step, window], {"onesided": 1}),
        Case("STFT", [normal(2, 9, 1), step, window], {"onesided": 0}),
        Case("STFT", [normal(1, 10, 1), step, None, Fixed(np.array(5))], {"onesided": 1}),
        Case("STFT", [normal(1, 10, 1), Fixed(np.array(3)), window, Fixed(np.array(4))], {"onesided": 1}),
        Case("STFT", [normal(1, 10, 2), step, window], {"onesided": 0}),
        Case("STFT", [normal(1, 10, 1), integers(3), window, integers(4)]),
    ]


def _attention() -> list[Case]:
    """Every output and attribute; grouped heads, a cache, masks."""
    q, k, v = normal(2, 4, 3, 4), other(2, 2, 5, 4), normal(2, 2, 5, 3)
    flat = [normal(2, 3, 16), other(2, 5, 8), normal(2, 5, 6)]
    heads = {"q_num_heads": 4, "kv_num_heads": 2}
    past = [other(2, 2, 2, 4), other(2, 2, 2, 3)]
    mask = normal(3, 5)
    seen = Fixed(np.array([[True, False, True, True, False], [False] * 5, [True] * 5]))
    return [
        Case("Attention", [q, k, v], opset=23),
        Case("Attention", [q, k, v], {"scale": 0.3, "softcap": 0.5}, opset=23),
        Case("Attention", [q, k, v], {"is_causal": 1}, opset=23),
        Case("Attention", [q, k, v, mask], opset=23),
        Case("Attention", [q, k, v, normal(2, 1, 3, 5)], {"softcap": 2.0}, opset=23),
        Case("Attention", [q, k, v, normal(4, 3, 7), *past], outputs=3, opset=23),
        Case("Attention", [q, k, v, None, *past], {"is_causal": 1}, outputs=3, opset=23),
        *(
            Case(
                "Attention", [q, k, v, mask, None, None], {"qk_matmul_output_mode": mode}, outputs=4, opset=23
            )
            for mode in (0, 1, 2, 3)
        ),
        Case("Attention", flat, heads, opset=23),
        Case("Attention", [*flat, normal(3, 7), *past], heads, outputs=3, opset=23),
        Case("Attention", [q, k, v, seen], opset=24),
        Case("Attention", [q, k, v, None, None, None, integers([4, 3])], {"is_causal": 1}, opset=24),
    ]


def _newer() -> list[Case]:
    """Defined by the standard beyond what onnxruntime loads: by their bodies, in float64 alone."""
    x, kernel = normal(2, 3, 6), other(3, 1, 3)
    tokens = [normal(2, 3, 8), other(2, 3, 8), uniform(-1, 1, 2, 3, 8)]
    heads = {"q_num_heads": 2, "kv_num_heads": 2}
    decay, beta = uniform(-1, 0, 2, 3, 2), uniform(0.1, 0.9, 2, 3, 2)
    return [
        Case("SwiGLU", [normal(2, 3), other(2, 3)], opset=28, runtime=False),
        Case("SwiGLU", [normal(2, 3), other(2, 3)], {"alpha": 1.5}, opset=28, runtime=False),
        Case("CausalConvWithState", [x, kernel], outputs=2, opset=27, runtime=False),
        Case(
            "CausalConvWithState",
            [x, kernel, normal(3), normal(2, 3, 2)],
            {"activation": "silu"},
            outputs=2,
            opset=27,
            runtime=False,
        ),
        Case(
            "LinearAttention", tokens, {**heads, "update_rule": "linear"}, outputs=2, opset=27, runtime=False
        ),
        Case(
            "LinearAttention",
            [*tokens, normal(2, 2, 4, 4), decay],
            {**heads, "update_rule": "gated"},
            outputs=2,
            opset=27,
            runtime=False,
        ),
        Case("LinearAttention", [*tokens, None, decay, beta], heads, outputs=2, opset=27, runtime=False),
    ]


ZERO_IN_FRONT = np.array([[2.0, 0.0, 3.0, -1.5], [1.0, 2.0, 0.5, 4.0], [0.0, 3.0, 0.0, 2.0]])

CASES: tuple[Case, ...] = (
    *(Case("Einsum", operands, {"equation": equation}) for equation, operands in EQUATIONS),
    # determinants
    Case("Det", [normal(3, 3)]),
    Case("Det", [normal(2, 2, 4, 4)]),
    Case("Det", [normal(1, 1)]),
    Case("Det", [np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])], note=" singular"),
    # scatters
    *(case for reduction in ("mul", "max", "min") for case in _scatters(reduction)),
    Case(
        "ScatterElements",
        [normal(2, 3), integers([[0, 0, 1]]), np.array([[0.0, 2.0, 0.0]])],
        {"reduction": "mul"},
    ),
    Case("TensorScatter", [normal(2, 5, 3), other(2, 2, 3)], opset=24),
    Case("TensorScatter", [normal(2, 5, 3), other(2, 2, 3), integers([1, 3])], opset=24),
    Case(
        "TensorScatter", [normal(2, 5, 3), other(2, 2, 3), integers([4, 3])], {"mode": "circular"}, opset=24
    ),
    Case(
        "TensorScatter",
        [normal(2, 2, 5), other(2, 2, 2), integers([4, 2])],
        {"mode": "circular", "axis": -1},
        opset=24,
    ),
    # products along an axis
    *(
        Case("CumProd", [x, Fixed(np.array(axis))], {"exclusive": exclusive, "reverse": reverse}, opset=26)
        for exclusive in (0, 1)
        for reverse in (0, 1)
        for x, axis in ((uniform(0.5, 2, 2, 4), 1), (ZERO_IN_FRONT, -1), (ZERO_IN_FRONT, 0))
    ),
    # picking
    Case("OneHot", [integers([0, 2, -1]), Fixed(np.array(4)), normal(2)]),
    Case("OneHot", [integers([[0, 2], [1, 5]]), integers([3]), normal(2)], {"axis": 1}),
    Case("Unique", [distinct(2, 3)], {"sorted": 1}),
    Case("Unique", [distinct(3, 2)], {"axis": 0}),
    Case("Unique", [distinct(3, 2)], {"axis": -1, "sorted": 0}),
    Case("Range", [np.array(0.5), Fixed(np.array(3.25)), np.array(0.75)]),
    # transforms
    *_transforms(),
    *_short_time(),
    *_attention(),
    *_newer(),
)
