"""Files that PyTorch wrote: `.pt2` programs, which can be exported, and pickles, which hold weights alone."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.export.pt2_archive import constants as archive

from export.errors import ExportError, first_line
from export.opsets import DEFAULT_OPSET
from export.torch_exporter import export_torch

__all__ = ["export_program", "refuse_pickle"]

# members that hold code, or pickles that PyTorch would load without looking
_UNSAFE = (archive.OPAQUE_OBJ_FILENAME_PREFIX, archive.CUSTOM_OBJ_FILENAME_PREFIX, archive.AOTINDUCTOR_DIR)


def export_program(
    source: str | os.PathLike[str],
    path: str | os.PathLike[str],
    taps: Iterable[str] = (),
    opset: int = DEFAULT_OPSET,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Exports a `.pt2` file (`torch.export.save`) as `export_torch` exports a module; taps are the module's paths.

    The batch is free where the program was traced with a free axis 0. Raises ExportError for a file that is no such
    program, or that holds anything but tensors and a graph.
    """
    source = Path(source)
    program = _load(source)
    if program.example_inputs is None:
        raise ExportError(f"{source} holds no example inputs: export the module itself with export_torch")
    args, kwargs = program.example_inputs
    if args and kwargs:
        raise ExportError(
            f"{source} was traced with both arguments and keyword arguments: use export_torch instead"
        )
    names = list(program.graph_signature.user_inputs)
    with _quiet():
        module: Any = torch.export.unflatten(program)
    _name_classes(module, program)
    return export_torch(
        module,
        kwargs if kwargs else args,
        path,
        taps,
        opset,
        metadata,
        input_names=[str(name) for name in names],
        dynamic_batch=_free_batch(program),
    )


def refuse_pickle(source: Path) -> None:
    """Raises the ExportError that fits a pickle: its weights alone make no model. Nothing in it is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a TorchScript archive announces itself so
            found = torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ExportError(
            f"{source} holds more than weights and was not loaded, because unpickling it could run any code. If you "
            "trust it, load it in Python yourself and call export.export_torch(module, example, path)"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        if "TorchScript" in str(error):
            raise ExportError(
                f"{source} is a TorchScript archive, which the exporter cannot read: export the module it was made "
                "from with export.export_torch(module, example, path)"
            ) from error
        raise ExportError(f"{source} is not a file that PyTorch can read: {first_line(error)}") from error
    what = f"{len(found)} weights or entries" if isinstance(found, Mapping) else f"a {type(found).__name__}"
    raise ExportError(
        f"{source} holds {what} and no architecture: build the module in Python, load these into it and call "
        "export.export_torch(module, example, path); or save it with torch.export.save as .pt2"
    )


def _load(source: Path) -> Any:
    try:
        with zipfile.ZipFile(source) as zipped:
            members = zipped.namelist()
    except zipfile.BadZipFile as error:
        raise ExportError(f"{source} is not a .pt2 file (torch.export.save writes them)") from error
    if not any(f"/{archive.MODELS_DIR}" in member for member in members):
        raise ExportError(
            f"{source} holds no exported program; torch.export.save of PyTorch 2.8 or newer writes one"
        )
    if unsafe := [member for member in members if any(mark in member for mark in _UNSAFE)]:
        raise ExportError(
            f"{source} holds code or objects ({unsafe[0]}) beside its tensors and was not loaded"
        )
    try:
        with _weights_only(), _quiet():
            return torch.export.load(source)
    except Exception as error:  # the loader raises whatever its parts raise
        raise ExportError(
            f"{source} cannot be loaded as an exported program of plain tensors: {first_line(error)}"
        ) from error


@contextlib.contextmanager
def _weights_only() -> Iterator[None]:
    """`torch.export.load` unpickles with `weights_only=False`; PyTorch reads this variable and overrides that."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            for module in (r"torch(\..*)?$", r"copyreg$"):
                warnings.filterwarnings("ignore", module=module)
            yield
    finally:
        logger.setLevel(level)


def _free_batch(program: Any) -> bool:
    inputs = set(program.graph_signature.user_inputs)
    values = [
        node.meta.get("val")
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in inputs
    ]
    return any(
        isinstance(v, torch.Tensor) and v.ndim and isinstance(v.shape[0], torch.SymInt) for v in values
    )


def _name_classes(module: Any, program: Any) -> None:
    """Tells each unflattened module which class it had, for the metadata."""
    parts = dict(module.named_modules(remove_duplicate=False))
    for node in program.graph.nodes:
        for name, kind in (node.meta.get("nn_module_stack") or {}).values():
            if name in parts:
                parts[name].original_class = (
                    kind if isinstance(kind, str) else kind.__qualname__
                ).rpartition(".")[2]
