"""`onnxlens export`: a trained run, or a model file of the user's, to ONNX."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

if TYPE_CHECKING:
    from trainers.runs import Run

__all__ = ["export"]


class Plan(NamedTuple):
    """What to do for one kind of source: where it goes by default, what is tapped by default, and how."""

    out: Path
    taps: tuple[str, ...]
    write: Callable[[Path, tuple[str, ...], int], dict[str, float]]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", type=click.Path(path_type=Path), metavar="RUN_DIR|CHECKPOINT|MODEL")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The ONNX file.  [default: RUN_DIR/model.onnx, or beside MODEL]",
)
@click.option("--opset", type=int, default=18, show_default=True, help="ONNX operator set.")
@click.option(
    "--tap",
    "taps",
    multiple=True,
    metavar="NAME",
    help="A layer that becomes an output; repeatable.  [default: a run's own layers; of MODEL none]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def export(
    source: Path, out: Path | None, opset: int, taps: tuple[str, ...], as_json: bool, quiet: bool
) -> None:
    """Write a trained model as ONNX, with layers as outputs, verified against its framework.

    Takes a run folder of `onnxlens train` (its best epoch) or one of its checkpoints, a .keras file, a SavedModel
    folder, or a .pt2 file of torch.export.save.
    """
    plan = _plan(source)
    path = plan.out if out is None else out
    errors = plan.write(path, taps or plan.taps, opset)
    if as_json:
        click.echo(json.dumps({"path": str(path), "opset": opset, "outputs": errors}, indent=2))
    elif not quiet:
        width = max(map(len, errors))
        for name, error in errors.items():
            click.echo(f"{name:<{width}}  differs from the framework by {error:.1e} of its largest magnitude")
        click.echo(path)


def _plan(source: Path) -> Plan:
    from export.errors import ExportError

    if not source.exists():
        raise ExportError(f"{source} does not exist")
    run_dir, which = _run_of(source)
    if run_dir is not None:
        return _run_plan(run_dir, which)
    beside = source.parent / f"{source.name if source.is_dir() else source.stem}.onnx"
    if (source / "saved_model.pb").is_file():
        _import_tensorflow()
        from export.keras_files import export_saved_model

        return Plan(beside, (), lambda path, taps, opset: export_saved_model(source, path, taps, opset))
    match source.suffix.lower():
        case ".keras":
            _import_tensorflow()
            from export.keras_files import export_keras_file

            return Plan(beside, (), lambda path, taps, opset: export_keras_file(source, path, taps, opset))
        case ".pt2":
            from export.torch_program import export_program

            return Plan(beside, (), lambda path, taps, opset: export_program(source, path, taps, opset))
        case ".pt" | ".pth" | ".bin" | ".ckpt" | ".pkl":
            from export.torch_program import refuse_pickle

            refuse_pickle(source)
    raise ExportError(
        f"{source} is none of these: a run folder or its checkpoint, a .keras file, a SavedModel folder, a .pt2 file"
        + (". An ONNX file needs no export" if source.suffix.lower() == ".onnx" else "")
    )


def _run_of(source: Path) -> tuple[Path | None, Literal["best", "last"]]:
    """The run folder that the source is or lies in, and which of its checkpoints is meant."""
    if (source / "run.json").is_file():
        return source, "best"
    if source.parent.name == "checkpoints" and (source.parent.parent / "run.json").is_file():
        return source.parent.parent, "last" if source.name.startswith("last") else "best"
    return None, "best"


def _run_plan(run_dir: Path, which: Literal["best", "last"]) -> Plan:
    from trainers.runs import load_module, open_run

    run = open_run(run_dir)

    def write(path: Path, taps: tuple[str, ...], opset: int) -> dict[str, float]:
        metadata, names = _metadata(run, taps), list(run.info["outputs"])
        if run.info["framework"] == "tensorflow":
            _import_tensorflow()
            from export import export_keras

            model = load_module(run, which)
            return export_keras(model, path, taps, opset, metadata, output_names=names)
        from export import export_torch

        module = load_module(run, which)
        return export_torch(
            module, _blank(run.info["input"]), path, taps, opset, metadata, output_names=names
        )

    return Plan(run_dir / "model.onnx", tuple(run.info["layers"]), write)


def _blank(spec: Mapping[str, Any]) -> Any:
    import numpy as np

    return np.zeros((1, len(spec["channels"]), *spec["size"]), np.float32)


def _metadata(run: Run, taps: tuple[str, ...]) -> dict[str, Any]:
    info = run.info
    training = {"dataset": info["dataset"]["name"], "seed": info["seed"], "epochs": info["epochs"]}
    training |= {"model": info["model"], "variant": info.get("variant")}
    if run.finished:
        training["accuracy"] = run.metrics["accuracy"]
    return {
        "labels": info["labels"],
        "layers": {name: kind for name, kind in info["layers"].items() if name in taps},
        "input": info["input"],
        "outputs": info["outputs"],
        "training": training,
    }


def _import_tensorflow() -> None:
    """TensorFlow's libraries write to the terminal while they are loaded; only a failure is worth showing."""
    from trainers.quiet import quiet_start

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_start():
        import tensorflow
    del tensorflow
