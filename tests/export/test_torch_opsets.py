"""Every opset from 17 to the newest: what changed in 18, and files that say which they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from torch import Tensor, nn
from torch.nn import functional as F

from export import ExportError, export_torch
from export.opsets import newest_opset
from tests.export.test_torch import TAPS, Small, image

pytestmark = pytest.mark.torch


class Reductions(nn.Module):
    """Operators whose attributes became inputs in opset 18, and functional code in plenty."""

    def forward(self, x: Tensor) -> Tensor:
        y = F.pad(x, (1, 1, 1, 1))
        a, b = y.split(y.shape[-1] // 2, dim=-1)
        y = F.interpolate(a * b, scale_factor=2.0, mode="bilinear")
        return F.layer_norm(y.amax(3) + y.mean(3) + y.sum((2, 3), keepdim=True)[..., 0], (y.shape[2],))


@pytest.mark.parametrize("opset", [17, newest_opset()])  # 18 is every other test's
def test_opsets(tmp_path: Path, opset: int) -> None:
    path = tmp_path / "m.onnx"
    errors = export_torch(Small(), image(), path, TAPS, opset=opset)
    model = onnx.load(path)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
    assert model.ir_version == onnx.helper.find_min_ir_version_for(model.opset_import)
    assert max(errors.values()) < 1e-5
    assert [output.name for output in model.graph.output] == ["output", *TAPS]
    export_torch(Reductions(), image(), path, opset=opset)


def test_no_initialiser_is_left_over_in_opset_17(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    export_torch(Reductions(), image(), path, opset=17)
    graph = onnx.load(path).graph
    used = {name for node in graph.node for name in node.input}
    assert {initializer.name for initializer in graph.initializer} - used == set()


@pytest.mark.parametrize("opset", [16, newest_opset() + 1, True, "18"])
def test_opset_out_of_range(tmp_path: Path, opset: Any) -> None:
    with pytest.raises(ExportError, match="opset"):
        export_torch(Small(), image(), tmp_path / "m.onnx", opset=opset)
