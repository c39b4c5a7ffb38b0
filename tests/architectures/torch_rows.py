"""Every PyTorch architecture: `make test-architectures`, or `pytest tests/architectures/torch_rows.py -k Swin`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers

from tests.architectures.families.dense import DETECTORS, SEGMENTERS
from tests.architectures.families.features import ENCODERS, TEXT
from tests.architectures.families.vision import CLASSIFIERS
from tests.architectures.row import Row, write_row
from tests.architectures.torch_case import TorchCase, measure

CASES = [*CLASSIFIERS, *DETECTORS, *SEGMENTERS, *ENCODERS, *TEXT]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_are_those_of_torch(case: TorchCase, tmp_path: Path, rows: Path) -> None:
    row = Row(case.name, "PyTorch", case.exporter, case.opset)
    row.versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    try:
        measure(case, tmp_path, row)
    except Exception as error:
        row.reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise
    finally:
        write_row(rows, row)
    assert not row.failures(), row.failures()
