"""A PyTorch module as a function of flat tensors, with hooks that mark or record the tapped values."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils import _pytree as pytree

from export.errors import ExportError
from export.markers import DOMAIN, OPERATOR
from export.taps import OUTPUT, Key, TapRecorder, flatten_named
from export.verify import Array, InputSpec

__all__ = ["Example", "Traced", "evaluating", "mark"]


def mark(tensor: torch.Tensor, key: Key) -> torch.Tensor:
    """The tensor behind a marker: an operator of our own that the exporter copies into the graph untouched."""
    return torch.onnx.ops.symbolic(
        f"{DOMAIN}::{OPERATOR}",
        (tensor,),
        {"name": key.encode()},
        dtype=tensor.dtype,
        shape=tensor.shape,
        version=1,
    )


class Example:
    """An example call of a module, taken apart into flat, named tensors (and constants that stay as they are)."""

    def __init__(self, module: nn.Module, example: Any, input_names: list[str] | None) -> None:
        args, kwargs = _as_call(module, example)
        leaves, self._spec = pytree.tree_flatten((args, kwargs))
        self._leaves = [torch.as_tensor(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]
        self._at = [i for i, leaf in enumerate(self._leaves) if isinstance(leaf, torch.Tensor)]
        if not self._at:
            raise ExportError(
                "the example holds no tensor: pass a tensor, a tuple of arguments, or a dict of them"
            )
        self.names = input_names or self._parameter_names(module)
        if len(self.names) != len(self._at) or len(set(self.names)) != len(self.names):
            raise ExportError(f"{len(self._at)} different input names are needed, not {self.names}")

    @property
    def tensors(self) -> list[torch.Tensor]:
        """The tensors among the example's leaves, in order."""
        return [self._leaves[i] for i in self._at]

    def rebuild(self, tensors: tuple[torch.Tensor, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments and keyword arguments with other tensors in place of the example's."""
        leaves = list(self._leaves)
        for i, tensor in zip(self._at, tensors, strict=True):
            leaves[i] = tensor
        args, kwargs = pytree.tree_unflatten(leaves, self._spec)
        return tuple(args), dict(kwargs)

    def specs(self, dynamic_batch: bool) -> list[InputSpec]:
        """What each input looks like; those whose axis 0 is as long as the first input's carry the batch."""
        tensors = self.tensors
        batch = next((t.shape[0] for t in tensors if t.ndim), None)
        return [
            InputSpec(
                name,
                tuple(tensor.shape),
                _numpy_dtype(name, tensor),
                dynamic_batch and tensor.ndim > 0 and tensor.shape[0] == batch,
                *_whole_range(tensor),
            )
            for name, tensor in zip(self.names, tensors, strict=True)
        ]

    def _parameter_names(self, module: nn.Module) -> list[str]:
        args, kwargs = self.rebuild(tuple(self.tensors))
        bound = inspect.signature(module.forward).bind(*args, **kwargs)
        names: list[str] = []
        for parameter, value in bound.arguments.items():
            kind = bound.signature.parameters[parameter].kind
            prefix = (
                "" if kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD) else parameter
            )
            names += _leaf_names(value, prefix)
        return names


def _as_call(module: nn.Module, example: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments and keyword arguments in the order of `forward`'s parameters, however the example gives them."""
    args, kwargs = ((), example) if isinstance(example, Mapping) else (example, {})
    if not isinstance(args, tuple | list):
        args = (args,)
    try:
        bound = inspect.signature(module.forward).bind(*args, **kwargs)
    except TypeError as error:
        raise ExportError(f"the example does not fit {type(module).__name__}.forward: {error}") from error
    return bound.args, bound.kwargs


def _leaf_names(value: Any, prefix: str) -> list[str]:
    paths, _ = pytree.tree_flatten_with_path(value)
    names = []
    for path, leaf in paths:
        if isinstance(leaf, torch.Tensor):
            parts = [
                str(getattr(step, "key", getattr(step, "idx", getattr(step, "name", step)))) for step in path
            ]
            if not prefix:
                parts = [f"input_{parts[0]}" if parts[0].isdecimal() else parts[0], *parts[1:]]
            names.append(".".join([prefix, *parts] if prefix else parts))
    return names


def _numpy_dtype(name: str, tensor: torch.Tensor) -> np.dtype[Any]:
    try:
        return np.dtype(torch.empty(0, dtype=tensor.dtype).numpy().dtype)
    except TypeError as error:
        raise ExportError(
            f"input {name!r} is {tensor.dtype}, which cannot be verified here: export float32"
        ) from error


def _whole_range(tensor: torch.Tensor) -> tuple[int, int]:
    if tensor.is_floating_point() or tensor.is_complex() or tensor.numel() == 0:
        return 0, 1
    return int(tensor.min()), int(tensor.max())


class Traced(nn.Module):
    """Calls a module with flat tensors and returns its result's tensors as a tuple, own order.

    With `marking`, every tapped value and every output passes through a marker; without, tapped values are copied
    into the recorder as they are at that moment, before an in-place layer can change them.
    """

    def __init__(self, module: nn.Module, example: Example, recorder: TapRecorder) -> None:
        super().__init__()
        self.module = module
        self.recorder = recorder
        self.marking = False
        self.output_names: list[str] = []
        self._example = example

    def forward(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Runs the module; the hooks of `tapped` do the recording."""
        self.recorder.start()
        args, kwargs = self._example.rebuild(tensors)
        named = flatten_named(self.module(*args, **kwargs), torch.is_tensor)
        self.output_names = [name for name, _ in named]
        if not self.marking:
            return tuple(tensor for _, tensor in named)
        return tuple(mark(tensor, Key(OUTPUT, 0, i)) for i, (_, tensor) in enumerate(named))

    @contextlib.contextmanager
    def tapped(self, layers: Mapping[str, nn.Module]) -> Iterator[None]:
        """Hooks on the tapped modules for as long as the context lasts."""
        handles = [
            layer.register_forward_hook(lambda _module, _args, result, name=name: self._tap(name, result))
            for name, layer in layers.items()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def record(self, feed: Mapping[str, Array], device: torch.device) -> tuple[list[Array], dict[Key, Array]]:
        """Own outputs and tapped values of one run outside any trace."""
        tensors = [torch.from_numpy(np.array(feed[name])).to(device) for name in self._example.names]
        own = self(*tensors)
        return [_array(t) for t in own], {key: _array(t) for key, t in self.recorder.seen.items()}

    def _tap(self, layer: str, result: Any) -> Any:
        call = self.recorder.next_call(layer)
        elements = iter(range(1_000_000))

        def visit(tensor: torch.Tensor) -> torch.Tensor:
            key = Key(layer, call, next(elements))
            if self.marking:
                self.recorder.seen[key] = None
                return mark(tensor, key)
            self.recorder.seen[key] = tensor.detach().clone()
            return tensor

        return pytree.tree_map_only(torch.Tensor, visit, result)


def _array(tensor: torch.Tensor) -> Array:
    return np.asarray(tensor.detach().cpu().numpy())


@contextlib.contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode, no gradients and full float32 precision; every module's own mode is restored after."""
    modes = [(part, part.training) for part in module.modules()]
    fast_path = torch.backends.mha.get_fastpath_enabled()
    tf32 = torch.backends.cuda.matmul.allow_tf32
    try:
        module.eval()
        torch.backends.mha.set_fastpath_enabled(False)  # it goes round the sub-modules, and their taps
        torch.backends.cuda.matmul.allow_tf32 = False
        with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.mha.set_fastpath_enabled(fast_path)
        for part, mode in modes:
            part.training = mode
