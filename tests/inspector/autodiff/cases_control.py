"""`If`, `Loop` and `Scan`: what goes in by each door, and comes out by each."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import parser

from .case import Case, Fixed, integers, normal, other


def body(name: str, signature: str, nodes: str) -> onnx.GraphProto:
    """A sub-graph; `float[]` is a tensor of any shape."""
    graph: onnx.GraphProto = parser.parse_graph(f"{name} {signature} {{ {nodes} }}")
    return graph


YES = Fixed(np.array(True))
NO = Fixed(np.array(False))
GO = "bool more"
STEP = "int64 i, bool go"


def branches(then: str, otherwise: str) -> dict[str, Any]:
    return {
        "then_branch": body("yes", "() => (float[] p)", then),
        "else_branch": body("no", "() => (float[] q)", otherwise),
    }


BRANCHES = branches("e = Exp(x1) p = Mul(e, x2)", "s = Sin(x1) q = Add(s, s)")

IFS = [
    Case("If", [condition, normal(2, 3), other(2, 3)], BRANCHES, captured=2, note=f" {condition.array}")
    for condition in (YES, NO)
]
IFS += [
    # known at run time only
    Case("If", [np.array(True), normal(2, 3), other(2, 3)], BRANCHES, captured=2),
    Case("If", [np.array(False), normal(2, 3), other(2, 3)], BRANCHES, captured=2),
    # two outputs; one branch hands a tensor through, the other forgets it
    Case(
        "If",
        [np.array(True), normal(2, 3), other(2, 3)],
        {
            "then_branch": body("hand", "() => (float[] p, float[] r)", "p = Identity(x1) r = Mul(x1, x2)"),
            "else_branch": body("on", "() => (float[] q, float[] s)", "q = Exp(x2) s = Round(x1)"),
        },
        outputs=2,
        captured=2,
    ),
]

TANH = "m = MatMul(h, x3) then = Tanh(m)"


def loop(state: str, results: str, nodes: str, name: str = "b") -> dict[str, Any]:
    signature = f"({STEP}{state}) => ({GO}{results})"
    return {"body": body(name, signature, f"{nodes} more = Identity(go)")}


RECURRENT = loop(", float[] h", ", float[] then, float[] seen", f"{TANH} seen = Mul(then, h)", "recurrent")
TWO = loop(
    ", float[] a, float[] c",
    ", float[] d, float[] e",
    "d = Sin(c) p = Mul(a, x4) e = Add(p, c)",
    "crossed",
)
POSITION = loop(
    ", float[] h",
    ", float[] then",
    "row = Gather(x3, i) s = Exp(row) then = Mul(h, s)",
    "position",
)
LOOPS = [
    Case("Loop", [integers(3), YES, normal(2, 3), other(3, 3)], RECURRENT, 2, captured=1),
    Case("Loop", [integers(3), None, normal(2, 3), other(3, 3)], RECURRENT, 2, captured=1),
    Case("Loop", [Fixed(np.array(2)), YES, normal(2, 3), other(3, 3)], RECURRENT, 2, captured=1),
    Case("Loop", [integers(3), YES, normal(4), other(4), normal(4)], TWO, 2, captured=1),
    # what was captured is read in part by each iteration
    Case("Loop", [integers(4), YES, normal(3), other(4, 3)], POSITION, captured=1),
    # stops by itself
    Case(
        "Loop",
        [None, YES, normal(2, 3), other(3, 3)],
        {
            "body": body(
                "until",
                f"({STEP}, float[] h) => ({GO}, float[] then, float[] seen)",
                f"{TANH} seen = Exp(then) four = Constant<value_int = 4>() more = Less(i, four)",
            )
        },
        2,
        captured=1,
    ),
    # does not run at all
    Case(
        "Loop",
        [integers(0), YES, normal(2, 3), other(3, 3)],
        loop(", float[] h", ", float[] then", TANH),
        captured=1,
    ),
]


def scan(inputs: int, signature: str, nodes: str, name: str, **attributes: list[int]) -> dict[str, Any]:
    return {"num_scan_inputs": inputs, **attributes, "body": body(name, signature, nodes)}


CELL = "u = MatMul(x, x2) z = Add(u, h) then = Tanh(z) seen = Mul(then, x)"
CELL_SIGNATURE = "(float[] h, float[] x) => (float[] then, float[] seen)"
SCANS = [
    Case(
        "Scan",
        [normal(2, 3), normal(4, 2, 3), other(3, 3)],
        scan(1, CELL_SIGNATURE, CELL, "cell"),
        2,
        captured=1,
    ),
    *(
        Case(
            "Scan",
            [normal(2, 3), normal(2, 4, 3), other(3, 3)],
            scan(
                1,
                CELL_SIGNATURE,
                CELL,
                "cell",
                scan_input_axes=[axis],
                scan_input_directions=[way_in],
                scan_output_axes=[axis_out],
                scan_output_directions=[way_out],
            ),
            2,
            captured=1,
        )
        for axis, way_in, axis_out, way_out in ((1, 0, 0, 1), (1, 1, 1, 0), (-2, 1, 2, 1))
    ),
    # two inputs read in opposite directions, no state
    Case(
        "Scan",
        [normal(4, 3), other(3, 4)],
        scan(
            2,
            "(float[] a, float[] c) => (float[] d)",
            "e = Exp(a) d = Mul(e, c)",
            "pairs",
            scan_input_axes=[0, 1],
            scan_input_directions=[0, 1],
        ),
    ),
]

CASES = (*IFS, *LOOPS, *SCANS)
