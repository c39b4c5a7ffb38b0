"""PyTorch itself: forward, and gradients by autograd, eager and compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmarks.networks.images import images
from benchmarks.networks.in_torch import load
from benchmarks.work import CLASS, Ready, Work

__all__ = [
    "activations",
    "chosen",
    "compiled",
    "compiled_gradient",
    "forward",
    "gradient",
    "gradient_of",
    "prepared",
    "waited",
]

Module = Callable[[Tensor], Tensor]


def prepared(work: Work) -> tuple[torch.nn.Module, Tensor]:
    """The module and its images, where and in the precision that is asked for."""
    torch.set_num_threads(work.threads)
    # as the other side: no TF32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    dtype = torch.float16 if work.precision == "float16" else torch.float32
    device = torch.device(work.provider)
    module = load(work).to(device, dtype)
    return module, torch.from_numpy(images(work)).to(device, dtype)


def forward(work: Work) -> Ready:
    """In inference mode."""
    module, x = prepared(work)
    return Ready(lambda: _forward(module, x, work))


def compiled(work: Work) -> Ready:
    """The same through `torch.compile`."""
    module, x = prepared(work)
    faster = torch.compile(module)
    return Ready(lambda: _forward(faster, x, work))


def _forward(module: Module, x: Tensor, work: Work) -> Tensor:
    with torch.inference_mode():
        return waited(chosen(module(x), work))


def activations(work: Work) -> Ready:
    """What every module without parts returns, by forward hooks, as NumPy arrays of their own."""
    module, x = prepared(work)
    found: dict[str, object] = {}

    def hook(name: str) -> Callable[[torch.nn.Module, object, object], None]:
        def keep(part: torch.nn.Module, given: object, value: object) -> None:
            # a copy: the modules of torchvision change tensors in place
            if isinstance(value, Tensor):
                found[name] = value.cpu().numpy().copy()

        return keep

    for name, part in module.named_modules():
        if next(part.children(), None) is None:
            part.register_forward_hook(hook(name))

    def run() -> None:
        found.clear()
        _forward(module, x, work)

    run()
    return Ready(run, {"tensors": len(found)})


def gradient(work: Work) -> Ready:
    """Of the class's logit at the input; nothing is computed for the weights."""
    module, x = prepared(work)
    return gradient_of(module, x, work)


def compiled_gradient(work: Work) -> Ready:
    """The same through `torch.compile`, which also compiles the way back."""
    module, x = prepared(work)
    return gradient_of(torch.compile(module), x, work)


def gradient_of(module: Module, x: Tensor, work: Work) -> Ready:
    """By `torch.autograd` of any module with PyTorch's operators."""

    def run() -> Tensor:
        leaf = x.detach().requires_grad_(True)
        score = chosen(module(leaf), work)[:, CLASS].sum()
        return waited(torch.autograd.grad(score, leaf)[0])

    return Ready(run)


def chosen(found: Tensor | Sequence[Tensor], work: Work) -> Tensor:
    """Of several outputs, the one whose class is explained."""
    if isinstance(found, Tensor):
        return found
    from trainers.models import get_spec

    return found[get_spec(work.spec.make.partition(":")[2]).outputs.index(work.spec.output)]


def waited(found: Tensor) -> Tensor:
    """The tensor, once it has been computed."""
    if found.is_cuda:
        torch.cuda.synchronize()
    return found
