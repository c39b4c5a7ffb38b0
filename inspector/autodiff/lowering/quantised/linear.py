"""To integers and back: QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from inspector.autodiff.lowering.saturation import stored
from inspector.autodiff.lowering.scope import INTEGER, Scope, Units, element_type
from inspector.autodiff.tape import Operand

__all__ = ["LOWERINGS"]


def quantize_linear(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """The number itself, saturated at the range of the integer type, not rounded."""
    x, scale, zero = (*node.inputs, None)[:3]
    if x is None or scope.known(x) is not None:
        # weights that the file rounds when it runs keep their rounding
        return None
    dtype = element_type(zero) or _output_type(node)
    return [stored(scope, scope.cast(x, scale.dtype if scale else None), _units(node, scale, zero), dtype)]


def dequantize_linear(scope: Scope, node: ir.Node) -> list[Operand] | None:
    """What stands for the integers already: nothing is left to do. Large weights stay as they are."""
    x, scale, zero = (*node.inputs, None)[:3]
    picked = any(use.node.op_type == "Gather" for output in node.outputs for use in output.uses())
    kept = not scope.stands_for_integers(x) and (picked or not scope.unfolds(x))
    if node.domain == "" and kept:
        return None
    # (another name: the integers may be read by others)
    return [scope.Identity(scope.real(x, _units(node, scale, zero), _float_output(node)))]


def dynamic_quantize_linear(scope: Scope, node: ir.Node) -> list[Operand]:
    """The range follows the tensor, so nothing saturates: without rounding, scale 1 and zero point 0 mean the same."""
    (x,) = node.inputs
    assert x is not None
    one, nought = scope.constant(np.array(1.0, np.float32)), scope.constant(np.array(0, np.uint8))
    return [scope.as_integers(x, INTEGER), one, nought]


def _units(node: ir.Node, scale: Operand, zero: Operand) -> Units:
    return Units(scale, zero, node.attributes.get_int("axis", 1), node.attributes.get_int("block_size", 0))


def _output_type(node: ir.Node) -> ir.DataType:
    said = node.attributes.get_int("output_dtype", 0)
    return ir.DataType(said) if said else ir.DataType.UINT8


def _float_output(node: ir.Node) -> ir.DataType | None:
    said = node.attributes.get_int("output_dtype", 0)
    return ir.DataType(said) if said else None


LOWERINGS = {
    ("", "QuantizeLinear"): quantize_linear,
    ("", "DequantizeLinear"): dequantize_linear,
    ("", "DynamicQuantizeLinear"): dynamic_quantize_linear,
    ("com.microsoft", "QuantizeLinear"): quantize_linear,
    ("com.microsoft", "DequantizeLinear"): dequantize_linear,
}
