from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from torch import nn

from export import ExportError
from export.torch_program import export_program, refuse_pickle
from tests.export.cutting import changed_by
from tests.export.test_torch import Residual, image

pytestmark = pytest.mark.torch


class Bomb:
    """A pickle of this writes a file when it is loaded carelessly."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.target),))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pt2") / "residual.pt2"
    shapes = ({0: torch.export.Dim("n")},)
    torch.export.save(torch.export.export(Residual().eval(), (image(),), dynamic_shapes=shapes), path)
    return path


def rewritten(source: Path, target: Path, **members: bytes) -> Path:
    """A copy of an archive with members replaced or added (their last path component is the key)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        root = old.namelist()[0].split("/")[0]
        for name in old.namelist():
            new.writestr(
                name, members.pop(Path(name).stem + Path(name).suffix.replace(".", "_"), old.read(name))
            )
        for name, data in members.items():
            new.writestr(f"{root}/data/constants/{name}", data)
    return target


@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")
def test_program_keeps_module_paths(program: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    errors = export_program(program, path, ["stem", "layer1.0.bn2", "layer1.0.relu.0"])
    assert max(errors.values()) < 1e-5
    model = onnx.load(path)
    assert [output.name for output in model.graph.output] == [
        "output",
        "stem",
        "layer1.0.bn2",
        "layer1.0.relu.0",
    ]
    assert model.graph.input[0].name == "x"
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    kinds = json.loads(next(e.value for e in model.metadata_props if e.key == "onnxlens.layers"))
    assert kinds == {
        "stem": "Convolution 2D",
        "layer1.0.bn2": "Batch Normalization",
        "layer1.0.relu.0": "ReLU",
    }
    assert changed_by(path, {"x": image().numpy()}, "layer1.0.bn2") == {"output"}


@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")
def test_program_of_a_fixed_batch(tmp_path: Path) -> None:
    source, path = tmp_path / "fixed.pt2", tmp_path / "m.onnx"
    torch.export.save(torch.export.export(nn.Linear(3, 2), (torch.zeros(4, 3),)), source)
    export_program(source, path)
    assert onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 4


def test_nothing_in_a_program_is_unpickled(program: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb"
    stored = io.BytesIO()
    torch.save((Bomb(bomb),), stored)
    with pytest.raises(ExportError, match="plain tensors"):
        export_program(
            rewritten(program, tmp_path / "a.pt2", model_pt=stored.getvalue()), tmp_path / "m.onnx"
        )
    opaque = rewritten(program, tmp_path / "b.pt2", opaque_obj_0=pickle.dumps(Bomb(bomb)))
    with pytest.raises(ExportError, match=r"opaque_obj_0.*was not loaded"):
        export_program(opaque, tmp_path / "m.onnx")
    assert not bomb.exists()
    assert not (tmp_path / "m.onnx").exists()
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


def test_what_is_no_program(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pt2"
    broken.write_bytes(b"no zip")
    with pytest.raises(ExportError, match=r"not a \.pt2 file"):
        export_program(broken, tmp_path / "m.onnx")
    torch.save({}, broken)
    with pytest.raises(ExportError, match="no exported program"):
        export_program(broken, tmp_path / "m.onnx")


def test_pickles(tmp_path: Path) -> None:
    path, bomb = tmp_path / "weights.pt", tmp_path / "bomb"
    torch.save(nn.Linear(3, 2).state_dict(), path)
    with pytest.raises(ExportError, match=r"no architecture.*export_torch"):
        refuse_pickle(path)
    torch.save({"model": Bomb(bomb)}, path)
    with pytest.raises(ExportError, match="was not loaded") as caught:
        refuse_pickle(path)
    assert "\n" not in str(caught.value)
    path.write_bytes(pickle.dumps(Bomb(bomb)))
    with pytest.raises(ExportError):
        refuse_pickle(path)
    assert not bomb.exists()
    for content in (b"", b"nonsense"):
        path.write_bytes(content)
        with pytest.raises(ExportError):
            refuse_pickle(path)
