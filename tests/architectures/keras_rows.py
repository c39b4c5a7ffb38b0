"""Every family of Keras: `make test-architectures`, or `pytest tests/architectures/keras_rows.py -k ResNet50`."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest
import tensorflow as tf
import tf2onnx

from tests.architectures.families.keras_applications import FAMILIES
from tests.architectures.keras_case import KerasCase, measure
from tests.architectures.row import Row, write_row


@pytest.mark.parametrize("case", FAMILIES, ids=str)
def test_gradients_are_those_of_tensorflow(case: KerasCase, tmp_path: Path, rows: Path) -> None:
    row = Row(case.name, "Keras", "export_keras", case.opset)
    row.versions = f"tensorflow {tf.__version__}, keras {keras.__version__}, tf2onnx {tf2onnx.__version__}"
    try:
        measure(case, tmp_path, row)
    except Exception as error:
        row.reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise
    finally:
        write_row(rows, row)
    assert not row.failures(), row.failures()
