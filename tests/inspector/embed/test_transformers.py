"""Token sequences are folded to maps by nodes of the file."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector
from tests.inspector.embed.running import agrees, run
from tests.inspector.graphs import model, normal

torch = pytest.importorskip("torch")

from tests.inspector.explain.transformers import Swin, ViT, save  # noqa: E402

CASES: dict[str, tuple[Callable[[], torch.nn.Module], tuple[int, int]]] = {
    "class token": (ViT, (48, 32)),
    "registers": (lambda: ViT(registers=2, mean=True), (48, 32)),
    "shifted windows": (Swin, (96, 64)),
}


@pytest.mark.parametrize("case", CASES)
def test_tokens(case: str, tmp_path: Path) -> None:
    make, size = CASES[case]
    torch.manual_seed(0)
    with warnings.catch_warnings():
        # of the exporter's own
        warnings.simplefilter("ignore")
        lens = Inspector(save(make(), torch.randn(2, 3, *size), tmp_path / "model.onnx"))
    x = np.random.default_rng(0).normal(size=(2, 3, *size)).astype(np.float32)
    for method in ("gradcam", "layercam", "saliency"):
        agrees(lens, tmp_path / "explained.onnx", {"image": x}, method, classes=[3, -1])


def test_tokens_that_the_user_tells(tmp_path: Path) -> None:
    """(samples, tokens, channels), of which nothing in the graph says that they are places."""
    nodes = [
        helper.make_node("Reshape", ["x", "flat"], ["rows"]),
        helper.make_node("Gemm", ["rows", "mix"], ["mixed"]),
        helper.make_node("Reshape", ["mixed", "parted"], ["tokens"]),
        helper.make_node("Relu", ["tokens"], ["relu"]),
        helper.make_node("ReduceMean", ["relu", "one"], ["pooled"], keepdims=0),
        helper.make_node("MatMul", ["pooled", "head"], ["logits"]),
    ]
    weights = {
        "flat": np.array([-1, 3 * 8 * 12]), "parted": np.array([-1, 7, 5]), "one": np.array([1]),
        "mix": normal(3 * 8 * 12, 35), "head": normal(5, 4, scale=1),
    }  # fmt: skip
    lens = Inspector(model(nodes, {"x": ["batch", 3, 8, 12]}, {"logits": ["batch", 4]}, weights))
    x = {"x": normal(3, 3, 8, 12, scale=1)}
    agrees(lens, tmp_path / "explained.onnx", x, layer="relu", tokens="1+2x3", classes=[-1, 0, 3])
    agrees(lens, tmp_path / "explained.onnx", x, layer="relu", tokens="2x3+1")


def tokens_of_any_picture() -> Inspector:
    """Patches of 4 x 4 as tokens behind a class token, pictures of any size, 5 classes."""
    nodes = [
        helper.make_node("Conv", ["image", "patches"], ["conv"], strides=[4, 4]),
        helper.make_node("Reshape", ["conv", "flat"], ["columns"]),
        helper.make_node("Transpose", ["columns"], ["rows"], perm=[0, 2, 1]),
        helper.make_node("Slice", ["rows", "zero", "one", "one"], ["first"]),
        helper.make_node("Mul", ["first", "nothing"], ["blank"]),
        helper.make_node("Add", ["blank", "class_token"], ["token"]),
        helper.make_node("Concat", ["token", "rows"], ["tokens"], axis=1),
        helper.make_node("Relu", ["tokens"], ["relu"]),
        helper.make_node("ReduceMean", ["relu", "one"], ["pooled"], keepdims=0),
        helper.make_node("MatMul", ["pooled", "head"], ["logits"]),
    ]
    weights = {
        "patches": normal(6, 3, 4, 4, scale=1), "flat": np.array([0, 6, -1]), "zero": np.array([0]),
        "one": np.array([1]), "nothing": np.zeros(1, np.float32), "class_token": normal(6, seed=1),
        "head": normal(6, 5, scale=1),
    }  # fmt: skip
    return Inspector(model(nodes, {"image": ["n", 3, "h", "w"]}, {"logits": ["n", 5]}, weights))


@pytest.mark.parametrize("method", ["gradcam", "guided-gradcam"])
def test_tokens_of_pictures_of_any_size(method: str, tmp_path: Path) -> None:
    lens, path = tokens_of_any_picture(), tmp_path / "explained.onnx"
    assert lens.default_layer().name in ("tokens", "relu")
    lens.embed(path, method)
    for count, height, width in ((1, 16, 24), (2, 20, 8)):
        x = np.random.default_rng(count).normal(size=(count, 3, height, width)).astype(np.float32)
        expected = lens.explain(x, method).heatmap
        np.testing.assert_allclose(run(path, {"image": x})["heatmap"], expected, rtol=0, atol=1e-5)
