"""The networks of these tests a second time, in double precision, in PyTorch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto, helper

from tests.inspector.graphs import cnn_weights, model, normal

__all__ = [
    "Double",
    "after_pool",
    "forward",
    "gradient",
    "pooled",
    "pooled_weights",
    "tokens",
    "tokens_logits",
]

Double = NDArray[np.float64]


def forward(x: torch.Tensor) -> dict[str, torch.Tensor]:
    """`tests.inspector.graphs.cnn`."""
    w = {name: torch.tensor(array.astype(float)) for name, array in cnn_weights().items()}
    found = {"image": x, "conv": torch.nn.functional.conv2d(x, w["conv.weight"], w["conv.bias"])}
    found["relu"] = torch.relu(found["conv"])
    found["batch_norm"] = torch.nn.functional.batch_norm(
        found["relu"], w["bn.mean"], w["bn.variance"], w["bn.scale"], w["bn.shift"], eps=1e-5
    )
    found["max_pool"] = torch.nn.functional.max_pool2d(found["batch_norm"], 2)
    found["logits"] = after_pool(found["max_pool"])
    return found


def after_pool(max_pool: torch.Tensor) -> torch.Tensor:
    """Its logits from its last feature map."""
    w = cnn_weights()
    head, bias = (torch.tensor(w[name].astype(float)) for name in ("fc.weight", "fc.bias"))
    return max_pool.flatten(1) @ head.T + bias


def gradient(x: NDArray[np.float32], layer: str, classes: list[int]) -> tuple[Double, Double]:
    """A layer's values and the gradient there of one class of each image."""
    tensors = forward(torch.tensor(x.astype(float), requires_grad=True))
    score = tensors["logits"][range(len(x)), classes].sum()
    (found,) = torch.autograd.grad(score, tensors[layer])
    return tensors[layer].detach().numpy(), found.numpy()


def pooled_weights() -> dict[str, NDArray[np.float32]]:
    return {
        "conv.weight": normal(6, 3, 3, 3, scale=1),
        "conv.bias": normal(6, seed=1),
        "fc.weight": normal(5, 6, seed=2, scale=1),
        "fc.bias": normal(5, seed=3),
    }


def pooled(pool: str = "GlobalAveragePool", final: str | None = None, last: str = "relu") -> ModelProto:
    """Conv-Relu-pool-Flatten-Gemm on 8 x 8 RGB, 5 classes; "last": channels last between transposes."""
    nodes = [
        helper.make_node("Conv", ["image", "conv.weight", "conv.bias"], ["conv"]),
        helper.make_node("Relu", ["conv"], ["relu"]),
    ]
    weights = pooled_weights()
    if last == "last":
        nodes += [
            helper.make_node("Transpose", ["relu"], ["moved"], perm=[0, 2, 3, 1]),
            helper.make_node("Relu", ["moved"], ["last"]),
            helper.make_node("Transpose", ["last"], ["back"], perm=[0, 3, 1, 2]),
        ]
    source = "back" if last == "last" else "relu"
    if pool == "ReduceMean":
        weights["axes"] = np.array([2, 3])  # type: ignore[assignment]
        nodes.append(helper.make_node(pool, [source, "axes"], ["flat"], keepdims=0))
    else:
        nodes += [helper.make_node(pool, [source], ["pool"]), helper.make_node("Flatten", ["pool"], ["flat"])]
    nodes.append(helper.make_node("Gemm", ["flat", "fc.weight", "fc.bias"], ["logits"], transB=1))
    output = "logits"
    if final is not None:
        output = "output"
        nodes.append(helper.make_node(final, ["logits"], [output]))
    return model(nodes, {"image": ["n", 3, 8, 8]}, {output: ["n", 5]}, weights)


TOKENS = {
    "patch.weight": normal(6, 3, 4, 4, scale=0.5),
    "mix": normal(17, 17, seed=1, scale=0.5),
    "fc.weight": normal(6, 5, seed=2, scale=1),
}


def tokens() -> ModelProto:
    """16 x 16 RGB cut into 4 x 4 patches, a first token (their mean) before them, all mixed, the first read."""
    sizes = {"flat": np.array([0, 6, 16]), "first": np.array(0), "one": np.array([1])}
    nodes = [
        helper.make_node("Conv", ["image", "patch.weight"], ["patches"], strides=[4, 4]),
        helper.make_node("Reshape", ["patches", "flat"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["places"], perm=[0, 2, 1]),
        helper.make_node("ReduceMean", ["places", "one"], ["mean"], keepdims=1),
        helper.make_node("Concat", ["mean", "places"], ["joined"], axis=1),
        helper.make_node("Relu", ["joined"], ["tokens"]),
        helper.make_node("MatMul", ["mix", "tokens"], ["mixed"]),
        helper.make_node("Gather", ["mixed", "first"], ["read"], axis=1),
        helper.make_node("MatMul", ["read", "fc.weight"], ["logits"]),
    ]
    return model(nodes, {"image": ["n", 3, 16, 16]}, {"logits": ["n", 5]}, {**TOKENS, **sizes})


def tokens_logits(seen: Double) -> Double:
    """The logits of `tokens` from its tensor of the same name, (N, 17, 6)."""
    mixed = np.einsum("st,ntc->nsc", TOKENS["mix"].astype(float), seen)
    logits: Double = mixed[:, 0] @ TOKENS["fc.weight"].astype(float)
    return logits
