"""Any PyTorch module to a verified ONNX file."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx_ir as ir
import torch
from torch import nn

from export.errors import ExportError, first_line
from export.metadata import encode_metadata, layer_kind
from export.opsets import DEFAULT_OPSET, require_opset
from export.simplify import simplify
from export.taps import TapRecorder, parse_requests
from export.torch_tracing import Example, Traced, evaluating
from export.verify import TOLERANCE, Array, InputSpec
from export.writer import BATCH, Job, write_verified

__all__ = ["export_torch"]

ONE_BATCH = "For a module made for one batch size pass dynamic_batch=False"
_TRACED_OPSET = 18  # what the exporter's own translations are written in
_TRACED_BATCH = 2  # a batch of one would be taken for a constant


def export_torch(
    module: nn.Module,
    example: Any,
    path: str | os.PathLike[str],
    taps: Iterable[str] = (),
    opset: int = DEFAULT_OPSET,
    metadata: Mapping[str, Any] | None = None,
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_batch: bool = True,
    tolerance: float = TOLERANCE,
) -> dict[str, float]:
    """Writes `module` (in evaluation mode) to `path` and verifies the file against it.

    `example` is a tensor, a tuple of arguments or a dict of keyword arguments, with the batch in axis 0; its values
    only set the range that whole-number inputs are drawn from. `taps` are module paths (`layer1.0.conv1`); each
    becomes an output after the module's own, named as given: its own value, on the path to what follows. A module
    called several times gives `name.0`, `name.1` (ask for one as `name.1`), and so does one that returns several
    tensors. Inputs are named as the parameters of `forward`; outputs `output`, `output_0`, ..., or the keys of a dict.
    `metadata` has the keys of the `onnxlens.` metadata without the prefix.

    Returns each output's largest difference from the module on random input of batch sizes 1 and 3, relative to the
    output's largest magnitude. Raises ExportError, leaving no file, when one exceeds `tolerance`, when a tap does
    not exist, and for what cannot be traced or written in `opset`; OSError when the folder cannot be written.
    """
    require_opset(opset)
    layers = dict(module.named_modules(remove_duplicate=False))
    requests = parse_requests(taps, layers, "module")
    call = Example(module, example, list(input_names) if input_names is not None else None)
    traced = Traced(module, call, TapRecorder(requests))
    device = call.tensors[0].device
    with evaluating(module), traced.tapped({request.layer: layers[request.layer] for request in requests}):
        specs = call.specs(dynamic_batch)
        tensors = [_with_batch(t, spec.batched) for t, spec in zip(call.tensors, specs, strict=True)]
        _run_once(traced, tensors)
        own = _own_names(traced.output_names, output_names)
        names = traced.recorder.names()
        model = _trace(traced, tensors, specs)

        def reference(feed: Mapping[str, Array]) -> dict[str, Array]:
            values, seen = traced.record(feed, device)
            return {
                **dict(zip(own, values, strict=True)),
                **{n: seen[key] for n, key in names.items() if key in seen},
            }

        kinds = {name: layer_kind(_class_name(layers[key.layer])) for name, key in names.items()}
        framework = {"name": "torch", "version": str(torch.__version__)}
        encoded = encode_metadata(metadata, framework, kinds)
        return write_verified(Job(model, Path(path), opset, specs, own, names, encoded, reference, tolerance))


def _class_name(layer: nn.Module) -> str:
    """The class of a module; one rebuilt from a `.pt2` file says itself what it was."""
    return str(getattr(layer, "original_class", type(layer).__name__))


def _with_batch(tensor: torch.Tensor, batched: bool) -> torch.Tensor:
    if batched and tensor.shape[0] == 1:
        return tensor.repeat(_TRACED_BATCH, *[1] * (tensor.ndim - 1))
    return tensor


def _run_once(traced: Traced, tensors: list[torch.Tensor]) -> None:
    traced.marking = False
    try:
        traced(*tensors)
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(
            f"the module cannot be run on the example (at a batch of {tensors[0].shape[0] if tensors[0].ndim else 1}): "
            f"{_cause(error)}. {ONE_BATCH}"
        ) from error


def _own_names(found: list[str], given: Sequence[str] | None) -> list[str]:
    names = list(found if given is None else given)
    if len(names) != len(found) or len(set(names)) != len(names):
        raise ExportError(f"{len(found)} different output names are needed, not {names}")
    return names


def _trace(traced: Traced, tensors: list[torch.Tensor], specs: list[InputSpec]) -> ir.Model:
    batch = torch.export.Dim(BATCH)
    shapes = tuple({0: batch} if spec.batched else None for spec in specs)
    traced.marking = True
    try:
        with _quiet():
            program = torch.export.export(traced, tuple(tensors), dynamic_shapes=(shapes,), strict=False)
            exported = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=_TRACED_OPSET,
                optimize=False,
                verbose=False,
                external_data=False,
            )
    except Exception as error:
        advice = "" if f"violated ({BATCH})" not in str(error) else f". {ONE_BATCH}"
        raise ExportError(f"PyTorch cannot export this module: {_cause(error)}{advice}") from error
    finally:
        traced.marking = False
    assert exported is not None
    model = exported.model
    for value, spec in zip(model.graph.inputs, specs, strict=True):
        value.name = spec.name
    simplify(model)
    return model


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks about packages that are not there and about its own deprecations."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for module in (r"torch(\..*)?$", r"onnxscript(\..*)?$", r"onnx_ir(\..*)?$", r"copyreg$"):
                warnings.filterwarnings("ignore", module=module)
            # recurrent layers rebind their own weights while traced; it is undone after
            warnings.filterwarnings("ignore", message="The tensor attribute.* assigned during export")
            yield
    finally:
        logger.setLevel(level)


def _cause(error: BaseException) -> str:
    """The root of a chain of wrapped errors."""
    while error.__cause__ is not None:
        error = error.__cause__
    return first_line(error)
