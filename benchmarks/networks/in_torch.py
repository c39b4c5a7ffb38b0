"""Networks of torchvision, and those of this project as PyTorch modules."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.networks.images import channels_first
from benchmarks.work import File, Work

__all__ = ["load", "write"]

OPSET, LEGACY_OPSET = 18, 13
# images that batch normalisation is fitted to: without it, activations of random weights grow with the depth
FITTED = (8, 96)


def write(work: dict[str, Any], file: File) -> None:
    """Write the weights where there are none yet, and the ONNX file of this kind."""
    asked = Work(**work)
    asked.weights.parent.mkdir(parents=True, exist_ok=True)
    if not asked.weights.exists():
        torch.save(_fresh(asked).state_dict(), asked.weights)
    module, x = load(asked), torch.from_numpy(channels_first(asked))
    if asked.precision == "float16":
        module, x = module.half(), x.half()
    kind, _, name = asked.spec.make.partition(":")
    if file == "legacy":
        # one operator for all of an attention, which it has no translation of
        torch.backends.mha.set_fastpath_enabled(False)
        torch.onnx.export(
            module, (x,), asked.path(file), dynamo=False, opset_version=LEGACY_OPSET,
            input_names=["image"], dynamic_axes={"image": {0: "N"}},
        )  # fmt: skip
    elif kind == "spec" and file == "dynamic":
        _write_as_users_do(module, x, asked, name)
    else:
        fixed = file == "fixed"
        shapes = None if fixed else ({0: torch.export.Dim("N", min=1, max=4096)},)
        program = torch.onnx.export(
            module,
            (x if fixed else torch.cat([x, x]),),
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=shapes,
        )
        assert program is not None
        program.save(asked.path(file))


def _write_as_users_do(module: nn.Module, x: torch.Tensor, work: Work, name: str) -> None:
    """With the layers of the specification as further outputs."""
    from export import export_torch
    from trainers.models import get_spec

    export_torch(module, x, work.path(), taps=get_spec(name).taps, output_names=list(get_spec(name).outputs))


def load(work: Work) -> nn.Module:
    """The module with the weights that were written, on the CPU, for inference."""
    module = _made(work)
    module.load_state_dict(torch.load(work.weights, weights_only=True))
    return module.eval().requires_grad_(False)


def _made(work: Work) -> nn.Module:
    kind, _, name = work.spec.make.partition(":")
    torch.manual_seed(0)
    if kind == "torchvision":
        import torchvision

        module: nn.Module = getattr(torchvision.models, name)(weights=None)
        return module
    from trainers.models import build_torch, get_spec

    return build_torch(get_spec(name))


def _fresh(work: Work) -> nn.Module:
    module = _made(work)
    normalised = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)]
    if normalised and work.spec.sizes:
        for part in normalised:
            part.momentum = None  # the average of all batches: here of one
        count, size = FITTED
        images = torch.randn(
            count, work.spec.channels, size, size, generator=torch.Generator().manual_seed(0)
        )
        module.train()
        with torch.no_grad():
            module(images)
    # the head of torchvision's transformer starts as zeros, and with it all gradients
    if hasattr(module, "heads"):
        nn.init.normal_(module.get_submodule("heads.head").get_parameter("weight"), std=0.05)
    return module.eval()
