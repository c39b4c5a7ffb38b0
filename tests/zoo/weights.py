"""Weights for the models of the `onnx` package that come without."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod, sqrt
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

__all__ = ["fill_weights"]

# what an input of an operator is, where it is not the data
_ROLES = {
    "Conv": {1: "kernel", 2: "shift"},
    "Gemm": {1: "matrix", 2: "shift"},
    "BatchNormalization": {1: "factor", 2: "shift", 3: "shift", 4: "variance"},
    "Mul": {1: "factor"},
    "Add": {1: "shift"},
}


def fill_weights(model: onnx.ModelProto, seed: int = 0) -> onnx.ModelProto:
    """Fill the weights that `ConstantOfShape` makes: all equal, any permutation of channels would look right.

    Kernels and matrices are normal with variance 2 / fan-in (He et al. 2015, eq. 10); factors lie near one, shifts
    near zero, variances between a half and one and a half. The result's weights are initialisers.
    """
    filled = onnx.ModelProto()
    filled.CopyFrom(model)
    graph = filled.graph
    shapes = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    constants = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "ConstantOfShape"}
    roles = dict(_roles(graph))
    random = np.random.default_rng(seed)
    kept = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    for name, shape in constants.items():
        role, transposed = roles[name]
        values = _draw(role, tuple(int(size) for size in shapes[shape]), transposed, random)
        graph.initializer.append(numpy_helper.from_array(values, name))
    del graph.node[:]
    graph.node.extend(kept)
    unused = set(constants.values())
    for listed in (graph.initializer, graph.input):
        remaining = [entry for entry in listed if entry.name not in unused]
        del listed[:]
        listed.extend(remaining)
    return filled


def _roles(graph: onnx.GraphProto) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Tensor -> its role at the node that reads it, in another shape or not; and whether that node transposes it."""
    reshaping = ("Unsqueeze", "Reshape")
    before = {node.output[0]: node.input[0] for node in graph.node if node.op_type in reshaping}
    for node in graph.node:
        transposed = any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
        for position, role in _ROLES.get(node.op_type, {}).items():
            if position < len(node.input):
                name = node.input[position]
                while name in before:
                    name = before[name]
                yield name, (role, transposed)


def _draw(
    role: str, shape: tuple[int, ...], transposed: bool, random: np.random.Generator
) -> NDArray[np.float32]:
    values: NDArray[Any]
    if role == "kernel":
        values = random.standard_normal(shape) * sqrt(2 / prod(shape[1:]))
    elif role == "matrix":
        values = random.standard_normal(shape) * sqrt(2 / shape[1 if transposed else 0])
    elif role == "factor":
        values = random.uniform(0.9, 1.1, shape)
    elif role == "variance":
        values = random.uniform(0.5, 1.5, shape)
    else:
        values = 0.1 * random.standard_normal(shape)
    return values.astype(np.float32)
