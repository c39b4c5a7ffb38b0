"""Einsum: sums of products over named axes.

The cotangent of one operand is again an Einsum: of the cotangent of the result and the other operands, to the
operand's own axes. An axis that only this operand has was summed: its cotangent is repeated along it. An axis named
twice is a diagonal: everything beside it gets zero.
"""

from __future__ import annotations

import string
from collections.abc import Sequence

import onnx_ir as ir

from inspector.autodiff.broadcasting import Dim, along, dims, unbroadcast
from inspector.autodiff.sizes import count
from inspector.autodiff.tape import Operand, Pullback, Tape, Values


def einsum(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    (g,), operands = cotangents, list(node.inputs)
    terms, result = _named(node.attributes["equation"].as_string(), [tape.rank(x) for x in operands])
    lengths = _lengths(terms, operands)
    wide = [tape.widened(each) for each in (g, *operands)]
    factors: list[tuple[str, Operand]] = [(result, wide[0])]
    factors += [_without_repeated(tape, *each, lengths) for each in zip(terms, wide[1:], strict=True)]
    pulled: list[Operand] = []
    for place, (term, x) in enumerate(zip(terms, operands, strict=True)):
        if not tape.wants(x):
            pulled.append(None)
            continue
        others = [factor for other, factor in enumerate(factors) if other != place + 1]
        pulled.append(_pulled(tape, x, term, others, lengths))
    return pulled


def _without_repeated(tape: Tape, term: str, x: Operand, lengths: dict[str, Dim]) -> tuple[str, Operand]:
    """`x` without its axes of length 1 that meet longer ones: what it holds does not depend on them."""
    sizes = dims(x) or [None] * len(term)
    axes = [
        axis
        for axis, (name, size) in enumerate(zip(term, sizes, strict=True))
        if size == 1 and lengths[name] != 1
    ]
    kept = "".join(name for axis, name in enumerate(term) if axis not in axes)
    return (kept, tape.Squeeze(x, axes)) if axes else (term, x)


def _pulled(
    tape: Tape, x: Operand, term: str, factors: Sequence[tuple[str, Operand]], lengths: dict[str, Dim]
) -> Operand:
    """The sum over `factors`, each with the names of its axes, to the axes `term` of `x`."""
    axes = "".join(dict.fromkeys(term))
    have = "".join(name for name in axes if any(name in names for names, _ in factors))
    equation = ",".join(names for names, _ in factors) + "->" + have
    gx: Operand = tape.Einsum(*(factor for _, factor in factors), equation=equation)
    missing = [place for place, name in enumerate(axes) if name not in have]
    if missing:
        gx = tape.Unsqueeze(gx, missing)
    if len(axes) == len(term):
        if missing:
            gx = tape.Expand(gx, tape.shape(x))
        # an axis of length 1 that met a longer one was repeated
        return unbroadcast(tape, gx, [lengths[name] for name in term], x)
    # the second and further occurrences of a name: beside the others, and zero off the diagonal
    first: dict[str, int] = {}
    places: list[int] = []
    for place, name in enumerate(term):
        if name in first:
            places.append(place)
        first.setdefault(name, place)
    order = sorted(range(len(axes)), key=lambda axis: first[axes[axis]])
    if order != list(range(len(axes))):
        gx = tape.Transpose(gx, perm=order)
    gx = tape.Unsqueeze(gx, places)
    for place in places:
        gx = tape.Where(_diagonal(tape, x, first[term[place]], place), gx, 0)
    return tape.Expand(gx, tape.shape(x))


def _diagonal(tape: Tape, x: Operand, one: int, other: int) -> ir.Value:
    """Where the indices along two axes of `x` are equal; it broadcasts against `x`."""
    rank = tape.rank(x)

    return tape.Equal(*(along(tape, count(tape, tape.size(x, axis)), axis, rank) for axis in (one, other)))


def _named(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The axes of every operand and of the result, each a letter: also those behind an ellipsis."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    free = [letter for letter in string.ascii_letters if letter not in equation]
    widths = [
        rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True) if "..." in term
    ]
    behind = "".join(free[: max(widths, default=0)])

    def spelled(term: str, rank: int) -> str:
        width = rank - len(term.replace("...", ""))
        return term.replace("...", behind[len(behind) - width :])

    named = [spelled(term, rank) for term, rank in zip(terms, ranks, strict=True)]
    if arrow:
        return named, right.replace("...", behind)
    letters = sorted(left.replace("...", "").replace(",", ""))
    return named, behind + "".join(letter for letter in letters if letters.count(letter) == 1)


def _lengths(terms: Sequence[str], operands: Sequence[Operand]) -> dict[str, Dim]:
    """The length of each named axis where the model tells: what is not 1 is as long wherever the name occurs."""
    seen: dict[str, set[Dim]] = {}
    for term, x in zip(terms, operands, strict=True):
        for name, length in zip(term, dims(x) or [None] * len(term), strict=True):
            seen.setdefault(name, set()).add(length)
    found: dict[str, Dim] = {}
    for name, lengths in seen.items():
        longer = lengths - {1}
        number = next((length for length in longer if isinstance(length, int)), None)
        # of two symbols either may turn out to be 1
        found[name] = number if number is not None or len(longer) > 1 else next(iter(longer), 1)
    return found


RULES: dict[str, Pullback] = {"Einsum": einsum}
