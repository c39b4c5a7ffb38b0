"""Files as other people's tools write them: old opsets, no taps, layouts and names left as they fall."""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from tests.architectures.row import Row

__all__ = ["measure_keras", "measure_torch"]


def measure_torch(case: Any, folder: Path, row: Row) -> None:
    """By the exporter that traces (`dynamo=False`), which most files of PyTorch on the web come from."""
    import torch

    from tests.architectures.torch_case import compare_file

    started = time.monotonic()
    module, example = case.settled(), case.inputs(2, 0)
    row.input = tuple(next(iter(example.values())).shape[1:])
    path = folder / "legacy.onnx"
    names = [*example]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the tracer's own remarks on every shape that it takes for a constant
        torch.onnx.export(
            _positional(module, names, case.score.output),
            tuple(example.values()),
            str(path),
            dynamo=False,
            opset_version=case.opset,
            input_names=names,
            output_names=[case.score.output],
            dynamic_axes={name: {0: "batch"} for name in [*names, case.score.output]},
        )
    compare_file(case, module, path, row)
    row.seconds = time.monotonic() - started


def _positional(module: Any, names: list[str], output: str) -> Any:
    """The module with positional arguments and one result."""
    from torch import nn

    class Positional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = module

        def forward(self, *values: Any) -> Any:
            return self.inner(**dict(zip(names, values, strict=True)))[output]

    return Positional().eval()


def measure_keras(case: Any, folder: Path, row: Row) -> None:
    """By tf2onnx's command line, from a SavedModel: channels last, weights as they are, TensorFlow's names."""
    import keras

    from tests.architectures.keras_case import CALIBRATION, compare_file
    from tests.architectures.keras_truth import settle

    started = time.monotonic()
    keras.backend.clear_session()
    many = case.pictures(CALIBRATION)
    model = settle(case.build(), many)
    row.input = many.shape[1:]
    saved, path = folder / "saved", folder / "legacy.onnx"
    model.export(str(saved), verbose=False)
    arguments = ("--saved-model", str(saved), "--output", str(path), "--opset", str(case.opset))
    subprocess.run([sys.executable, "-m", "tf2onnx.convert", *arguments], check=True)
    compare_file(case, model, path, row)
    row.seconds = time.monotonic() - started
