"""A small vision transformer written down twice: as a graph, in several forms of attention, and in PyTorch."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from inspector import Inspector
from tests.inspector.graphs import normal

__all__ = ["GRID", "HEADS", "LAYERS", "PICTURE", "forward", "transformer"]

PICTURE, GRID, PATCH = (24, 16), (6, 4), 4
WIDTH, HEADS, LAYERS, CLASSES = 16, 2, 3, 5
SIZE = WIDTH // HEADS


def weights(extra: int) -> dict[str, NDArray[np.float32]]:
    tokens = extra + GRID[0] * GRID[1]
    found = {
        "patch.w": normal(WIDTH, 3, PATCH, PATCH, scale=0.3),
        "class": normal(1, extra, WIDTH, scale=1),
        "positions": normal(1, tokens, WIDTH, scale=1),
        "head.w": normal(WIDTH, CLASSES, scale=1),
    }
    for layer in range(LAYERS):
        for part in "qkvo":
            found[f"{layer}.{part}"] = normal(WIDTH, WIDTH, seed=10 * layer + ord(part), scale=0.25)
    return found


def forward(
    x: torch.Tensor, extra: int = 1, mean: bool = False, distilled: bool = False
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits, and the attention matrices (N, heads, T, T) of each layer, in double precision."""
    x, w = x.double(), {name: torch.from_numpy(array).double() for name, array in weights(extra).items()}
    patches = torch.nn.functional.conv2d(x, w["patch.w"], stride=PATCH).flatten(2).transpose(1, 2)
    tokens = torch.cat([w["class"].expand(len(x), -1, -1), patches], 1) + w["positions"]
    matrices = []
    for layer in range(LAYERS):
        q, k, v = (
            (tokens @ w[f"{layer}.{part}"]).unflatten(-1, (HEADS, SIZE)).transpose(1, 2) for part in "qkv"
        )
        matrices.append((q @ k.transpose(-1, -2) / SIZE**0.5).softmax(-1))
        if matrices[-1].requires_grad:
            matrices[-1].retain_grad()
        read = (matrices[-1] @ v).transpose(1, 2).flatten(2)
        tokens = tokens + torch.tanh(read @ w[f"{layer}.o"])
    pooled = tokens[:, extra:].mean(1) if mean else tokens[:, 0]
    if distilled:
        pooled = (tokens[:, 0] + tokens[:, 1]) / 2
    return pooled @ w["head.w"], matrices


class Writer:
    """Nodes, each named after its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.numbers: dict[str, NDArray[Any]] = {}

    def op(self, op_type: str, *inputs: Any, **attributes: Any) -> str:
        name = f"{op_type}.{len(self.nodes)}"
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        self.nodes.append(helper.make_node(op_type, names, [name], **attributes))
        return name

    def constant(self, value: Any) -> str:
        name = f"number.{len(self.numbers)}"
        self.numbers[name] = np.asarray(value, np.float32 if isinstance(value, float) else np.int64)
        return name


@cache
def transformer(
    kind: str = "heads",
    extra: int = 1,
    mean: bool = False,
    distilled: bool = False,
    batch: int | str = "n",
    windows: bool = False,
) -> Inspector:
    """The network of `forward` as a graph.

    Args:
        kind: "heads": matrices (N, heads, T, T); "merged": (N * heads, T, T); "standard": the operator Attention of
            ai.onnx; "contributed": MultiHeadAttention of com.microsoft.
        extra: tokens before the patches.
        mean: the head reads the mean of the patches, not the first token.
        distilled: the logits are the mean of two heads' (here the same), of the first and of the second token (DeiT).
        batch: of the input.
        windows: attention within each row of patches only; without tokens before them.
    """
    w = Writer()
    maps = w.op("Conv", "x", "patch.w", strides=[PATCH, PATCH])
    flat = w.op("Reshape", maps, [0, WIDTH, -1])
    tokens = w.op("Transpose", flat, perm=[0, 2, 1])
    if extra:
        first = w.op("Expand", "class", w.op("Concat", w.op("Shape", "x", end=1), [1, 1], axis=0))
        tokens = w.op("Concat", first, tokens, axis=1)
    tokens = w.op("Add", tokens, "positions")
    for layer in range(LAYERS):
        given = w.op("Reshape", tokens, [-1, GRID[1], WIDTH]) if windows else tokens
        q, k, v = (w.op("MatMul", given, f"{layer}.{part}") for part in "qkv")
        read = _attend(w, kind, q, k, v)
        if windows:
            read = w.op("Reshape", read, [-1, GRID[0] * GRID[1], WIDTH])
        tokens = w.op("Add", tokens, w.op("Tanh", w.op("MatMul", read, f"{layer}.o")))
    if mean or windows:
        pooled = [w.op("ReduceMean", w.op("Slice", tokens, [extra], [1000], [1]), [1], keepdims=0)]
    else:
        pooled = [w.op("Gather", tokens, number, axis=1) for number in range(1 + distilled)]
    w.nodes.append(helper.make_node("Mean", [w.op("MatMul", each, "head.w") for each in pooled], ["logits"]))
    used = {name for node in w.nodes for name in node.input}
    constants = {**weights(extra), **w.numbers}
    graph = helper.make_graph(
        w.nodes,
        "transformer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, *PICTURE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, CLASSES])],
        [numpy_helper.from_array(array, name) for name, array in constants.items() if name in used],
    )
    opsets = [
        helper.make_opsetid("", 23 if kind == "standard" else 18),
        helper.make_opsetid("com.microsoft", 1),
    ]
    return Inspector(helper.make_model(graph, opset_imports=opsets, ir_version=10))


def _attend(w: Writer, kind: str, q: str, k: str, v: str) -> str:
    if kind == "standard":
        return w.op("Attention", q, k, v, q_num_heads=HEADS, kv_num_heads=HEADS)
    if kind == "contributed":
        return w.op("MultiHeadAttention", q, k, v, num_heads=HEADS, domain="com.microsoft")
    count = -1
    q, k, v = (
        w.op("Transpose", w.op("Reshape", each, [0, 0, HEADS, SIZE]), perm=[0, 2, 1, 3]) for each in (q, k, v)
    )
    turned = w.op("Transpose", k, perm=[0, 1, 3, 2])
    if kind == "merged":
        length = w.op("Shape", q, start=2, end=3)
        ahead, size = w.op("Concat", [count], length, [SIZE], axis=0), SIZE
        q, v = w.op("Reshape", q, ahead), w.op("Reshape", v, ahead)
        turned = w.op("Reshape", turned, w.op("Concat", [count], [size], length, axis=0))
    scores = w.op("Mul", w.op("MatMul", q, turned), 1 / SIZE**0.5)
    read = w.op("MatMul", w.op("Softmax", scores, axis=-1), v)
    if kind == "merged":
        read = w.op("Reshape", read, w.op("Concat", [count], [HEADS], length, [SIZE], axis=0))
    return w.op("Reshape", w.op("Transpose", read, perm=[0, 2, 1, 3]), [0, 0, WIDTH])
