"""From a marked graph to a verified file: the part that every framework's exporter shares."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnx_ir.passes.common as passes

from export.downgrade import to_opset_17
from export.errors import ExportError, first_line
from export.markers import place_outputs
from export.opsets import convert, ir_version_for
from export.taps import Key
from export.verify import TOLERANCE, Array, InputSpec, compare, random_feed, run_file

__all__ = ["BATCH", "BATCH_SIZES", "Job", "write_verified"]

BATCH = "batch"
BATCH_SIZES = (1, 3)
INLINE_LIMIT = 1_900_000_000  # bytes of weights; a protobuf message ends at 2 GiB


@dataclass(frozen=True)
class Job:
    """A marked graph and everything needed to finish and verify it.

    `reference` runs the framework's own model on one feed and returns every output, own ones and taps, by name.
    """

    model: ir.Model
    path: Path
    opset: int
    inputs: Sequence[InputSpec]
    own: list[str]
    taps: dict[str, Key]
    metadata: Mapping[str, str]
    reference: Callable[[Mapping[str, Array]], dict[str, Array]]
    tolerance: float = TOLERANCE


def write_verified(job: Job) -> dict[str, float]:
    """Finishes the graph, writes it beside its destination, verifies it and only then moves it there.

    Returns the largest relative difference of each output. Raises ExportError and leaves no file (an older file at
    the destination stays as it was) if anything differs; OSError if the folder cannot be written.
    """
    model = job.model
    names = place_outputs(model, job.own, job.taps)
    passes.RemoveUnusedNodesPass()(model)
    passes.RemoveUnusedOpsetsPass()(model)
    rng = np.random.default_rng(0)
    sizes = BATCH_SIZES if any(spec.batched for spec in job.inputs) else (1, 1)
    feeds = [random_feed(job.inputs, size, rng) for size in sizes]
    expected = [job.reference(feed) for feed in feeds]
    for values in expected:
        if missing := [name for name in names if name not in values]:
            raise ExportError(
                f"the model did not produce {missing[0]!r} in every run: its path depends on the input"
            )
    _describe(model, job.inputs, names, expected, sizes)
    model = _in_opset(model, job.opset)
    model.metadata_props.update(job.metadata)
    return _write(model, job, names, feeds, expected)


def _describe(
    model: ir.Model,
    inputs: Sequence[InputSpec],
    names: list[str],
    expected: Sequence[Mapping[str, Array]],
    sizes: tuple[int, int],
) -> None:
    """Names the batch dimension, and gives every output the type and shape that were observed."""
    batched = {spec.name for spec in inputs if spec.batched}
    for value in model.graph.inputs:
        if value.name in batched and value.shape is not None:
            present = value.shape[0]
            if isinstance(present, ir.SymbolicDim) and present.value not in (None, BATCH):
                _rename_dimension(model, str(present.value))
            value.shape = ir.Shape([BATCH, *value.shape.dims[1:]])
    for name, value in zip(names, model.graph.outputs, strict=True):
        first, second = (values[name] for values in expected)
        known = value.shape.dims if value.shape is not None and len(value.shape) == first.ndim else None
        dims: list[int | str | ir.SymbolicDim | None] = []
        for axis, (a, b) in enumerate(zip(first.shape, second.shape, strict=True)):
            if sizes[0] != sizes[1] and (a, b) == sizes:
                dims.append(BATCH)
            elif a != b:
                dims.append(known[axis] if known and isinstance(known[axis], ir.SymbolicDim) else None)
            else:
                dims.append(a if known is None or isinstance(known[axis], int) or batched else known[axis])
        value.shape = ir.Shape(dims)
        if value.dtype is None:
            value.dtype = ir.DataType.from_numpy(first.dtype)


def _rename_dimension(model: ir.Model, old: str) -> None:
    """Replaces a symbol wherever a shape uses it, alone or in an expression."""
    whole = re.compile(rf"\b{re.escape(old)}\b")
    for value in [*model.graph.inputs, *(v for node in model.graph.all_nodes() for v in node.outputs)]:
        if value.shape is None:
            continue
        dims: list[Any] = [
            whole.sub(BATCH, str(dim.value))
            if isinstance(dim, ir.SymbolicDim) and dim.value is not None
            else dim
            for dim in value.shape.dims
        ]
        value.shape = ir.Shape(dims)


def _in_opset(model: ir.Model, opset: int) -> ir.Model:
    """The model in the opset asked for, with the file version to match and nothing but the graph in it."""
    passes.ClearMetadataAndDocStringPass()(model)
    model.metadata_props.clear()
    model.ir_version = ir_version_for(model.opset_imports[""])
    present = model.opset_imports[""]
    if (present, opset) == (18, 17):
        to_opset_17(model)
    elif present != opset:
        try:
            proto = ir.to_proto(model)
            proto.ByteSize()
        except ValueError as error:  # protobuf's, beyond 2 GiB
            raise ExportError(f"a model this large can only be written in opset {present}") from error
        model = ir.from_proto(convert(proto, opset))
    # axes that an input held and an attribute holds now, or the other way round
    passes.RemoveUnusedNodesPass()(model)
    model.ir_version = ir_version_for(opset)
    model.producer_name, model.producer_version = "onnxlens", None
    return model


def _write(
    model: ir.Model,
    job: Job,
    names: list[str],
    feeds: Sequence[Mapping[str, Array]],
    expected: Sequence[Mapping[str, Array]],
) -> dict[str, float]:
    job.path.parent.mkdir(parents=True, exist_ok=True)
    weights = sum(
        v.const_value.nbytes for v in model.graph.initializers.values() if v.const_value is not None
    )
    data_name = f"{job.path.name}.data" if weights > INLINE_LIMIT else None
    # a folder beside the destination: on its file system, and the external data keeps the name it will have
    with _draft_folder(job.path) as folder:
        draft = Path(folder) / job.path.name
        ir.save(model, draft, external_data=data_name)
        _check(draft)
        actual = run_file(draft, feeds)
        errors = [
            compare({name: want[name] for name in names}, have, job.tolerance)
            for want, have in zip(expected, actual, strict=True)
        ]
        if data_name is not None:
            (Path(folder) / data_name).replace(job.path.parent / data_name)
        draft.replace(job.path)
    return {name: max(each[name] for each in errors) for name in names}


def _draft_folder(path: Path) -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        error.filename = str(path)  # the name that the caller knows
        raise


def _check(path: Path) -> None:
    try:
        onnx.checker.check_model(path)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"the exported graph is not valid ONNX: {first_line(error)}") from error
