"""Weights of few bits, embeddings and recurrence of integers."""

from __future__ import annotations

import numpy as np

from tests.inspector.autodiff.case import normal, uniform

from .quantised_case import QuantisedCase, byte, scalar

__all__ = ["CASES"]

MS = "com.microsoft."
random = np.random.default_rng(4)

BLOCKS = (
    *(
        QuantisedCase(
            "MatMulNBits",
            [uniform(-1, 1, 4, columns)],
            note=f" {bits} bits {columns} {kind}",
            quantum=1e-4,
            body=f"y = {MS}MatMulNBits<N = 5, K = {columns}, bits = {bits}, block_size = 16>(x0, b, s{zero})",
            kept={
                "b": random.integers(0, 256, (5, 2, 2 * bits)).astype(np.uint8),
                "s": uniform(0.01, 0.05, 5, 2).astype(np.float32),
                "zp": random.integers(0, 256, (5, -(-2 * bits // 8))).astype(np.uint8),
                "zf": uniform(0, 8, 5, 2).astype(np.float32),
            },
        )
        for bits, columns, zero, kind in (
            (4, 32, "", ""),
            (4, 24, "", ""),
            (4, 32, ", zp", "with zero points"),
            (4, 32, ", zf", "with float zero points"),
            (8, 32, "", ""),
            (8, 32, ", zp", "with zero points"),
            (2, 32, "", ""),
        )
    ),
    *(
        QuantisedCase(
            "MatMulBnb4",
            [uniform(-1, 1, 4, 32)],
            note=f" of type {kind}",
            quantum=1e-4,
            body=f"y = {MS}MatMulBnb4<N = 5, K = 32, block_size = 16, quant_type = {kind}>(x0, b, s)",
            kept={
                "b": random.integers(0, 256, (80,)).astype(np.uint8),
                "s": uniform(0.5, 2, 10).astype(np.float32),
            },
        )
        for kind in (0, 1)
    ),
)

LSTM = (
    *(
        QuantisedCase(
            "DynamicQuantizeLSTM",
            [uniform(-1, 1, 4, 2, 3), normal(directions, 24) * 0.3],
            note=f" {direction}{', per channel' if shape else ''}",
            quantum=0.05,
            body=f'y = {MS}DynamicQuantizeLSTM<hidden_size = 3, direction = "{direction}">'
            "(x0, w, r, x1, , , , , ws, wz, rs, rz)",
            kept={
                "w": random.integers(-100, 100, (directions, 3, 12)).astype(np.int8),
                "r": random.integers(-100, 100, (directions, 3, 12)).astype(np.int8),
                "ws": uniform(0.005, 0.01, directions, *shape).astype(np.float32),
                "rs": uniform(0.005, 0.01, directions, *shape).astype(np.float32),
                "wz": np.zeros((directions, *shape), np.int8),
                "rz": np.zeros((directions, *shape), np.int8),
            },
        )
        for direction, directions, shape in (("forward", 1, ()), ("bidirectional", 2, (12,)))
    ),
)

WORDS = np.array([[0, 3, 2], [1, 1, 4]], dtype=np.int32)
TABLES = (
    *(
        QuantisedCase(
            "GatherBlockQuantized",
            [uniform(-1, 1, 2, 3, 32)],
            note=f" {bits} bits {note}",
            quantum=1e-5,
            body=f"g = {MS}GatherBlockQuantized<bits = {bits}, block_size = 16, gather_axis = 0, quantize_axis = 1>"
            f"(t, i, s{zero}) y = Mul(g, x0)",
            kept={
                "t": random.integers(0, 256, (5, 4 * bits)).astype(np.uint8),
                "i": WORDS,
                "s": uniform(0.01, 0.05, 5, 2).astype(np.float32),
                "z": random.integers(0, 256, (5, bits // 4)).astype(np.uint8),
            },
        )
        for bits, zero, note in (
            (4, "", ""),
            (4, ", z", "with zero points"),
            (8, "", ""),
            (8, ", z", "with zero points"),
        )
    ),
    QuantisedCase(
        "QEmbedLayerNormalization",
        [uniform(-1, 1, 2, 3, 8)],
        quantum=1e-4,
        body=f"e, m = {MS}QEmbedLayerNormalization<epsilon = 0.001>"
        "(i, k, t, p, q, g, b, , s, s, s, s, s, z, z, z, z, z) y = Mul(e, x0)",
        kept={
            "i": WORDS,
            "k": np.array([[0, 0, 1], [0, 1, 1]], np.int32),
            **{
                name: random.integers(0, 256, (rows, 8)).astype(np.uint8)
                for name, rows in (("t", 5), ("p", 6), ("q", 2))
            },
            **{name: random.integers(0, 256, 8).astype(np.uint8) for name in ("g", "b")},
            "s": scalar(0.02),
            "z": byte(120),
        },
    ),
)

CASES: tuple[QuantisedCase, ...] = (*BLOCKS, *LSTM, *TABLES)
