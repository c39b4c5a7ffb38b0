"""Gradients by `torch.autograd`, of a module whose weights are drawn from a seed."""

from __future__ import annotations

import contextlib
import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from tests.architectures.draws import Array

__all__ = ["Example", "Score", "gradients", "middle_layer", "settle", "wide_gradients"]

Example = Mapping[str, torch.Tensor]
_PASSED_THROUGH = ("Dropout", "Identity", "DropPath", "StochasticDepth")


@dataclass(frozen=True)
class Score:
    """One output's elements (an index behind the batch axis), summed."""

    output: str
    index: tuple[int | slice, ...]

    def of(self, result: Any) -> torch.Tensor:
        """(N,) from what the module returned."""
        chosen: torch.Tensor = result[self.output][(slice(None), *self.index)]
        return chosen.reshape(len(chosen), -1).sum(1)


def settle(module: nn.Module, example: Example, seed: int = 0) -> nn.Module:
    """Draws every parameter, so that no branch is scaled away by an initial 0 or 1e-6, and fits the statistics.

    Matrices and kernels have the variance of He et al. 2015 (section 2.2); running statistics are those of
    `example`, the variances up to three times as wide: deep random networks with exactly fitted ones amplify rounding
    errors, which trained ones do not.
    """
    generator = torch.Generator().manual_seed(seed)

    def uniform(like: torch.Tensor, low: float, high: float) -> torch.Tensor:
        return torch.empty(like.shape).uniform_(low, high, generator=generator).to(like.dtype)

    def normal(like: torch.Tensor, std: float) -> torch.Tensor:
        return torch.empty(like.shape).normal_(0, std, generator=generator).to(like.dtype)

    for name, parameter in module.named_parameters():
        owner = module.get_submodule(name.rpartition(".")[0])
        if parameter.ndim > 1 and isinstance(owner, nn.Linear | nn.modules.conv._ConvNd):
            fan_in = parameter[0].numel()
            gain = 1.0 if isinstance(owner, nn.Linear) else 2.0
            parameter.data = normal(parameter, (gain / fan_in) ** 0.5)
        elif parameter.squeeze().ndim > 1:
            parameter.data = normal(parameter, 0.5)
        elif "bias" in name or "beta" in name:
            parameter.data = normal(parameter, 0.1)
        else:
            parameter.data = uniform(parameter, 0.5, 1.5)
    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    if norms:
        _fit_statistics(module, norms, example)
    for norm in norms:
        if norm.running_mean is not None and norm.running_var is not None:
            norm.running_var *= uniform(norm.running_var, 1, 3)
            norm.running_mean += 0.1 * norm.running_var.sqrt() * normal(norm.running_mean, 1.0)
    return module.eval().requires_grad_(False)


def _fit_statistics(module: nn.Module, norms: list[Any], example: Example) -> None:
    module.eval()
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    with torch.no_grad():
        module(**example)


def middle_layer(module: nn.Module, example: Example, score: Score) -> str | None:
    """The leaf module half-way through a run, among those that are called once and that the score depends on."""
    calls: list[tuple[str, torch.Tensor]] = []

    def note(name: str) -> Callable[..., None]:
        def hook(part: nn.Module, _args: Any, result: Any) -> None:
            if isinstance(result, torch.Tensor) and result.is_floating_point() and result.requires_grad:
                calls.append((name, result))

        return hook

    leaves = {
        name: part
        for name, part in module.named_modules()
        if not [*part.children()] and not type(part).__name__.endswith(_PASSED_THROUGH)
    }
    with _hooked(leaves, note):
        result = module(**_watched(module, example))
    often = Counter(name for name, _ in calls)
    once = [(name, tensor) for name, tensor in calls if often[name] == 1]
    found = torch.autograd.grad(
        score.of(result).sum(), [tensor for _, tensor in once], allow_unused=True, retain_graph=True
    )
    names = [name for (name, _), g in zip(once, found, strict=True) if g is not None and bool(g.any())]
    return names[len(names) // 2] if names else None


def gradients(module: nn.Module, example: Example, score: Score, layer: str | None) -> dict[str, Array]:
    """At the floating-point inputs and at `layer`, by name, in the precision of the example and the weights."""
    seen: list[torch.Tensor] = []

    def keep(_name: str) -> Callable[..., torch.Tensor]:
        def hook(_part: nn.Module, _args: Any, result: torch.Tensor) -> torch.Tensor:
            seen.append(result)
            return result.clone()  # an in-place layer that follows changes the copy

        return hook

    parts = {} if layer is None else {layer: module.get_submodule(layer)}
    inputs = _watched(module, example)
    watched = [name for name, value in inputs.items() if value.is_floating_point()]
    with _hooked(parts, keep), _attached():
        result = module(**inputs)
    found = torch.autograd.grad(score.of(result).sum(), [*(inputs[name] for name in watched), *seen])
    return {name: each.numpy() for name, each in zip([*watched, *parts], found, strict=True)}


def wide_gradients(module: nn.Module, example: Example, score: Score, layer: str | None) -> dict[str, Array]:
    """The same in double precision; none where the module itself insists on single precision somewhere."""
    twin = copy.deepcopy(module).double()
    wide = {name: value.double() if value.is_floating_point() else value for name, value in example.items()}
    try:
        return gradients(twin, wide, score, layer)
    except RuntimeError as error:
        if "dtype" in str(error) or "Double" in str(error):
            return {}
        raise


def _watched(module: nn.Module, example: Example) -> dict[str, torch.Tensor]:
    """Inputs that gradients are taken at. Of token ids there are none: the embedding's weights are watched then."""
    inputs = {
        name: value.detach().clone().requires_grad_() if value.is_floating_point() else value
        for name, value in example.items()
    }
    if not any(value.is_floating_point() for value in inputs.values()):
        for part in module.modules():
            if isinstance(part, nn.Embedding):
                part.requires_grad_()
    return inputs


@contextlib.contextmanager
def _hooked(parts: Mapping[str, nn.Module], hook: Callable[[str], Callable[..., Any]]) -> Iterator[None]:
    handles = [part.register_forward_hook(hook(name)) for name, part in parts.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def _attached() -> Iterator[None]:
    """Without the `detach` that some detectors refine boxes through: a file keeps the value, not the broken path."""
    original: Any = torch.Tensor.detach
    tensors: Any = torch.Tensor
    tensors.detach = lambda tensor: tensor
    try:
        yield
    finally:
        tensors.detach = original
