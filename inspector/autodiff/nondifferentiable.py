"""Operators without a derivative, each with its reason."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["RANDOM", "REFUSED", "ZERO_DERIVATIVE"]

_COMPARISON = "its result is true or false: constant almost everywhere"
_STEP = "piecewise constant: its derivative is zero wherever it has one"
_INDEX = "its result is an index: constant almost everywhere"
_SHAPE = "it reads the shape or length of its input, not its values"
_SOURCE = "it has no floating-point input"
_TEXT = "its input is text, bytes or whole numbers"
_RANDOM = "its result is drawn at random; its input gives a shape or a seed"
_CATEGORY = "it looks its input up among categories: constant wherever it has a value"

RANDOM = (
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
)
"""Operators that draw at random."""

ZERO_DERIVATIVE = MappingProxyType(
    {
        ("", op_type): reason
        for reason, op_types in {
            _COMPARISON: "And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Xor",
            _STEP: "BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Ceil Floor Hardmax Round Sign",
            _INDEX: "ArgMax ArgMin NonMaxSuppression NonZero",
            _SOURCE: "BlackmanWindow Constant HammingWindow HannWindow SequenceEmpty",
            _TEXT: "ImageDecoder RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer",
            _SHAPE: "ConstantOfShape EyeLike OptionalHasElement SequenceLength Shape Size",
            _RANDOM: " ".join(RANDOM),
        }.items()
        for op_type in op_types.split()
    }
    | {
        ("", "MelWeightMatrix"): "its bins are whole numbers: constant almost everywhere in the frequencies",
    }
    | {
        ("ai.onnx.ml", op_type): reason
        for reason, op_types in {
            _STEP: "Binarizer TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor",
            _CATEGORY: "CategoryMapper LabelEncoder OneHotEncoder",
        }.items()
        for op_type in op_types.split()
    }
)
"""Through these nothing flows back, and that is right: the gradient of what comes before them is zero."""

_ROUNDING = "it rounds to integers: the exact derivative is zero everywhere, which explains nothing"
_MAP = "it reads or writes maps, which hold no tensors: convert the model without them (zipmap=False)"
_TRAINING = "a step of training, which onnxruntime does not run in a model"

REFUSED = MappingProxyType(
    {
        (
            "",
            "BitCast",
        ): "it reads the bits of a number as another: the result has no derivative by the number",
        ("", "QuantizeLinear"): _ROUNDING,
        ("", "DequantizeLinear"): "what it reads was rounded to integers: nothing comes back through those",
        ("", "DynamicQuantizeLinear"): _ROUNDING,
        ("", "QLinearConv"): _ROUNDING,
        ("", "QLinearMatMul"): _ROUNDING,
        ("", "ConvInteger"): _ROUNDING,
        ("", "MatMulInteger"): _ROUNDING,
    }
    | {("ai.onnx.ml", op_type): _MAP for op_type in ("CastMap", "DictVectorizer", "ZipMap")}
    | {
        ("ai.onnx.preview.training", op_type): _TRAINING
        for op_type in ("Adagrad", "Adam", "Gradient", "Momentum")
    }
)
"""These have no rule on purpose; between tensor and score they are an error that gives the reason."""
