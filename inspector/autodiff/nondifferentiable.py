"""Operators without a derivative, each with its reason."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["REFUSED", "ZERO_DERIVATIVE"]

_COMPARISON = "its result is true or false: constant almost everywhere"
_STEP = "piecewise constant: its derivative is zero wherever it has one"
_INDEX = "its result is an index: constant almost everywhere"
_SHAPE = "it reads the shape or length of its input, not its values"
_RANDOM = "its result is drawn at random; its input gives a shape or a seed"

ZERO_DERIVATIVE = MappingProxyType(
    {
        ("", op_type): reason
        for reason, op_types in {
            _COMPARISON: "And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Xor",
            _STEP: "BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Ceil Floor Hardmax Round Sign",
            _INDEX: "ArgMax ArgMin NonMaxSuppression NonZero",
            _SHAPE: "ConstantOfShape EyeLike OptionalHasElement SequenceLength Shape Size",
            _RANDOM: "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike",
        }.items()
        for op_type in op_types.split()
    }
)
"""Through these nothing flows back, and that is right: the gradient of what comes before them is zero."""

_ROUNDING = "it rounds to integers: the exact derivative is zero everywhere, which explains nothing"

REFUSED = MappingProxyType(
    {
        ("", "QuantizeLinear"): _ROUNDING,
        ("", "DequantizeLinear"): "what it reads was rounded to integers: nothing comes back through those",
        ("", "DynamicQuantizeLinear"): _ROUNDING,
        ("", "QLinearConv"): _ROUNDING,
        ("", "QLinearMatMul"): _ROUNDING,
        ("", "ConvInteger"): _ROUNDING,
        ("", "MatMulInteger"): _ROUNDING,
    }
)
"""These have no rule on purpose; between tensor and score they are an error that gives the reason."""
