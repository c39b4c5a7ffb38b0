"""Finer-CAM's question as nodes: a class less those most like it, as `explain.cams.finer.contrasted` finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir

from inspector.autodiff.sizes import Size, minimum, product
from inspector.autodiff.tape import Tape

if TYPE_CHECKING:
    from inspector.objectives import TermKey

__all__ = ["contrast"]


def contrast(
    tape: Tape, scores: ir.Value, key: TermKey, index: ir.Value, weight: ir.Value, alpha: float, classes: int
) -> dict[str, ir.Value]:
    """What the objective takes in place of `index` and `weight`, by name: the class and the most similar ones.

    Args:
        tape: where the nodes are written.
        scores: the tensor of `key`, one score per class.
        key: of the objective's one term.
        index: int64 (N, 1) or (1, 1): the class, -1 for the top one.
        weight: float32 (1, 1): of the class.
        alpha, classes: of finercam.
    """
    others = [axis for axis in range(tape.rank(scores)) if axis != key.batch_axis]
    sizes: list[Size] = [tape.size(scores, axis) for axis in others]
    single = tape.cast(scores, ir.DataType.FLOAT)
    flat = tape.Flatten(tape.Transpose(single, perm=[key.batch_axis, *others]), axis=1)
    count = product(sizes)
    chosen = tape.Where(tape.Less(index, 0), tape.ArgMax(flat, axis=1, keepdims=1), index)
    distance = tape.Abs(tape.Sub(flat, tape.GatherElements(flat, chosen, axis=1)))
    own = tape.Equal(tape.Range(0, tape.Squeeze(tape.ints([count]), [0]), 1), chosen)
    far = tape.Where(own, np.float32(np.inf).reshape(1), distance)
    _, similar = tape.op("TopK", far, [minimum(classes, count - 1)], outputs=2, axis=1, largest=0)
    similar.type = ir.TensorType(ir.DataType.INT64)
    share = tape.Softmax(tape.GatherElements(flat, similar, axis=1), axis=1)
    own_weight = tape.Mul(tape.ones(tape.Shape(chosen), single), weight)
    return {
        "target.index.0": tape.Concat(chosen, similar, axis=1),
        "target.sign.0": tape.constant(np.ones((1, 1), np.float32)),
        "target.weight.0": tape.Concat(own_weight, tape.Mul(tape.Mul(own_weight, share), -alpha), axis=1),
    }
