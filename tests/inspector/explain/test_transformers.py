"""Token sequences as maps: layers chosen and heatmaps made of them, against torch.autograd on the same module."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from inspector import Inspector
from inspector.errors import InputError

torch = pytest.importorskip("torch")

from tests.inspector.explain.transformers import Swin, ViT, save  # noqa: E402
from tests.inspector.graphs import cnn  # noqa: E402


def folded(tokens: torch.Tensor, skipped: int, sides: tuple[int, int]) -> torch.Tensor:
    return tokens[:, skipped:].transpose(1, 2).unflatten(2, sides)


def gradcam(module: torch.nn.Module, at: torch.nn.Module, image: torch.Tensor, skipped: int, sides: tuple[int, int],
            number: int) -> NDArray[np.float32]:  # fmt: skip
    """Grad-CAM by its equations at the output of the sub-module `at`, before and after enlarging."""
    kept: list[torch.Tensor] = []
    hook = at.register_forward_hook(lambda module, given, output: kept.append(output))
    score = module(image)[:, number].sum()
    hook.remove()
    (gradient,) = torch.autograd.grad(score, kept[0])
    values, slopes = folded(kept[0], skipped, sides), folded(gradient, skipped, sides)
    small = (slopes.mean((2, 3), keepdim=True) * values).sum(1).relu()
    return small.detach().numpy()


CASES: dict[str, tuple[Callable[[], torch.nn.Module], tuple[int, int], int, tuple[int, int], str]] = {
    "class token": (ViT, (48, 32), 1, (6, 4), "blocks.2.norm1"),
    "registers": (lambda: ViT(registers=4), (48, 32), 5, (6, 4), "blocks.2.norm1"),
    "mean of the patches": (lambda: ViT(mean=True), (48, 32), 1, (6, 4), "norm"),
    "shifted windows": (Swin, (96, 64), 0, (12, 8), "norm"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_default_layer_of_a_transformer(case: str, tmp_path: Path) -> None:
    make, size, skipped, sides, at = CASES[case]
    torch.manual_seed(0)
    module = make().eval()
    image = torch.randn(2, 3, *size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = save(module, image, tmp_path / "model.onnx")
    lens = Inspector(path)
    for method_target in (2, 5):
        expected = gradcam(module, module.get_submodule(at), image, skipped, sides, method_target)
        explained = lens.explain(image.numpy(), target=method_target, check=method_target == 2)
        assert explained.method == "gradcam"
        np.testing.assert_allclose(explained.map, expected, atol=1e-5 * np.abs(expected).max())
        assert explained.heatmap.shape == (2, *size)
        if explained.check is not None:
            assert explained.check.passed
    choice = lens.layer_choice()
    assert choice.layer.name == explained.layer
    assert choice.kind == "a transformer with class scores"
    assert f"its tokens are {sides[0]}x{sides[1]} places" in choice.reason
    # the same said by hand
    layer = choice.layer.name
    tokens = f"{skipped}+{sides[0]}x{sides[1]}"
    by_hand = lens.explain(image.numpy(), target=5, layer=layer, tokens=tokens)
    np.testing.assert_array_equal(by_hand.raw, explained.raw)
    with pytest.raises(InputError, match=r"--tokens 3x3 stands for 9 tokens, but the layer's shape is"):
        lens.explain(image.numpy(), layer=layer, tokens="3x3")
    with pytest.raises(InputError, match=r"'three' says no token grid: write 14x14"):
        lens.explain(image.numpy(), layer=layer, tokens="three")


@pytest.mark.parametrize(("grid", "asks"), [((4, 4), "Reshape"), ((12, 12), "Add"), ((6, 4), "Add")])
def test_a_size_left_open_is_deduced_from_the_position_embedding(
    grid: tuple[int, int], asks: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    image = torch.randn(1, 3, 8 * grid[0], 8 * grid[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = save(ViT(grid).eval(), image, tmp_path / "model.onnx")
    proto = onnx.load(path)
    for axis, name in ((2, "high"), (3, "wide")):
        proto.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    del proto.graph.value_info[:]
    if asks == "Add":
        # the number of patches left open as well
        node = next(node for node in proto.graph.node if node.op_type == "Reshape")
        known = next(tensor for tensor in proto.graph.initializer if tensor.name == node.input[1])
        known.CopyFrom(onnx.numpy_helper.from_array(np.array([1, 32, -1]), known.name))
    lens = Inspector(proto)
    choice = lens.layer_choice()
    if grid[0] == grid[1]:
        assert choice.layer.name == lens.explain(image.numpy()).layer
        assert f"its tokens are {grid[0]}x{grid[1]} places, 1 other tokens left out" in choice.reason
        assert f"for pictures of {8 * grid[0]}x{8 * grid[0]}, which {asks} '" in choice.reason
    else:
        assert "may be another for your picture" in choice.reason


def test_a_size_left_open_is_deduced_from_a_dense_layer() -> None:
    proto = cnn()
    for axis, name in ((2, "high"), (3, "wide")):
        proto.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    choice = Inspector(proto).layer_choice()
    assert "(for pictures of 16x16, which Gemm " in choice.reason
    assert choice.layer.name == Inspector(cnn()).layer_choice().layer.name
