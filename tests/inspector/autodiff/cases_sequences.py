"""Sequences and optional values: between a node that makes one and a node that makes a tensor of it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx
from onnx import helper, parser

from .case import Array, Case, integers, normal, other


@dataclass(frozen=True)
class SequenceCase(Case):
    """A model of some nodes, around one of the operator in question."""

    nodes: str = ""
    """As text; they read x0, x1, ... and compute y0, y1, ..."""

    def model(self, *, dynamic: bool = False, opset: int | None = None) -> onnx.ModelProto:
        plain = Case("Sum", self.inputs).model(dynamic=dynamic, opset=opset or self.opset)
        graph = parser.parse_graph(f"g () => () {{ {self.nodes} }}")
        del plain.graph.node[:], plain.graph.output[:]
        plain.graph.node.extend(graph.node)
        plain.graph.output.extend(
            helper.make_value_info(f"y{place}", helper.make_tensor_type_proto(1, None))
            for place in range(self.outputs)
        )
        return plain


CONSTRUCT = "s = SequenceConstruct(x0, x1)"
JOIN = "y0 = ConcatFromSequence<axis = 0>(r)"
PAIR = [normal(2, 3), other(2, 3)]
UNLIKE = [normal(2, 3), other(4, 3)]


def case(op: str, inputs: Sequence[Array], nodes: str, outputs: int = 1, note: str = "") -> SequenceCase:
    return SequenceCase(op, inputs, outputs=outputs, note=note or nodes.split("=")[-1], nodes=nodes)


CASES: tuple[Case, ...] = (
    case(
        "SequenceConstruct",
        PAIR,
        "r = SequenceConstruct(x0, x1, x0) y0 = ConcatFromSequence<axis = 1>(r)",
        note=" 1",
    ),
    case("ConcatFromSequence", UNLIKE, f"{CONSTRUCT} y0 = ConcatFromSequence<axis = 0>(s)", note=" 0"),
    case(
        "ConcatFromSequence",
        [normal(3, 2), other(3, 4)],
        f"{CONSTRUCT} y0 = ConcatFromSequence<axis = -1>(s)",
        note=" -1",
    ),
    case(
        "ConcatFromSequence",
        PAIR,
        f"{CONSTRUCT} y0 = ConcatFromSequence<axis = 1, new_axis = 1>(s)",
        note=" new 1",
    ),
    case(
        "ConcatFromSequence",
        PAIR,
        f"{CONSTRUCT} y0 = ConcatFromSequence<axis = -1, new_axis = 1>(s)",
        note=" new -1",
    ),
    *(
        case("SequenceAt", [*UNLIKE, integers(place)], f"{CONSTRUCT} e = SequenceAt(s, x2) y0 = Sin(e)")
        for place in (0, 1, -1, -2)
    ),
    case(
        "SequenceInsert",
        [*UNLIKE, normal(3, 3)],
        f"{CONSTRUCT} r = SequenceInsert(s, x2) {JOIN}",
        note=" end",
    ),
    *(
        case(
            "SequenceInsert",
            [*UNLIKE, normal(3, 3), integers(place)],
            f"{CONSTRUCT} r = SequenceInsert(s, x2, x3) {JOIN}",
        )
        for place in (0, 1, 2, -1, -2)
    ),
    case(
        "SequenceErase",
        [*UNLIKE, normal(1, 3)],
        f"s = SequenceConstruct(x0, x1, x2) r = SequenceErase(s) {JOIN}",
        note=" end",
    ),
    *(
        case(
            "SequenceErase",
            [*UNLIKE, normal(1, 3), integers(place)],
            f"s = SequenceConstruct(x0, x1, x2) r = SequenceErase(s, x3) {JOIN}",
        )
        for place in (0, 1, 2, -1, -3)
    ),
    case(
        "SplitToSequence",
        [normal(5, 3), integers(2)],
        "s = SplitToSequence(x0, x1) r = SequenceErase(s) " + JOIN,
    ),
    case("SplitToSequence", [normal(5, 3), integers([1, 4])], f"r = SplitToSequence(x0, x1) {JOIN}"),
    case(
        "SplitToSequence",
        [normal(3, 4)],
        "r = SplitToSequence<axis = 1>(x0) y0 = ConcatFromSequence<axis = 0>(r)",
        note=" ones",
    ),
    case(
        "SplitToSequence",
        [normal(3, 4)],
        "r = SplitToSequence<axis = -1, keepdims = 0>(x0) y0 = ConcatFromSequence<axis = 0, new_axis = 1>(r)",
        note=" squeezed",
    ),
    case(
        "SequenceMap",
        [*UNLIKE, normal(3, 3)],
        f"{CONSTRUCT} r, t = SequenceMap<body = b (float[] e, float[] w) => (float[] p, float[] q) "
        "{ p = MatMul(e, w) q = Exp(e) }>(s, x2) "
        f"{JOIN} y1 = ConcatFromSequence<axis = 0>(t)",
        outputs=2,
        note=" tensor",
    ),
    case(
        "SequenceMap",
        PAIR,
        f"{CONSTRUCT} t = SequenceConstruct(x1, x0) r = SequenceMap<body = b (float[] e, float[] f) => (float[] p) "
        f"{{ m = Mul(e, f) p = Mul(m, e) }}>(s, t) {JOIN}",
        note=" two",
    ),
    case("Optional", [normal(2, 3)], "o = Optional(x0) e = OptionalGetElement(o) y0 = Sin(e)"),
    case("OptionalGetElement", [normal(2, 3)], "e = OptionalGetElement(x0) y0 = Sin(e)"),
)
