"""Small models from text, and numbers to feed them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper, parser

Feeds = dict[str, NDArray]
Build = Callable[[], tuple[onnx.ModelProto, Feeds]]


def floats(*shape: int, seed: int = 0, dtype: str = "float32") -> NDArray:
    """Away from zero, so that no kink of a ReLU is near."""
    values = np.random.default_rng([seed, *shape]).uniform(0.2, 1.5, size=shape)
    signs = np.random.default_rng([seed + 1, *shape]).choice([-1, 1], size=shape)
    return np.asarray(values * signs).astype(dtype)


def text(body: str, opset: str = '"" : 18', ir_version: int = 8, functions: str = "") -> onnx.ModelProto:
    return parser.parse_model(f"<ir_version: {ir_version}, opset_import: [{opset}]>\n{body}\n{functions}")


def small(body: str, opset: str = '"" : 18', **options: object) -> tuple[onnx.ModelProto, Feeds]:
    """A graph over one input `float[n, 6] x`, fed two rows."""
    return text(body, opset, **options), {"x": floats(2, 6)}  # type: ignore[arg-type]


def pictures(body: str, opset: int, weights: dict[str, NDArray]) -> tuple[onnx.ModelProto, Feeds]:
    """A graph over one input `float[n, 3, 8, 8] x`."""
    model = text(body, f'"" : {opset}', ir_version=4 if opset < 13 else 8)
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in weights.items())
    return model, {"x": floats(2, 3, 8, 8)}


def dense(*shape: int) -> str:
    count = int(np.prod(shape))
    values = ", ".join(f"{value:.3f}" for value in floats(*shape).ravel()[:count])
    return f"float[{', '.join(map(str, shape))}] w = {{{values}}}"


def named(*builds: Build) -> dict[str, Build]:
    """Each by its function's name."""
    return {build.__name__: build for build in builds}
