"""Scan of opset 8, which has an axis of samples, in float64 beside the runtime."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from inspector.check.reference import Float64Evaluator

TEXT = """
<ir_version: 8, opset_import: ["" : 8]>
agraph (float[2,4] start, float[2,3,4] x) => (float[2,4] last, float[2,3,4] sums) {{
    last, sums = Scan<num_scan_inputs = 1, directions = [{direction}],
        body = b (float[4] s, float[4] e) => (float[4] s2, float[4] o) {{ s2 = Add(s, e)  o = Mul(s2, e) }}
    >("", start, x)
}}
"""


@pytest.mark.parametrize("direction", [0, 1])
def test_every_sample_is_scanned_by_itself(direction: int) -> None:
    model = onnx.parser.parse_model(TEXT.format(direction=direction))
    rng = np.random.default_rng(0)
    feeds = {
        "start": rng.normal(size=(2, 4)).astype(np.float32),
        "x": rng.normal(size=(2, 3, 4)).astype(np.float32),
    }
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for exact, single in zip(Float64Evaluator(model).run(None, feeds), session.run(None, feeds), strict=True):
        np.testing.assert_allclose(single, exact, rtol=1e-5, atol=1e-6)
