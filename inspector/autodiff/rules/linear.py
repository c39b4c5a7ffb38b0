"""Matrix products. They broadcast axes of their own, so their rules sum what was repeated themselves."""

from __future__ import annotations

from collections.abc import Sequence

import onnx_ir as ir

from inspector.autodiff.broadcasting import Dim, dims, unbroadcast
from inspector.autodiff.sizes import count
from inspector.autodiff.tape import Operand, Pullback, Tape, Values


def gemm(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """Of alpha * A' @ B' + beta * C, where ' may transpose."""
    (g,), (a, b, *c) = cotangents, node.inputs
    ta, tb = node.attributes.get_int("transA", 0), node.attributes.get_int("transB", 0)
    alpha, beta = node.attributes.get_float("alpha", 1.0), node.attributes.get_float("beta", 1.0)
    product = g if alpha == 1 else tape.Mul(g, alpha)
    ga = None if ta else _of_one_row(tape, g, b, alpha, rows=bool(tb))
    if ga is None:
        ga = tape.Gemm(b, product, transA=tb, transB=1) if ta else tape.Gemm(product, b, transB=1 - tb)
    gb = tape.Gemm(product, a, transA=1, transB=ta) if tb else tape.Gemm(a, product, transA=1 - ta)
    addend = g if beta == 1 else tape.Mul(g, beta)
    gc = [each if each is None else unbroadcast(tape, addend, dims(node.outputs[0]), each) for each in c]
    return [ga, gb, *gc]


def matmul(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """numpy.matmul: a vector counts as a matrix of one row (left) or one column (right)."""
    (g,), (a, b) = cotangents, node.inputs
    rank_a, rank_b = tape.rank(a), tape.rank(b)
    ga = _of_one_row(tape, g, b, 1, rows=False) if rank_a == rank_b == 2 else None
    row = a if rank_a > 1 else tape.Unsqueeze(a, [0])
    column = b if rank_b > 1 else tape.Unsqueeze(b, [1])
    if rank_b == 1:
        g = tape.Unsqueeze(g, [-1])
    if rank_a == 1:
        g = tape.Unsqueeze(g, [-2])
    y = dims(node.outputs[0]) or [None] * max(rank_a, rank_b)
    batch = y[: max(rank_a, rank_b, 2) - 2]
    if ga is None:
        ga = tape.MatMul(g, transposed(tape, column, rank_b))
    if rank_a > 2 >= rank_b:
        # one weight for the whole batch: a single product over all rows also does the sum
        row, g = (
            tape.Reshape(a, [-1, tape.size(a, -1)]),
            tape.Reshape(g, [-1, tape.size(b, 1) if rank_b == 2 else 1]),
        )
        gb = tape.MatMul(tape.Transpose(row, perm=[1, 0]), g)
        return [_reduced(tape, ga, batch, a), tape.reshape_like(gb, b)]
    gb = tape.MatMul(transposed(tape, row, rank_a), g)
    return [_reduced(tape, ga, batch, a), _reduced(tape, gb, batch, b)]


def _of_one_row(tape: Tape, g: Operand, matrix: Operand, alpha: float, *, rows: bool) -> ir.Value | None:
    """`alpha * g @ matrix'`, where the product would read all of the matrix for one number of each row of `g` that is
    not zero: a class's logit needs that class's weights alone. None where `g` is no such cotangent.

    Args:
        tape: to write on.
        g: (N, C), a cotangent.
        matrix: (C, K) with `rows`, else (K, C).
        alpha: a factor.
        rows: whether a class's weights are a row.
    """
    if g is None or g not in tape.picked:
        return None
    index, number = tape.picked[g]
    chosen = tape.Gather(matrix, tape.Squeeze(index, [1]), axis=0 if rows else 1)
    chosen = chosen if rows else tape.Transpose(chosen, perm=[1, 0])
    return tape.Mul(chosen, number if alpha == 1 else tape.Mul(number, alpha))


def transposed(tape: Tape, matrix: Operand, rank: int) -> ir.Value:
    """A batch of matrices, of `rank` axes in all, each transposed."""
    rank = max(rank, 2)
    return tape.Transpose(matrix, perm=[*range(rank - 2), rank - 1, rank - 2])


def _reduced(tape: Tape, g: Operand, batch: Sequence[Dim], operand: Operand) -> Operand:
    """`g`, a batch of matrices, summed over the axes of `batch` that `operand` was repeated along."""
    if tape.rank(operand) > 1:
        return unbroadcast(tape, g, [*batch, *(dims(operand) or [])[-2:]], operand)
    if batch:
        g = tape.ReduceSum(g, list(range(len(batch))), keepdims=0)
    return tape.reshape_like(g, operand)


def det(tape: Tape, node: ir.Node, cotangents: Values) -> Values:
    """The matrix of cofactors (Jacobi's formula), also of a singular matrix: the cofactor of an element is the
    determinant with the element's row replaced by a unit vector.
    """
    (g,), (x,) = cotangents, node.inputs
    lead = tape.rank(x) - 2
    index = count(tape, tape.size(x, -1))
    unit = tape.Equal(tape.Unsqueeze(index, [1]), tape.Unsqueeze(index, [0]))
    # (..., row, column, rows of the matrix, columns of the matrix)
    row = tape.Unsqueeze(unit, [1, 3])
    vector = tape.Unsqueeze(tape.cast_like(unit, x), [0, 2])
    cofactors = tape.Det(tape.Where(row, vector, tape.Unsqueeze(x, [lead, lead + 1])))
    return [tape.Mul(tape.Unsqueeze(g, [lead, lead + 1]), cofactors)]


RULES: dict[str, Pullback] = {
    "Det": det,
    "Gemm": gemm,
    "MatMul": matmul,
}
