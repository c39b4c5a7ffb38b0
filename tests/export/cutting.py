"""Cuts an exported graph at a tap: is the tensor really what the rest of the model reads?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

Array = NDArray[Any]


def session(model: onnx.ModelProto | Path) -> ort.InferenceSession:
    """A CPU session for a file or a model in memory."""
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return ort.InferenceSession(source, providers=["CPUExecutionProvider"])


def run(path: Path, feed: Mapping[str, Array]) -> dict[str, Array]:
    """Every output by name, in the file's order."""
    running = session(path)
    names = [output.name for output in running.get_outputs()]
    return dict(zip(names, running.run(names, dict(feed)), strict=True))


def run_with(path: Path, feed: Mapping[str, Array], tap: str, value: Array) -> dict[str, Array]:
    """The other outputs when the tensor `tap` is replaced by `value`: its producer is cut off."""
    model = onnx.load(path)
    for node in model.graph.node:
        for i, name in enumerate(node.output):
            if name == tap:
                node.output[i] = f"{tap}__cut"
    outputs = [output for output in model.graph.output if output.name != tap]
    replaced = next(output for output in model.graph.output if output.name == tap)
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    model.graph.input.append(replaced)
    running = session(model)
    known = {entry.name for entry in running.get_inputs()}
    names = [output.name for output in running.get_outputs()]
    given = {name: array for name, array in {**feed, tap: value}.items() if name in known}
    return dict(zip(names, running.run(names, given), strict=True))


def changed_by(path: Path, feed: Mapping[str, Array], tap: str) -> set[str]:
    """The outputs that change when the tap's value does."""
    before = run(path, feed)
    noise = np.random.default_rng(1).standard_normal(before[tap].shape).astype(before[tap].dtype)
    after = run_with(path, feed, tap, before[tap] + 1 + noise)
    return {
        name for name, value in after.items() if not np.allclose(value, before[name], rtol=1e-4, atol=1e-6)
    }
