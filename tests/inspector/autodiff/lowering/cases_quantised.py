"""Operators on integers: every attribute has a row."""

from __future__ import annotations

import numpy as np

from tests.inspector.autodiff.case import Array, normal, uniform

from .quantised_case import QuantisedCase, byte, scalar

random = np.random.default_rng(3)
W = random.integers(-100, 100, (4, 3, 3, 3)).astype(np.int8)
B = random.integers(-3000, 3000, (4,)).astype(np.int32)
M = random.integers(-100, 100, (6, 5)).astype(np.int8)
X, Y = uniform(-2, 2, 2, 3, 6, 6), uniform(-1, 1, 2, 3, 6, 6)
ROWS = uniform(-2, 2, 4, 6)
SCALES = {
    "s": scalar(0.02),
    "z": byte(100),
    "t": scalar(0.05),
    "u": byte(128),
    "r": scalar(0.03),
    "v": byte(120),
}
PER_CHANNEL = np.array([0.01, 0.02, 0.005, 0.015], np.float32)
COLUMNS = np.array([0.01, 0.02, 0.005, 0.015, 0.01], np.float32)

QX = "q = QuantizeLinear(x0, s, z) "
DY = " y = DequantizeLinear(a, t, u)"


def between(
    op: str, call: str, x: Array = X, quantum: float = 0.05, note: str = "", **kept: Array
) -> QuantisedCase:
    """x0 to integers q (s, z), an operator from q to a (t, u), and back."""
    return QuantisedCase(op, [x], body=f"{QX}{call}{DY}", kept={**SCALES, **kept}, quantum=quantum, note=note)


MS = "com.microsoft."
QDQ = (
    QuantisedCase(
        "QuantizeLinear", [X], body=f"{QX} y = DequantizeLinear(q, s, z)", kept=SCALES, quantum=0.02
    ),
    QuantisedCase(
        "QuantizeLinear",
        [X],
        body="q = QuantizeLinear(x0, s) y = DequantizeLinear(q, s)",
        kept=SCALES,
        quantum=4,
        note=" without a zero point",
    ),
    QuantisedCase(
        "QuantizeLinear",
        [X],
        note=" per axis",
        quantum=0.05,
        body="q = QuantizeLinear<axis = 1>(x0, s, z) y = DequantizeLinear<axis = 1>(q, s, z)",
        kept={"s": np.array([0.05, 0.02, 0.01], np.float32), "z": np.array([3, -2, 0], np.int8)},
    ),
    QuantisedCase(
        "QuantizeLinear",
        [X],
        note=" in blocks",
        quantum=0.05,
        opset=21,
        body="q = QuantizeLinear<axis = 3, block_size = 4>(x0, s, z) "
        "y = DequantizeLinear<axis = 3, block_size = 4>(q, s, z)",
        kept={"s": uniform(0.01, 0.05, 2, 3, 6, 2).astype(np.float32), "z": np.zeros((2, 3, 6, 2), np.int8)},
    ),
    QuantisedCase(
        "QuantizeLinear",
        [X],
        note=" int16",
        quantum=1e-3,
        opset=21,
        body="q = QuantizeLinear(x0, s, z) y = DequantizeLinear(q, s, z)",
        kept={"s": scalar(1e-4), "z": np.array(5, np.int16)},
    ),
    QuantisedCase(
        "QuantizeLinear",
        [X],
        note=" int4",
        quantum=0.3,
        opset=21,
        body="q = QuantizeLinear<output_dtype = 22>(x0, s) y = DequantizeLinear(q, s)",
        kept={"s": scalar(0.3)},
    ),
    QuantisedCase(
        "QuantizeLinear",
        [X],
        note=" float8",
        quantum=0.3,
        opset=21,
        body="q = QuantizeLinear<output_dtype = 17>(x0, s) y = DequantizeLinear(q, s)",
        kept={"s": scalar(0.01)},
    ),
    QuantisedCase(
        "QuantizeLinear",
        [X],
        note=" of other units",
        quantum=0.1,
        body=f"{QX} y = DequantizeLinear(q, t, u)",
        kept=SCALES,
    ),
    QuantisedCase(
        "QuantizeLinear",
        [X],
        note=" com.microsoft int16",
        quantum=1e-3,
        body=f"q = {MS}QuantizeLinear(x0, s, z) y = {MS}DequantizeLinear(q, s, z)",
        kept={"s": scalar(1e-4), "z": np.array(30000, np.uint16)},
    ),
    QuantisedCase(
        "DequantizeLinear",
        [ROWS],
        note=" com.microsoft weights",
        body=f"w = {MS}DequantizeLinear<axis = 1>(m, s, z) y = MatMul(x0, w)",
        kept={"m": M.astype(np.int16), "s": COLUMNS, "z": np.zeros(5, np.int16)},
    ),
    QuantisedCase(
        "DynamicQuantizeLinear",
        [X],
        body="q, s, z = DynamicQuantizeLinear(x0) y = DequantizeLinear(q, s, z)",
        quantum=0.02,
    ),
)

BEHIND = "f = Cast<to = 1>(i) e = Mul(s, c) y = Mul(f, e)"
CONV = "QLinearConv<{}>(q, s, z, w, ws, wz, t, u{})"
PRODUCTS = (
    *(
        between(
            "QLinearConv",
            "a = " + CONV.format(attributes, ", b" if bias else ""),
            quantum=0.06,
            note=note,
            w=W,
            ws=ws,
            wz=wz,
            b=B,
        )
        for attributes, bias, ws, wz, note in (
            ("group = 1", True, scalar(0.004), np.array(0, np.int8), ""),
            ("pads = [1, 1, 0, 1], strides = [2, 1]", False, scalar(0.004), np.array(0, np.int8), " strided"),
            ("group = 1", True, PER_CHANNEL / 4, np.zeros(4, np.int8), " per channel"),
        )
    ),
    between(
        "QLinearMatMul",
        "a = QLinearMatMul(q, s, z, m, ms, mz, t, u)",
        ROWS,
        m=M,
        ms=scalar(0.01),
        mz=np.array(3, np.int8),
        quantum=0.06,
    ),
    between(
        "QLinearMatMul",
        "a = QLinearMatMul(q, s, z, m, ms, mz, t, u)",
        ROWS,
        m=M,
        ms=COLUMNS,
        mz=np.zeros(5, np.int8),
        quantum=0.06,
        note=" per column",
    ),
    QuantisedCase(
        "ConvInteger",
        [X],
        quantum=0.2,
        kept={"w": W, "k": byte(0), "c": scalar(0.01)},
        body="q, s, z = DynamicQuantizeLinear(x0) i = ConvInteger<pads = [1, 1, 1, 1]>(q, w, z) " + BEHIND,
    ),
    QuantisedCase(
        "MatMulInteger",
        [ROWS],
        quantum=0.2,
        kept={"m": M, "k": np.array(7, np.int8), "c": scalar(0.01)},
        body="q, s, z = DynamicQuantizeLinear(x0) i = MatMulInteger(q, m, z, k) " + BEHIND,
    ),
    QuantisedCase(
        "MatMulInteger",
        [ROWS],
        quantum=0.2,
        note=" per column",
        kept={"m": M, "k": np.arange(5).astype(np.int8), "c": COLUMNS},
        body="q, s, z = DynamicQuantizeLinear(x0) i = MatMulInteger(q, m, z, k) " + BEHIND,
    ),
    between(
        "QGemm",
        f"a = {MS}QGemm<transB = 1, alpha = 0.5>(q, s, z, m, ms, mz, b, t, u)",
        ROWS,
        quantum=0.06,
        m=M.T.copy(),
        ms=COLUMNS,
        mz=np.zeros(5, np.int8),
        b=np.array([100, -200, 5, 9, 70], np.int32),
    ),
    QuantisedCase(
        "QGemm",
        [ROWS],
        note=" to float",
        quantum=0.06,
        body=f"{QX} y = {MS}QGemm(q, s, z, m, ms, mz)",
        kept={**SCALES, "m": M, "ms": scalar(0.01), "mz": np.array(2, np.int8)},
    ),
    *(
        QuantisedCase(
            "DynamicQuantizeMatMul",
            [ROWS, *bias],
            quantum=0.2,
            note=f" {len(bias)}",
            kept={"m": M, "ms": COLUMNS, "mz": np.zeros(5, np.int8)},
            body=f"y = {MS}DynamicQuantizeMatMul(x0, m, ms, mz{', x1' if bias else ''})",
        )
        for bias in ([], [normal(5)])
    ),
    QuantisedCase(
        "MatMulIntegerToFloat",
        [ROWS, normal(5)],
        quantum=0.2,
        kept={"m": M, "ms": scalar(0.01), "mz": np.array(1, np.int8)},
        body=f"q, s, z = DynamicQuantizeLinear(x0) y = {MS}MatMulIntegerToFloat(q, m, s, ms, z, mz, x1)",
    ),
    QuantisedCase(
        "QAttention",
        [uniform(-2, 2, 2, 3, 6), normal(24)],
        quantum=0.2,
        kept={
            "m": random.integers(-100, 100, (6, 24)).astype(np.int8),
            "ms": scalar(0.01),
            "mz": np.array(0, np.int8),
            "k": np.array([3, 2], np.int32),
        },
        body=f"q, s, z = DynamicQuantizeLinear(x0) y = {MS}QAttention<num_heads = 2>(q, m, x1, s, ms, k, z, mz)",
    ),
)

BOTH = "q = QuantizeLinear(x0, s, z) p = QuantizeLinear(x1, r, v) "
PAIR = "(q, s, z, p, r, v, t, u)"
ELEMENTWISE = (
    *(
        QuantisedCase(
            f"QLinear{op}", [X, Y], body=f"{BOTH} a = {MS}QLinear{op}{PAIR}{DY}", kept=SCALES, quantum=0.12
        )
        for op in ("Add", "Mul")
    ),
    QuantisedCase(
        "QLinearConcat",
        [X, Y],
        body=f"{BOTH} a = {MS}QLinearConcat<axis = 1>(t, u, q, s, z, p, r, v){DY}",
        kept=SCALES,
        quantum=0.06,
    ),
    QuantisedCase(
        "QLinearWhere",
        [X, Y],
        quantum=0.06,
        kept={**SCALES, "c": random.random((2, 3, 6, 6)) > 0.5},
        body=f"{BOTH} a = {MS}QLinearWhere(c, q, s, z, p, r, v, t, u){DY}",
    ),
    between("QLinearSigmoid", f"a = {MS}QLinearSigmoid(q, s, z, t, u)"),
    between("QLinearLeakyRelu", f"a = {MS}QLinearLeakyRelu<alpha = 0.2>(q, s, z, t, u)"),
    between("QLinearSoftmax", f"a = {MS}QLinearSoftmax<opset = 13, axis = -1>(q, s, z, t, u)"),
    between(
        "QLinearSoftmax", f"a = {MS}QLinearSoftmax<opset = 11, axis = 2>(q, s, z, t, u)", note=" of opset 11"
    ),
    between(
        "QLinearGlobalAveragePool", f"a = {MS}QLinearGlobalAveragePool<channels_last = 0>(q, s, z, t, u)"
    ),
    between(
        "QLinearGlobalAveragePool",
        f"a = {MS}QLinearGlobalAveragePool<channels_last = 1>(q, s, z, t, u)",
        note=" channels last",
    ),
    between(
        "QLinearAveragePool",
        f"a = {MS}QLinearAveragePool<kernel_shape = [3, 2], pads = [1, 0, 1, 1], strides = [2, 2]>(q, s, z, t, u)",
    ),
    between(
        "QLinearAveragePool",
        f"a = {MS}QLinearAveragePool<kernel_shape = [3, 2], pads = [1, 0, 1, 1], count_include_pad = 1>(q, s, z, t, u)",
        note=" with padding",
    ),
    between(
        "QLinearAveragePool",
        f"a = {MS}QLinearAveragePool<kernel_shape = [2, 2], channels_last = 1>(q, s, z, t, u)",
        note=" channels last",
    ),
    QuantisedCase(
        "QLinearReduceMean",
        [X],
        body=f"{QX}a = {MS}QLinearReduceMean<axes = [2, 3], keepdims = 0>(q, s, z, t, u){DY}",
        kept=SCALES,
        cpu=False,
    ),
)

LAST = (
    between(
        "QLinearConv",
        f"a = {MS}QLinearConv<channels_last = 1>(q, s, z, w, ws, wz, t, u)",
        uniform(-2, 2, 2, 6, 6, 3),
        note=" channels last",
        w=W,
        ws=scalar(0.004),
        wz=np.array(0, np.int8),
    ),
    QuantisedCase(
        "NhwcMaxPool",
        [X],
        body=f"{QX} a = {MS}NhwcMaxPool<kernel_shape = [2, 2], strides = [1, 2]>(q) y = DequantizeLinear(a, s, z)",
        kept=SCALES,
        quantum=0.03,
    ),
)

BACK = " y = DequantizeLinear(a, s, z)"
MOVES = (
    *(
        QuantisedCase(
            op,
            [uniform(-2, 2, 2, 4, 6, 6)],
            body=f"{QX}{call}{BACK}",
            kept={**SCALES, **kept},
            quantum=0.03,
            note=" of integers",
        )
        for op, call, kept in (
            ("MaxPool", "a = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(q)", {}),
            ("Transpose", "a = Transpose<perm = [0, 2, 3, 1]>(q)", {}),
            ("Reshape", "a = Reshape(q, n)", {"n": np.array([2, -1])}),
            ("Flatten", "a = Flatten(q)", {}),
            ("Slice", "a = Slice(q, n, k)", {"n": np.array([0, 1]), "k": np.array([1, 4])}),
            ("Pad", "a = Pad(q, n, z)", {"n": np.array([0, 0, 1, 1, 0, 0, 0, 2])}),
            ("Gather", "a = Gather<axis = 1>(q, n)", {"n": np.array([2, 0])}),
            ("Split", "a, o = Split<axis = 1, num_outputs = 2>(q)", {}),
            ("Concat", "a = Concat<axis = 1>(q, q)", {}),
            ("DepthToSpace", "a = DepthToSpace<blocksize = 2>(q)", {}),
            ("Unsqueeze", "a = Unsqueeze(q, n)", {"n": np.array([1])}),
        )
    ),
    QuantisedCase(
        "Pad",
        [X],
        body=f"{QX} a = Pad(q, n){BACK}",
        kept={**SCALES, "n": np.array([0, 0, 1, 1, 0, 0, 0, 2])},
        quantum=0.03,
        note=" with integer zeros",
    ),
    QuantisedCase(
        "Resize",
        [X],
        body=f'{QX} a = Resize<mode = "linear">(q, , n){BACK}',
        kept={**SCALES, "n": np.array([1, 1, 2, 2], np.float32)},
        quantum=0.06,
        note=" of integers",
    ),
    QuantisedCase(
        "Concat",
        [X, Y],
        body=f"{BOTH} a = Concat<axis = 1>(q, p){BACK}",
        kept=SCALES,
        quantum=0.03,
        note=" of other units",
    ),
    QuantisedCase(
        "Cast",
        [X],
        body=f"{QX} f = Cast<to = 1>(q) g = Cast<to = 1>(z) d = Sub(f, g) y = Mul(d, s)",
        kept=SCALES,
        quantum=0.03,
        note=" of integers",
    ),
)

CASES: tuple[QuantisedCase, ...] = (*QDQ, *LAST, *PRODUCTS, *ELEMENTWISE, *MOVES)
