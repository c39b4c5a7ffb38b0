"""Finished runs beside their frameworks: `make verify`, or `pytest tests/parity/full_runs.py --runs DIR`.

For every exported run in DIR, at every tapped layer and at the input, on the six pictures of the report: Grad-CAM
heatmaps against torch.autograd or tf.GradientTape on the same weights, and the finite-difference check. Prints a
table and writes DIR/parity.json.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from inspector import Inspector
from tests.parity.comparison import HEADER, compare, failures
from trainers.runs import load_module, open_run


def test_every_run_agrees_with_its_framework(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    folder: Path | None = request.config.getoption("--runs")
    if folder is None:
        pytest.fail("say where the runs are: --runs DIR")
    paths = sorted(path.parent for path in folder.glob("*/model.onnx"))
    assert paths, (
        f"no exported run in {folder}: a run has a run.json and a model.onnx (`onnxlens export RUN`)"
    )
    rows = []
    with capsys.disabled():
        print(f"\n{HEADER}")
        for path in paths:
            run = open_run(path)
            with np.load(path / "images.npz") as saved:
                images = saved["images"]
            name = f"{run.info['model']} {run.info['framework']}"
            found = compare(name, Inspector(path / "model.onnx"), run.spec, load_module(run), images)
            print(*found, sep="\n")
            rows += found
    (folder / "parity.json").write_text(json.dumps([row.to_json() for row in rows], indent=1) + "\n")
    assert not failures(rows), "\n".join(failures(rows))
