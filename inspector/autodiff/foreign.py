"""Why an operator outside the standard has no derivative here, and what to do."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["REFUSED_ELSEWHERE", "why_unknown"]

_BLOCKED = (
    "its channels lie in blocks, as the processor likes them that the file was optimised on: save the optimised model "
    "with ORT_ENABLE_EXTENDED, or use the model that it was made from"
)
_SEARCH = "it generates tokens one by one and chooses among them: its result is a list of numbers of tokens"
_PACKED = "its sequences are packed together without padding: use the model that it was made from"
_EXPERTS = (
    "a mixture of experts in one operator: use the model that it was made from, where the experts are apart"
)
_ORDERED = "its integers lie in an order that only CUDA reads: use the model that it was made from"
_CACHE = "it keeps its cache in pages that it shares with other calls: use the model that it was made from"

REFUSED_ELSEWHERE = MappingProxyType(
    {
        **{
            ("com.microsoft.nchwc", op_type): _BLOCKED
            for op_type in (
                *("AveragePool", "Conv", "GlobalAveragePool", "GlobalMaxPool", "MaxPool"),
                *("ReorderInput", "ReorderOutput", "Upsample"),
            )
        },
        **{
            ("com.microsoft", op_type): reason
            for reason, op_types in {
                _SEARCH: ("BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch"),
                _PACKED: ("PackedAttention", "PackedMultiHeadAttention", "RemovePadding", "RestorePadding"),
                _EXPERTS: ("MoE", "QMoE"),
                _ORDERED: (
                    *(
                        "DequantizeWithOrder",
                        "QOrderedAttention",
                        "QOrderedGelu",
                        "QOrderedLayerNormalization",
                    ),
                    *("QOrderedLongformerAttention", "QOrderedMatMul", "QuantizeWithOrder"),
                ),
                _CACHE: ("PagedAttention", "SparsePagedAttention"),
            }.items()
            for op_type in op_types
        },
    }
)
"""Operators of runtimes that are known and not taken apart, each with its reason."""

_DOMAINS = {
    "ai.onnx.contrib": "an operator of onnxruntime-extensions, mostly text and pictures in and out",
    "com.microsoft.extensions": "an operator of onnxruntime-extensions, mostly text and pictures in and out",
    "com.microsoft": "an operator of onnxruntime that is not taken apart, or not with these attributes: use the model "
    "before it was optimised",
    "org.pytorch.aten": "an operator of PyTorch that its exporter left over: export the model again without fallback",
    "aten": "an operator of PyTorch that its exporter left over: export the model again without fallback",
    "prim": "an operator of PyTorch that its exporter left over: export the model again without fallback",
}


def why_unknown(domain: str, op_type: str) -> str:
    """Why the operator has no rule."""
    if (domain, op_type) in REFUSED_ELSEWHERE:
        return REFUSED_ELSEWHERE[domain, op_type]
    if domain in _DOMAINS:
        return _DOMAINS[domain]
    if domain:
        return (
            f"the domain {domain!r} is not part of the ONNX standard, and nothing is known of its operators"
        )
    return "there is no rule for it"
