"""Fused operators: every attribute has a row."""

from __future__ import annotations

from itertools import product

import numpy as np

from tests.inspector.autodiff.case import Array, Fixed, normal, other, uniform

from .case import FusedCase


def ids(array: object) -> Array:
    """An int32 tensor that only a run knows."""
    return np.array(array, dtype=np.int32)


ACTIVATIONS = (
    *(FusedCase(op, [normal(3, 4)]) for op in ("Gelu", "QuickGelu", "FastGelu")),
    FusedCase("QuickGelu", [normal(3, 4)], {"alpha": 0.7}),
    FusedCase("FastGelu", [normal(2, 3, 4), other(4)]),
    FusedCase("BiasGelu", [normal(2, 3, 4), other(4)]),
    FusedCase("BiasSplitGelu", [normal(2, 3, 8), other(8)], cpu=False),
    FusedCase(
        "BiasSoftmax", [normal(2, 3, 4), other(2, 1, 4)], {"axis": 2, "is_inner_broadcast": 1}, cpu=False
    ),
    FusedCase("BiasSoftmax", [normal(2, 3, 4), other(3, 4)], {"axis": 1, "is_inner_broadcast": 0}, cpu=False),
    FusedCase("BiasDropout", [normal(2, 3, 4), other(4)], cpu=False),
    FusedCase("BiasDropout", [normal(2, 3, 4), other(4), other(2, 3, 4)], cpu=False),
    FusedCase("BiasAdd", [normal(2, 3, 4), other(4), other(2, 3, 4)], cpu=False),
)

IMAGE, KERNEL, RESULT = normal(2, 3, 6, 5), other(4, 3, 3, 3), other(2, 4, 4, 3)
PRODUCTS = (
    *(
        FusedCase("FusedConv", [IMAGE, KERNEL, normal(4)], {"activation": name, **parameters})
        for name, parameters in (
            ("Relu", {}),
            ("Sigmoid", {}),
            ("Tanh", {}),
            ("LeakyRelu", {"activation_params": [0.3]}),
            ("Clip", {"activation_params": [-0.5, 1.5]}),
            ("HardSigmoid", {"activation_params": [0.1, 0.4]}),
        )
    ),
    FusedCase("FusedConv", [IMAGE, KERNEL]),
    FusedCase("FusedConv", [IMAGE, KERNEL, normal(4), RESULT], {"activation": "Relu"}),
    FusedCase("FusedConv", [IMAGE, KERNEL, None, RESULT]),
    FusedCase(
        "FusedConv",
        [normal(2, 4, 6, 5), other(4, 2, 3, 3), normal(4)],
        {"activation": "Relu", "group": 2, "pads": [1, 0, 2, 1], "strides": [2, 1], "dilations": [1, 2]},
    ),
    FusedCase("FusedConv", [IMAGE, KERNEL, normal(4)], {"activation": "Relu", "auto_pad": "SAME_UPPER"}),
    *(
        FusedCase(
            "NhwcFusedConv",
            [normal(2, 6, 5, 3), KERNEL, *rest],
            {"activation": "Relu", "pads": [1] * 4},
            cpu=False,
        )
        for rest in ([], [normal(4)], [normal(4), other(2, 6, 5, 4)])
    ),
    FusedCase("NhwcConv", [normal(2, 6, 5, 3), KERNEL, normal(4)], {"strides": [2, 2]}, cpu=False),
    FusedCase(
        "ConvTransposeWithDynamicPads",
        [normal(1, 3, 4, 4), other(3, 2, 3, 3), np.array([1, 0, 1, 1])],
        {"strides": [2, 1]},
    ),
    FusedCase(
        "ConvTransposeWithDynamicPads", [normal(1, 3, 4, 4), other(3, 2, 3, 3), None, normal(2)], cpu=False
    ),
    *(
        FusedCase(
            "FusedGemm",
            [normal(4, 2) if ta else normal(2, 4), other(3, 4) if tb else other(4, 3), normal(3)],
            {"transA": ta, "transB": tb, "alpha": 0.7, "beta": 1.3, "activation": "Relu"},
        )
        for ta, tb in product((0, 1), (0, 1))
    ),
    FusedCase("FusedGemm", [normal(2, 4), other(4, 3)], {"activation": "LeakyRelu", "activation_alpha": 0.2}),
    FusedCase("FusedGemm", [normal(2, 4), other(4, 3), normal(2, 3)], {"activation": "Sigmoid"}),
    *(
        FusedCase(
            "FusedMatMul",
            [normal(5, 4, 2) if ta else normal(5, 2, 4), other(5, 3, 4) if tb else other(5, 4, 3)],
            {"transA": ta, "transB": tb, "alpha": 0.7},
        )
        for ta, tb in product((0, 1), (0, 1))
    ),
    *(
        FusedCase("FusedMatMul", [a, b], {"transBatchA": ba, "transBatchB": bb, "transA": ta, "transB": tb})
        for (ba, ta, a), (bb, tb, b) in product(
            ((1, 0, normal(2, 5, 4)), (1, 1, normal(4, 5, 2)), (0, 0, normal(5, 2, 4))),
            ((1, 0, other(4, 5, 3)), (1, 1, other(3, 5, 4)), (0, 1, other(5, 3, 4))),
        )
    ),
    FusedCase("FusedMatMul", [normal(4), other(3, 4)], {"transB": 1}),
    FusedCase("TransposeMatMul", [normal(4, 2), other(4, 3)], {"transA": 1, "alpha": 2.0}),
    FusedCase(
        "FusedMatMulActivation", [normal(2, 4), other(4, 3)], {"activation": "Relu", "alpha": 2.0}, cpu=False
    ),
    FusedCase("GemmFastGelu", [normal(2, 3, 4), other(4, 3), normal(3)], cpu=False),
)

X, SKIP, GAMMA, BETA, BIAS = normal(2, 3, 4), other(2, 3, 4), uniform(0.5, 2, 4), other(4), normal(4)
NORMALISATIONS = (
    FusedCase("SkipLayerNormalization", [X, SKIP, GAMMA]),
    FusedCase("SkipLayerNormalization", [X, SKIP, GAMMA, BETA], {"epsilon": 1e-3}),
    FusedCase("SkipLayerNormalization", [X, SKIP, GAMMA, BETA, BIAS], kinds="f--f"),
    FusedCase("SkipLayerNormalization", [X, other(3, 4), GAMMA, BETA]),
    FusedCase("SkipLayerNormalization", [X, other(1, 3, 4), GAMMA, BETA]),
    FusedCase("SkipSimplifiedLayerNormalization", [X, SKIP, GAMMA], {"epsilon": 1e-3}),
    FusedCase("SkipSimplifiedLayerNormalization", [X, SKIP, GAMMA, BIAS], kinds="f--f"),
    FusedCase("SkipSimplifiedLayerNormalization", [normal(3, 4), other(3, 4), GAMMA]),
    FusedCase("SimplifiedLayerNormalization", [X, GAMMA], {"epsilon": 1e-3, "axis": -1}),
    FusedCase("SimplifiedLayerNormalization", [X, uniform(0.5, 2, 3, 4)], {"axis": 1}),
    *(
        FusedCase(
            "EmbedLayerNormalization",
            [ids([[0, 2, 4], [1, 1, 3]]), segments, other(5, 4), normal(6, 4), kinds, GAMMA, BETA, *rest],
            {"epsilon": 1e-3},
            kinds=outputs,
        )
        for segments, kinds, rest, outputs in (
            (ids([[0, 0, 1], [0, 1, 1]]), other(2, 4), [], "fi"),
            (None, None, [], "fi"),
            (None, None, [ids([[1, 1, 0], [1, 1, 1]])], "fif"),
            (None, None, [ids([[1, 1, 0], [1, 1, 1]]), ids([[2, 1, 5], [0, 3, 4]])], "fi"),
        )
    ),
    *(
        FusedCase(
            "GroupNorm",
            [x, uniform(0.5, 2, 4), BETA],
            {"groups": 2, "activation": silu, "channels_last": last},
            cpu=False,
        )
        for silu in (0, 1)
        for last, x in ((1, normal(2, 3, 2, 4)), (0, normal(2, 4, 3, 2)))
    ),
    *(
        FusedCase(
            "SkipGroupNorm",
            [x, uniform(0.5, 2, 4), BETA, *rest],
            {"groups": 2, "activation": 1, "channels_last": last},
            cpu=False,
            kinds=kinds,
        )
        for last, x, rest, kinds in (
            (1, normal(2, 3, 2, 4), [other(2, 3, 2, 4)], "f"),
            (1, normal(2, 3, 2, 4), [other(2, 4), BIAS], "ff"),
            (0, normal(2, 4, 3, 2), [other(2, 4), BIAS], "ff"),
        )
    ),
)

MOVES = (
    FusedCase("ComplexMul", [normal(3, 2), other(3, 2)], cpu=False),
    FusedCase("ComplexMulConj", [normal(3, 2), other(3, 2)], cpu=False),
    FusedCase("ExpandDims", [normal(3, 2), Fixed(ids(1))]),
    FusedCase("ExpandDims", [normal(3, 2), Fixed(ids(-1))]),
    FusedCase("Pad", [normal(3, 2), np.array([0, 1, 1, 0]), Fixed(np.array([0.5]))], {"mode": "constant"}),
    FusedCase("Pad", [normal(3, 3), Fixed(np.array([0, 1, 1, 0]))], {"mode": "reflect"}),
    FusedCase("Trilu", [normal(3, 4), Fixed(np.array(1))], {"upper": 1}),
    FusedCase("Trilu", [normal(2, 3, 4)], {"upper": 0}),
    *(
        FusedCase(
            "GridSample",
            [normal(1, 2, 4, 5), uniform(-0.9, 0.9, 1, 3, 3, 2)],
            {"mode": mode, "padding_mode": padding, "align_corners": aligned},
        )
        for mode, padding, aligned in (
            ("bilinear", "zeros", 0),
            ("bicubic", "border", 1),
            ("nearest", "reflection", 0),
        )
    ),
    *(
        FusedCase(
            "CropAndResize",
            [
                normal(2, 3, 5, 6),
                Fixed(np.array([[0.1, 0.15, 0.7, 0.93], [-0.2, 0.33, 1.3, 0.61]])),
                Fixed(ids([1, 0])),
                Fixed(ids(size)),
            ],
            {"mode": mode, "extrapolation_value": 0.5},
        )
        for mode, size in (("bilinear", [3, 4]), ("nearest", [3, 4]), ("bilinear", [1, 2]))
    ),
    FusedCase("Range", [np.array(0.5), np.array(3.0), np.array(0.4)]),
    FusedCase("GatherND", [normal(3, 4), Fixed(np.array([[0, 1], [2, 3]]))]),
)

POSITIONS = np.array([[0, 2, 1], [3, 4, 5]])
ANGLES = np.outer(np.arange(6), [1.0, 0.3])
ROTARY = (
    *(
        FusedCase("RotaryEmbedding", [x, positions, Fixed(np.cos(ANGLES)), Fixed(np.sin(ANGLES))], attributes)
        for x, positions, attributes in (
            (normal(2, 3, 8), POSITIONS, {}),
            (normal(2, 3, 8), np.array([2]), {"interleaved": 1}),
            (normal(2, 2, 3, 4), POSITIONS, {}),
            (normal(2, 2, 3, 4), POSITIONS, {"interleaved": 1}),
            (normal(2, 3, 12), POSITIONS, {"num_heads": 2, "rotary_embedding_dim": 4}),
        )
    ),
)

INPUT, WEIGHTS, BIASES = normal(2, 3, 5), other(5, 24) * 0.5, normal(24)
ATTENTION = (
    FusedCase("Attention", [INPUT, WEIGHTS, BIASES], {"num_heads": 2}),
    # (the CPU kernel reads a bias even where there is none)
    FusedCase("Attention", [INPUT, WEIGHTS], {"num_heads": 2, "scale": 0.3}, cpu=False),
    FusedCase("Attention", [INPUT, WEIGHTS, BIASES], {"num_heads": 2, "unidirectional": 1}),
    FusedCase(
        "Attention", [INPUT, other(5, 20), normal(20)], {"num_heads": 2, "qkv_hidden_sizes": [8, 8, 4]}
    ),
    *(
        FusedCase("Attention", [INPUT, WEIGHTS, BIASES, mask], {"num_heads": 2, **attributes})
        for mask, attributes in (
            (ids([3, 2]), {}),
            (ids([3, 2, 0, 1]), {}),
            (ids([[1, 1, 1], [1, 0, 1]]), {}),
            (ids([[1, 1, 1], [1, 0, 1]]), {"mask_filter_value": -5.0, "unidirectional": 1}),
            (ids([[[1, 1, 0], [1, 1, 1], [0, 1, 1]], [[1, 0, 0], [1, 1, 0], [0, 1, 1]]]), {}),
        )
    ),
    FusedCase(
        "Attention",
        [INPUT, WEIGHTS, BIASES, None, normal(2, 2, 2, 2, 4)],
        {"num_heads": 2, "unidirectional": 1},
        kinds="ff",
    ),
    FusedCase("Attention", [INPUT, WEIGHTS, BIASES, None, None, other(1, 2, 3, 3)], {"num_heads": 2}),
    *(
        FusedCase(
            "MultiHeadAttention",
            [normal(2, 3, 8), other(2, 4, 8), normal(2, 4, 8), *rest],
            {"num_heads": 2, **attributes},
        )
        for rest, attributes in (
            ([], {}),
            ([normal(24)], {"scale": 0.4}),
            ([None, ids([4, 2])], {}),
            ([normal(24), ids([[1, 1, 1, 0], [1, 0, 1, 1]])], {}),
            ([None, ids(np.arange(24).reshape(2, 3, 4) % 3)], {}),
            ([None, None, other(1, 2, 3, 4)], {}),
            ([None, None, other(2, 1, 3, 4)], {"unidirectional": 0}),
        )
    ),
    FusedCase(
        "MultiHeadAttention",
        [normal(2, 3, 8), other(2, 3, 8), normal(2, 3, 8)],
        {"num_heads": 2, "unidirectional": 1},
    ),
    FusedCase("MultiHeadAttention", [normal(2, 3, 2, 3, 4)], {"num_heads": 2}, cpu=False),
    FusedCase("MultiHeadAttention", [normal(2, 3, 8), other(2, 4, 2, 2, 4)], {"num_heads": 2}, cpu=False),
    FusedCase(
        "MultiHeadAttention", [normal(2, 3, 8), other(2, 2, 5, 4), normal(2, 2, 5, 4)], {"num_heads": 2}
    ),
    FusedCase(
        "MultiHeadAttention",
        [
            normal(2, 3, 8),
            other(2, 3, 8),
            normal(2, 3, 8),
            None,
            None,
            None,
            normal(2, 2, 2, 4),
            other(2, 2, 2, 4),
        ],
        {"num_heads": 2},
        kinds="fff",
    ),
)

QUERY, KEY, VALUE = normal(2, 3, 32), other(2, 3, 16), normal(2, 3, 16)
ENDS, TOTAL = ids([2, 2]), Fixed(ids(3))
TURNS = np.outer(np.arange(8), 0.8 ** np.arange(8))
TABLES = [Fixed(np.cos(TURNS)), Fixed(np.sin(TURNS))]
GIVEN = [QUERY, KEY, VALUE, None, None, ENDS, TOTAL]
ROTATED = [normal(2, 3, 64), other(2, 3, 32), normal(2, 3, 32), None, None, ENDS, TOTAL, *TABLES]
CACHED = [normal(2, 1, 64), other(2, 1, 32), normal(2, 1, 32), normal(2, 2, 4, 16), other(2, 2, 4, 16)]
GROUPED = tuple(
    FusedCase("GroupQueryAttention", inputs, {"num_heads": 4, "kv_num_heads": 2, **attributes}, kinds="fff")
    for inputs, attributes in (
        (GIVEN, {}),
        ([normal(2, 3, 64), None, None, None, None, ENDS, TOTAL], {"scale": 0.3}),
        (ROTATED, {"do_rotary": 1}),
        (ROTATED, {"do_rotary": 1, "rotary_interleaved": 1}),
        ([*CACHED, ids([4, 4]), Fixed(ids(5)), *TABLES], {"do_rotary": 1}),
        (GIVEN, {"local_window_size": 2}),
        (GIVEN, {"softcap": 2.0}),
        (GIVEN, {"smooth_softmax": 1}),
        ([*GIVEN, None, None, None, None, normal(4)], {}),
        ([*GIVEN, None, None, None, other(1, 4, 3, 3)], {"softcap": 2.0}),
    )
)

CASES: tuple[FusedCase, ...] = (
    *GROUPED,
    *ACTIVATIONS,
    *PRODUCTS,
    *NORMALISATIONS,
    *MOVES,
    *ROTARY,
    *ATTENTION,
)
