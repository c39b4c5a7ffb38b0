"""Every family of Keras: `make test-architectures`, or `pytest tests/architectures/keras_rows.py -k ResNet50`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import pytest
import tensorflow as tf
import tf2onnx

from tests.architectures.families.keras_applications import FAMILIES
from tests.architectures.keras_case import KerasCase, measure
from tests.architectures.legacy import measure_keras
from tests.architectures.row import Row, filling

PLAIN = {"MobileNetV2": 13, "ResNet50": 13, "EfficientNetB0": 14, "DenseNet121": 15}
"""By tf2onnx alone, in old opsets."""
OLD = [
    replace(next(case for case in FAMILIES if case.name == name), opset=opset)
    for name, opset in PLAIN.items()
]
VERSIONS = f"tensorflow {tf.__version__}, keras {keras.__version__}, tf2onnx {tf2onnx.__version__}"


@pytest.mark.parametrize("case", FAMILIES, ids=str)
def test_gradients_are_those_of_tensorflow(case: KerasCase, tmp_path: Path, rows: Path) -> None:
    row = Row(case.title, "Keras", "export_keras", case.opset, versions=VERSIONS)
    with filling(row, rows):
        measure(case, tmp_path, row)
    assert not row.failures(), row.failures()


@pytest.mark.parametrize("case", OLD, ids=str)
def test_gradients_of_plain_files_are_those_of_tensorflow(
    case: KerasCase, tmp_path: Path, rows: Path
) -> None:
    row = Row(case.name, "Keras", "tf2onnx", case.opset, versions=VERSIONS)
    with filling(row, rows):
        measure_keras(case, tmp_path, row)
    assert not row.failures(), row.failures()
