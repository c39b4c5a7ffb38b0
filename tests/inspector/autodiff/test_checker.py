"""The checker itself: it must reject rules that are wrong in small ways."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import onnx_ir as ir
import pytest

from inspector.autodiff import RULES
from inspector.autodiff.tape import Pullback, Tape, Values

from .case import Case, away_from, distinct, ints, normal, other, uniform
from .checking import TOLERANCE, pulled_in_double, worst_error


def scaled(rule: Pullback, factor: float) -> Pullback:
    """The rule with every cotangent it gives off by a factor."""

    def wrong(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
        return [g if g is None else tape.Mul(g, factor) for g in rule(tape, node, cotangents)]

    return wrong


def with_attribute(rule: Pullback, **attributes: int | list[int]) -> Pullback:
    """The rule, applied to a node with another attribute than the forward pass has."""

    def wrong(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
        lie = {
            **dict(node.attributes),
            **{name: ir.Attr(name, kind(value), value) for name, value in attributes.items()},
        }
        liar = ir.Node(node.domain, node.op_type, [], lie.values())
        fake = SimpleNamespace(
            op_type=node.op_type, inputs=node.inputs, outputs=node.outputs, attributes=liar.attributes
        )
        return rule(tape, cast(ir.Node, fake), cotangents)

    def kind(value: int | list[int]) -> ir.AttributeType:
        return ir.AttributeType.INTS if isinstance(value, list) else ir.AttributeType.INT

    return wrong


def leaky(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """A Relu that lets a little through."""
    (g,), (y,) = cotangents, node.outputs
    return [tape.Where(tape.Greater(y, 0), g, tape.Mul(g, 1e-5))]


def one_sided(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """A product that forgets its second factor."""
    (g,), (_, b) = cotangents, node.inputs
    return [tape.Mul(g, b), None]


def lying(op: str, **attributes: int | list[int]) -> Pullback:
    return with_attribute(RULES["", op], **attributes)


IMAGE = distinct(1, 1, 6, 6)
KERNEL = other(1, 1, 3, 2)
CUBE = normal(3, 3, 3)
BORDER = {"kernel_shape": [2, 2], "pads": [1, 1, 0, 0]}
STATISTICS = [normal(4, 3), normal(3), other(3), normal(3), uniform(0.5, 2, 3)]

WRONG: list[tuple[str, Case, Pullback]] = [
    ("off by 1e-5", Case("Exp", [normal(2, 3)]), scaled(RULES["", "Exp"], 1 + 1e-5)),
    ("off in sign", Case("Sub", [normal(2, 3), other(2, 3)]), scaled(RULES["", "Sub"], -1)),
    ("a little leaks", Case("Relu", [away_from([0], 4, 5)]), leaky),
    ("an input forgotten", Case("Mul", [normal(2, 3), other(2, 3)]), one_sided),
    (
        "the wrong way round",
        Case("Transpose", [normal(3, 3, 3)], {"perm": [1, 2, 0]}),
        lying("Transpose", perm=[2, 0, 1]),
    ),
    ("over the wrong axis", Case("Softmax", [normal(3, 3)]), lying("Softmax", axis=0)),
    (
        "padded elsewhere",
        Case("Conv", [IMAGE, other(1, 1, 3, 2)], {"pads": [1, 0, 0, 0]}),
        lying("Conv", pads=[0, 0, 1, 0]),
    ),
    ("pooled elsewhere", Case("MaxPool", [IMAGE], BORDER), lying("MaxPool", pads=[0, 0, 1, 1])),
    ("shared by too many", Case("AveragePool", [IMAGE], BORDER), lying("AveragePool", count_include_pad=1)),
    (
        "statistics held constant",
        Case("BatchNormalization", STATISTICS, {"training_mode": 1}, outputs=3),
        lying("BatchNormalization", training_mode=0),
    ),
    ("a sum for a mean", Case("ReduceMean", [normal(2, 3, 4), ints(1)]), RULES["", "ReduceSum"]),
]


@pytest.mark.parametrize(("case", "rule"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_rule_is_rejected(case: Case, rule: Pullback) -> None:
    assert worst_error(case, pulled_in_double(case)) < TOLERANCE
    wrong = RULES.override({("", case.op): rule})
    assert worst_error(case, pulled_in_double(case, wrong)) > 10 * TOLERANCE
