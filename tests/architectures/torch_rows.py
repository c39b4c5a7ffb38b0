"""Every PyTorch architecture: `make test-architectures`, or `pytest tests/architectures/torch_rows.py -k Swin`."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from tests.architectures.families.dense import DETECTORS, SEGMENTERS
from tests.architectures.families.features import ENCODERS, TEXT
from tests.architectures.families.vision import CLASSIFIERS
from tests.architectures.legacy import measure_torch
from tests.architectures.row import Row, filling
from tests.architectures.torch_case import TorchCase, measure

CASES = [*CLASSIFIERS, *DETECTORS, *SEGMENTERS, *ENCODERS, *TEXT]
TRACED = {
    "ResNet": 9,
    "MobileNet v2": 11,
    "EfficientNet": 11,
    "RegNet": 12,
    "ConvNeXt": 13,
    "SegFormer": 14,
    "ViT": 14,
    "Swin": 14,
    "DETR": 16,
    "Mask2Former": 16,
}
"""By the older exporter, in old opsets."""
OLD = [
    replace(next(case for case in CASES if case.name == name), opset=opset, layer=None)
    for name, opset in TRACED.items()
]
VERSIONS = f"torch {torch.__version__}, transformers {version('transformers')}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_are_those_of_torch(case: TorchCase, tmp_path: Path, rows: Path) -> None:
    row = Row(case.name, "PyTorch", "export_torch", case.opset, versions=VERSIONS)
    with filling(row, rows):
        measure(case, tmp_path, row)
    assert not row.failures(), row.failures()


@pytest.mark.parametrize("case", OLD, ids=str)
def test_gradients_of_traced_files_are_those_of_torch(case: TorchCase, tmp_path: Path, rows: Path) -> None:
    row = Row(case.name, "PyTorch", "torch.onnx, traced", case.opset, versions=VERSIONS)
    with filling(row, rows):
        measure_torch(case, tmp_path, row)
    assert not row.failures(), row.failures()
