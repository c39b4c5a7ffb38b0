"""Shapes of what the operators of ai.onnx.ml compute, of most of which `onnx` infers only the type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

__all__ = ["complete"]

_AS_READ = frozenset(("Binarizer", "Imputer", "LabelEncoder", "Normalizer", "Scaler"))
# a row of numbers per sample; of the classifiers behind the label of each
_ROWS = frozenset(
    ("FeatureVectorizer", "LinearRegressor", "SVMRegressor", "TreeEnsemble", "TreeEnsembleRegressor")
)
_LABELS_AND_ROWS = frozenset(("LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier"))


def complete(
    node: onnx.NodeProto, types: Mapping[str, onnx.TypeProto], found: Mapping[str, onnx.TypeProto]
) -> None:
    """Give, in place, the results `found` of a node of ai.onnx.ml the shape that they lack.

    Args:
        node: of any operator.
        types: of what it reads.
        found: its results' types, as far as they are known.
    """
    if node.domain != "ai.onnx.ml" or not node.input:
        return
    read = types[node.input[0]].tensor_type
    samples = read.shape.dim[:1] if read.HasField("shape") and len(read.shape.dim) > 1 else None
    for place, name in enumerate(node.output):
        kind = found[name].tensor_type if name in found else None
        if kind is None or not found[name].HasField("tensor_type") or kind.HasField("shape"):
            continue
        if node.op_type in _AS_READ and read.HasField("shape"):
            kind.shape.CopyFrom(read.shape)
        elif node.op_type in _ROWS | _LABELS_AND_ROWS:
            # (an open dimension where the number of samples is not known)
            first = kind.shape.dim.add()
            if samples:
                first.CopyFrom(samples[0])
            if place == 1 or node.op_type in _ROWS:
                kind.shape.dim.add()
