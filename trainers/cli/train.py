"""`onnxlens train MODEL --framework F`: train, score and draw one of the models, in a run folder."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from trainers.runs import Run

__all__ = ["train"]

MODELS = ("section1-line", "section1-mnist", "section2-line")


def loss_weights(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, float] | None:
    """`angle=2` as {"angle": 2.0}; None where nothing was given."""
    weights = {}
    for value in values:
        output, _equals, number = value.partition("=")
        try:
            weights[output.strip()] = float(number)
        except ValueError:
            raise click.BadParameter(f"{value!r} is not OUTPUT=NUMBER, as in angle=2") from None
    return weights or None


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("model", type=click.Choice(MODELS))
@click.option(
    "--framework",
    type=click.Choice(["torch", "tensorflow"]),
    required=True,
    help="PyTorch, or Keras 3 on TensorFlow.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Run folder.  [default: runs/MODEL-FRAMEWORK]",
)
@click.option("--epochs", type=click.IntRange(min=1), help="At most so many.  [default: 8]")
@click.option("--batch-size", type=click.IntRange(min=1), help="Images per step.  [default: 256]")
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    help="Adam's rate in the first epoch; half a cosine from there.  [default: 0.001]",
)
@click.option(
    "--patience",
    type=click.IntRange(min=1),
    help="Stop after so many epochs without a better one.  [default: 4]",
)
@click.option(
    "--loss-weight",
    "loss_weights",
    multiple=True,
    metavar="OUTPUT=NUMBER",
    callback=loss_weights,
    help="Factor of one output's loss, as angle=2; repeatable.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Of weights, held-out part and order.  [default: 0]")
@click.option("--data-seed", type=click.IntRange(min=0), help="Of the Line images.  [default: 0]")
@click.option("--images-per-class", type=click.IntRange(min=3), help="Line: fewer images.  [default: 1000]")
@click.option("--limit", type=click.IntRange(min=60), help="MNIST: only so many training images.")
@click.option("--mnist-dir", type=click.Path(path_type=Path), help="Folder with the four IDX files.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="auto: an accelerator if there is one, else the CPU.",
)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.  [default: all]")
@click.option("--resume", is_flag=True, help="Go on from the last complete epoch of the run in --out.")
@click.option("--overwrite", is_flag=True, help="Remove the run in --out and start again.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="No progress, no table.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def train(
    model: str,
    framework: str,
    out: Path | None,
    device: str,
    threads: int | None,
    mnist_dir: Path | None,
    data_seed: int | None,
    images_per_class: int | None,
    limit: int | None,
    resume: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Train one of the models and score it on the test set.

    A twentieth of the training images is held out to choose the best epoch by; the test set is looked at once, at the
    end. Every epoch ends with a checkpoint: after Ctrl-C or a crash, --resume continues from it.
    """
    if resume and overwrite:
        raise click.UsageError("--resume and --overwrite contradict each other")
    from trainers import experiment
    from trainers.progress import training_bars
    from trainers.runs import open_run
    from trainers.settings import Settings

    path = out or experiment.default_folder(model, framework)
    given = {name: value for name, value in settings.items() if value is not None}
    data = {"images_per_class": images_per_class, "limit": limit, "seed": data_seed}
    data = {name: value for name, value in data.items() if value is not None}
    machine: dict[str, Any] = {"mnist_dir": mnist_dir, "device": device, "threads": threads}
    if resume:
        started = open_run(path)
        refuse_changes(started, started.info, {"model": model, "framework": framework})
        refuse_changes(started, started.info["settings"], given)
        refuse_changes(started, started.info["dataset"], data)
        chosen = started.settings
    else:
        chosen = Settings(**given)
    try:
        with training_bars(given.get("epochs", chosen.epochs), quiet) as (on_batch, on_epoch):
            watchers: dict[str, Any] = {"on_batch": on_batch, "on_epoch": on_epoch}
            if resume:
                run = experiment.resume(path, epochs=given.get("epochs"), **machine, **watchers)
            else:
                run = experiment.train(
                    model,
                    framework,
                    path,
                    settings=chosen,
                    data=data,
                    overwrite=overwrite,
                    **machine,
                    **watchers,
                )
    except KeyboardInterrupt:
        if (path / "run.json").exists():
            again = ["onnxlens", "train", model, "--framework", framework, "--out", str(path), "--resume"]
            # where the run keeps no note of it: which machine, and where its data lie
            for name, value in ({"threads": threads, "mnist-dir": mnist_dir}).items():
                again += [f"--{name}", str(value)] if value is not None else []
            click.echo(f"Stopped. Every complete epoch is kept; to go on: {shlex.join(again)}", err=True)
        raise
    if as_json:
        click.echo(json.dumps(summary(run), indent=2, ensure_ascii=False))
    elif not quiet:
        print_table(run)


def refuse_changes(run: Run, stored: dict[str, Any], given: dict[str, Any]) -> None:
    """A resumed run keeps what it was started with: anything else would be neither the old run nor a new one."""
    from trainers.errors import TrainerError

    for name, value in given.items():
        if name != "epochs" and stored.get(name) != value:
            raise TrainerError(
                f"{run.path} was started with {name} {stored.get(name)}, which --resume cannot change to {value}; "
                "leave it out, or start elsewhere with --out"
            )


def summary(run: Run) -> dict[str, Any]:
    """The scores without the tables that `metrics.json` holds."""
    from trainers.schedule import best_epoch

    metrics, history = run.metrics, run.history
    heads = {output: scores["accuracy"] for output, scores in metrics["heads"].items()}
    return {
        "run": str(run.path),
        "model": run.info["model"],
        "framework": run.info["framework"],
        "epochs": len(history),
        "best_epoch": best_epoch(history),
        "seconds": round(sum(record["seconds"] for record in history), 1),
        "accuracy": metrics["accuracy"],
        "heads": heads,
        "test_images": metrics["test_images"],
    } | {key: metrics[key] for key in ("accuracy_without_twins",) if key in metrics}


def print_table(run: Run) -> None:
    """The scores, for people."""
    from rich.console import Console
    from rich.table import Table

    values = summary(run)
    rows = {
        "epochs": f"{values['epochs']} in {values['seconds']:.0f} s; the best is {values['best_epoch']}",
        "accuracy on the test set": f"{values['accuracy']:.2%} of {values['test_images']:,} images",
    }
    if len(values["heads"]) > 1:
        rows["... per output"] = ", ".join(f"{name} {value:.2%}" for name, value in values["heads"].items())
    if values.get("accuracy_without_twins") is not None:
        rows["... of images without a twin in training"] = f"{values['accuracy_without_twins']:.2%}"
    for output, scores in run.metrics["heads"].items():
        worst = sorted(zip(scores["f_score"], scores["labels"], strict=True))[:3]
        rows[f"lowest F-scores, {output}"] = ", ".join(f"{label} {score:.4f}" for score, label in worst)
    rows["run folder"] = values["run"]
    table = Table(
        title=f"{values['model']} in {values['framework']}", show_header=False, title_justify="left"
    )
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(name, value)
    Console().print(table, markup=False)
