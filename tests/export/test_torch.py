from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from export import ExportError, export_torch
from tests.export.cutting import changed_by, run

pytestmark = pytest.mark.torch

TAPS = ["conv", "relu", "batch_norm", "max_pool"]


class Small(nn.Module):
    """Conv, in-place ReLU, batch normalisation with real statistics, pooling, dense."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.relu = nn.ReLU(inplace=True)
        self.batch_norm = nn.BatchNorm2d(4)
        self.max_pool = nn.MaxPool2d(2)
        self.dense = nn.Linear(4 * 9, 5)
        settle(self)

    def forward(self, image: Tensor) -> Tensor:
        return self.dense(self.max_pool(self.batch_norm(self.relu(self.conv(image)))).flatten(1))


class Block(nn.Module):
    """A residual block as torchvision writes it: one in-place ReLU used twice, and an in-place addition."""

    def __init__(self, channels: int = 4) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += x
        return self.relu(y)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.layer1 = nn.Sequential(Block(), Block())
        self.fc = nn.Linear(4, 3)
        settle(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.adaptive_avg_pool2d(self.layer1(self.stem(x)), 1).flatten(1))


def settle(module: nn.Module, seed: int = 0) -> None:
    """Weights and running statistics that are not the trivial ones."""
    torch.manual_seed(seed)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            for tensor in (part.weight, part.bias, part.running_mean):
                assert tensor is not None
                nn.init.normal_(tensor)
            assert part.running_var is not None
            nn.init.uniform_(part.running_var, 0.5, 2)


def image(batch: int = 2, size: int = 8) -> Tensor:
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Small, Path, dict[str, float]]:
    module, path = Small(), tmp_path_factory.mktemp("small") / "small.onnx"
    module.train()
    module.batch_norm.eval()
    errors = export_torch(module, image(1), path, TAPS, output_names=["logits"])
    return module, path, errors


@pytest.fixture(scope="module")
def residual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Residual, Path]:
    module, path = Residual(), tmp_path_factory.mktemp("residual") / "residual.onnx"
    taps = ["layer1.0.bn2", "layer1.0.relu", "layer1.0", "layer1.1.bn1", "layer1.1.relu.0", "stem"]
    export_torch(module.eval(), image(), path, taps)
    return module, path


def test_outputs_are_own_then_taps_as_given(small: tuple[Small, Path, dict[str, float]]) -> None:
    _, path, errors = small
    graph = onnx.load(path).graph
    assert [output.name for output in graph.output] == ["logits", *TAPS] == list(errors)
    assert max(errors.values()) < 1e-5
    for value in [*graph.input, *graph.output]:
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"
    assert [value.name for value in graph.input] == ["image"]


def test_graph_is_the_clean_form(small: tuple[Small, Path, dict[str, float]]) -> None:
    graph = onnx.load(small[1]).graph
    assert [node.op_type for node in graph.node] == [
        "Conv",
        "Relu",
        "BatchNormalization",
        "MaxPool",
        "Reshape",
        "Gemm",
    ]
    assert [list(node.output) for node in graph.node][:4] == [[tap] for tap in TAPS]


def test_modes_are_restored(small: tuple[Small, Path, dict[str, float]]) -> None:
    module = small[0]
    assert module.training
    assert module.conv.training
    assert not module.batch_norm.training


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_values_are_torch_s_at_any_batch(small: tuple[Small, Path, dict[str, float]], batch: int) -> None:
    module, path, _ = small
    x = image(batch)
    was = module.training
    module.eval()
    with torch.no_grad():
        conv = module.conv(x)
        want = {"conv": conv, "relu": F.relu(conv), "logits": module(x)}
    module.train(was)
    module.batch_norm.eval()
    have = run(path, {"image": x.numpy()})
    assert (have["conv"] < 0).any()  # not rectified by the in-place layer behind it
    for name, value in want.items():
        np.testing.assert_allclose(have[name], value.numpy(), atol=1e-5 * float(value.abs().max()))


def test_each_tap_is_on_the_path(small: tuple[Small, Path, dict[str, float]]) -> None:
    feed = {"image": image().numpy()}
    for i, tap in enumerate(TAPS):
        assert changed_by(small[1], feed, tap) == {"logits", *TAPS[i + 1 :]}


def test_residual_blocks_with_in_place_layers(residual: tuple[Residual, Path]) -> None:
    module, path = residual
    names = [output.name for output in onnx.load(path).graph.output]
    assert names == [
        "output",
        "layer1.0.bn2",
        "layer1.0.relu.0",
        "layer1.0.relu.1",
        "layer1.0",
        "layer1.1.bn1",
        "layer1.1.relu.0",
        "stem",
    ]
    x = image()
    have = run(path, {"x": x.numpy()})
    with torch.no_grad():
        stem = module.stem(x)
        block = module.layer1[0]
        assert isinstance(block, Block)
        first = F.relu(block.bn1(block.conv1(stem)))
        second = block.bn2(block.conv2(first))
        want = {
            "stem": stem,
            "layer1.0.relu.0": first,
            "layer1.0.bn2": second,
            "layer1.0": F.relu(second + stem),
        }
    for name, value in want.items():
        np.testing.assert_allclose(
            have[name], value.numpy(), atol=1e-5 * float(value.abs().max()), err_msg=name
        )
    np.testing.assert_array_equal(have["layer1.0.relu.1"], have["layer1.0"])


def test_residual_taps_are_on_the_path(residual: tuple[Residual, Path]) -> None:
    feed = {"x": image().numpy()}
    second_block = {"layer1.1.bn1", "layer1.1.relu.0", "output"}
    for tap, after in {
        "stem": {"layer1.0.relu.0", "layer1.0.bn2", "layer1.0.relu.1", "layer1.0", *second_block},
        "layer1.0.bn2": {"layer1.0.relu.1", "layer1.0", *second_block},
        "layer1.0.relu.1": {"layer1.0", *second_block},
        "layer1.0": second_block,
        "layer1.1.bn1": {"layer1.1.relu.0", "output"},
    }.items():
        assert changed_by(residual[1], feed, tap) == after, tap


@pytest.mark.parametrize("taps", [["batch_norm"], []])
def test_batch_normalisation_is_not_fused(tmp_path: Path, taps: list[str]) -> None:
    class Fusible(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.batch_norm = nn.BatchNorm2d(4)

        def forward(self, x: Tensor) -> Tensor:
            return self.batch_norm(self.conv(x)).mean((2, 3))

    export_torch(Fusible(), image(), tmp_path / "m.onnx", taps)
    assert "BatchNormalization" in [node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node]


def test_several_inputs_and_a_dict_of_outputs_keep_their_order(tmp_path: Path) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left = nn.Linear(3, 4)
            self.embed = nn.Embedding(7, 4)

        def forward(self, x: Tensor, ids: Tensor, scale: float = 1.0) -> dict[str, Any]:
            y = self.left(x) * scale + self.embed(ids).mean(1)
            return {"zebra": y, "apple": (y.relu(), y.argmax(1)), "none": None}

    path = tmp_path / "m.onnx"
    example = {"ids": torch.tensor([[6, 0, 1]]), "x": torch.randn(1, 3), "scale": 2.0}
    export_torch(Two(), example, path, ["embed", "left"])
    graph = onnx.load(path).graph
    assert [output.name for output in graph.output] == ["zebra", "apple.0", "apple.1", "embed", "left"]
    assert {value.name for value in graph.input} == {"x", "ids"}
    out = run(path, {"x": np.zeros((4, 3), np.float32), "ids": np.full((4, 3), 5)})
    assert out["apple.1"].shape == (4,)
    np.testing.assert_allclose(out["zebra"], 2 * out["left"] + out["embed"].mean(1), rtol=1e-5)


def test_tuples_named_tuples_and_dataclasses(tmp_path: Path) -> None:
    Pair = namedtuple("Pair", ["first", "second"])

    @dataclass
    class Result:
        mean: Tensor
        pair: Any

    class Many(nn.Module):
        def forward(self, *xs: Tensor) -> Any:
            return Result(xs[0].mean(1), Pair(xs[0], xs[1] * 2))

    path = tmp_path / "m.onnx"
    export_torch(Many(), (torch.randn(2, 3), torch.randn(2, 3)), path)
    graph = onnx.load(path).graph
    assert [value.name for value in graph.input] == ["input_0", "input_1"]
    assert [value.name for value in graph.output] == ["mean", "pair.first", "pair.second"]


def test_shared_module_and_tuple_tap(tmp_path: Path) -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(3, 3)
            self.second = self.first
            self.gru = nn.GRU(3, 4, batch_first=True)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            sequence, last = self.gru(self.second(torch.tanh(self.first(x))))
            return sequence, last.transpose(0, 1)

    path = tmp_path / "m.onnx"
    export_torch(Recurrent(), torch.randn(2, 5, 3), path, ["second", "first.1", "gru"])
    names = [output.name for output in onnx.load(path).graph.output]
    assert names == ["output_0", "output_1", "second.0", "second.1", "first.1", "gru.0", "gru.1"]
    feed = {"x": np.random.default_rng(0).standard_normal((2, 5, 3)).astype(np.float32)}
    assert "second.1" in changed_by(path, feed, "second.0")
    assert "first.1" in changed_by(path, feed, "second.1") or "second.1" in changed_by(path, feed, "first.1")


def test_tap_that_is_the_output(tmp_path: Path) -> None:
    path, module = (
        tmp_path / "m.onnx",
        nn.Sequential(OrderedDict(first=nn.Linear(3, 4), dense=nn.Linear(4, 2))),
    )
    feed = {"input": np.ones((2, 3), np.float32)}
    export_torch(module, torch.ones(2, 3), path, ["dense", "first"])
    assert [output.name for output in onnx.load(path).graph.output] == ["output", "dense", "first"]
    assert changed_by(path, feed, "dense") == {"output"}
    export_torch(module, torch.ones(2, 3), path, ["dense"], output_names=["dense"])
    assert [output.name for output in onnx.load(path).graph.output] == ["dense"]
    with pytest.raises(ExportError, match="output_names"):
        export_torch(module, torch.ones(2, 3), path, ["first"], output_names=["first"])


def test_attention_is_tapped_inside_the_fast_path(tmp_path: Path) -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    path = tmp_path / "m.onnx"
    export_torch(layer, torch.randn(2, 5, 8), path, ["linear1", "self_attn", "norm1"])
    feed = {"src": np.random.default_rng(0).standard_normal((3, 5, 8)).astype(np.float32)}
    assert changed_by(path, feed, "linear1") == {"output"}
    assert torch.backends.mha.get_fastpath_enabled()


def test_near_matches(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"no module is called 'batchnorm'.*Near matches: batch_norm"):
        export_torch(Small(), image(), tmp_path / "m.onnx", ["batchnorm"])
    with pytest.raises(ExportError, match=r"'conv\.1' does not exist"):
        export_torch(Small(), image(), tmp_path / "m.onnx", ["conv.1"])
    assert not list(tmp_path.iterdir())


def test_external_data_beside_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.writer.INLINE_LIMIT", 100)
    path = tmp_path / "deep" / "m.onnx"
    export_torch(Small(), image(), path, TAPS)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["m.onnx", "m.onnx.data"]
    assert run(path, {"image": image().numpy()})["output"].shape == (2, 5)


def test_example_forms_and_types(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    export_torch(nn.Linear(3, 2).double(), np.zeros((1, 3)), path)
    assert onnx.load(path).graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.DOUBLE
    export_torch(nn.Linear(3, 2).half(), [torch.zeros(1, 3, dtype=torch.half)], path)
    with pytest.raises(ExportError, match="no tensor"):
        export_torch(nn.Linear(3, 2), 3, path)
    with pytest.raises(ExportError, match="bfloat16"):
        export_torch(nn.Linear(3, 2).bfloat16(), torch.zeros(1, 3, dtype=torch.bfloat16), path)
    with pytest.raises(ExportError, match=r"does not fit Linear\.forward"):
        export_torch(nn.Linear(3, 2), OrderedDict(nothing=torch.zeros(1, 3)), path)


class PaddedPool(nn.Module):
    """Max pooling of BiT: zeros, which count, around values that may all be negative."""

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2)


def test_zeros_around_a_max_pool_count(tmp_path: Path) -> None:
    x = -torch.ones(2, 1, 4, 4)
    export_torch(PaddedPool(), x, tmp_path / "m.onnx")
    (y,) = run(tmp_path / "m.onnx", {"x": x.numpy()}).values()
    assert np.array_equal(y[0, 0].round(6), [[0, 0], [0, -1]])
