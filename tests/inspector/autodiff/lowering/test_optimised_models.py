"""Models as onnxruntime's optimisers and quantisers write them, beside the models that they were made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16

from inspector import Inspector
from inspector.errors import ModelError
from tests.inspector.autodiff.case import Array

from .networks import cnn, optimised, photographs, transformer


def tokens(count: int) -> Array:
    return np.random.default_rng(1).normal(size=(count, 6, 16)).astype(np.float32)


def far(mine: Array, theirs: Array) -> float:
    return float(np.linalg.norm(mine - theirs) / np.linalg.norm(theirs))


@pytest.mark.parametrize(
    ("network", "level", "fused"),
    [
        ("cnn", "BASIC", set()),
        ("cnn", "EXTENDED", {"FusedConv"}),
        ("transformer", "BASIC", set()),
        ("transformer", "EXTENDED", {"BiasGelu", "FusedMatMul", "SkipLayerNormalization"}),
        ("transformer", "bert", {"Attention", "BiasGelu", "SkipLayerNormalization"}),
    ],
)
def test_the_gradient_is_that_of_the_model_before(
    network: str, level: str, fused: set[str], tmp_path: Path
) -> None:
    source, x = (cnn(), photographs(2)) if network == "cnn" else (transformer(), tokens(2))
    lens, truth = Inspector(optimised(source, level, tmp_path), threads=1), Inspector(source, threads=1)
    assert {name.removeprefix("com.microsoft.") for name in lens.evaluator.lowered.replaced} == fused
    assert not lens.evaluator.lowered.quantised
    for target in range(4):
        # smooth, or with ReLUs at the same places: only the order of sums differs
        assert far(lens.gradient(x, target), truth.gradient(x, target)) < 1e-5
    found = lens.explain(x[:1], check=True)
    assert found.check is not None
    assert found.check.passed
    assert (found.check.precision, found.check.against) == ("float64", "the file")
    assert not any("quantised" in note for note in found.notes)


@pytest.mark.parametrize("level", ["EXTENDED", "bert"])
def test_an_optimised_transformer_that_is_quantised_dynamically(level: str, tmp_path: Path) -> None:
    source, x = transformer(), tokens(2)
    quantised = tmp_path / "quantised.onnx"
    onnx.save(optimised(source, level, tmp_path), tmp_path / "made.onnx")
    # (its shape inference stops at fused operators)
    quantize_dynamic(
        tmp_path / "made.onnx", quantised, extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT}
    )
    lens, truth = Inspector(quantised, threads=1), Inspector(source, threads=1)
    operators = set(lens.evaluator.lowered.replaced)
    assert operators >= {"DynamicQuantizeLinear", "MatMulInteger"}
    assert ("com.microsoft.QAttention" in operators) == (level == "bert")
    for target in range(4):
        # each weight is rounded by nearly 1 % of their spread, and six products follow each other
        mine, theirs = lens.gradient(x, target), truth.gradient(x, target)
        assert np.corrcoef(mine.ravel(), theirs.ravel())[0, 1] > 0.99
    check = lens.check(x[:1])
    assert check.passed
    assert check.against == "the de-quantised graph"


def test_an_optimised_transformer_in_float16(tmp_path: Path) -> None:
    source, x = transformer(), tokens(2)
    half = convert_float_to_float16(optimised(source, "bert", tmp_path), keep_io_types=True)
    lens, truth = Inspector(half, threads=1), Inspector(source, threads=1)
    assert far(lens.gradient(x, 1), truth.gradient(x, 1)) < 0.02


def test_a_mistake_in_what_replaces_an_operator_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only the gradient: the whole model would be another."""
    from inspector.autodiff.lowering.fused import products

    monkeypatch.setattr(products, "activate", lambda tape, x, *_: tape.Mul(x, 1.01))
    lens = Inspector(optimised(cnn(), "EXTENDED", tmp_path), threads=1)
    with pytest.raises(ModelError, match=r"replacing com\.microsoft\.FusedConv changes its output 'logits'"):
        lens.gradient(photographs(1))
