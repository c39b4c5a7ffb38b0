"""The steps of the demonstration. Each is a command that people can repeat by itself, and knows whether it is done.

Training and exporting run in processes of their own: PyTorch and TensorFlow each want all cores, and
what one leaves in memory is gone before the other begins.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainers.atomic import make_folder, replacing
from trainers.demo.plan import TITLES, Plan
from trainers.errors import TrainerError

__all__ = ["Step", "model_title", "run_folder", "save_pictures", "steps_for"]

MODEL_TITLES = {
    "section1-line": "Section-1 Line",
    "section1-mnist": "Section-1 MNIST",
    "section2-line": "Section-2 Line",
}
TARGETS = {
    "section1-line": "0",
    "section1-mnist": "1",
    "section2-line": "logp(length=short) + logp(width=thin) + logp(angle=0°) + logp(colour=red)",
}
"""The class that the source report explains: the short, thin, horizontal, red line; the digit 1."""


@dataclass(frozen=True)
class Step:
    """Something to do by one command, or by several at a time.

    Attributes:
        title: what it does, in words.
        commands: what follows `onnxlens`, for each command; asked for when the step begins.
        done: whether it can be skipped.
        before, after: called when it begins, and when it has ended well.
        check: whether exit code 1 means that a gradient failed its check, and not that the step failed.
        figures: the folder of the files that it draws, whose list nobody wants to read; None where it draws none.
    """

    title: str
    commands: Callable[[], list[list[str]]]
    done: Callable[[], bool]
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    check: bool = False
    figures: Path | None = None


def model_title(model: str, framework: str) -> str:
    return f"{MODEL_TITLES.get(model, model)} in {TITLES[framework]}"


def run_folder(plan: Plan, model: str, framework: str) -> Path:
    return plan.out / "runs" / f"{model}-{framework}"


def steps_for(plan: Plan) -> list[Step]:
    """Everything after the data, in order; the report last.

    Raises TrainerError where a run folder holds a run of another size or seed.
    """
    steps = []
    for model, framework in plan.pairs:
        refuse_other_run(plan, model, framework)
        steps += [
            _train(plan, model, framework),
            _export(plan, model, framework),
            _draw(plan, model, framework),
        ]
    return [*steps, _report(plan)]


def training_options(plan: Plan, model: str) -> dict[str, Any]:
    """Command-line options of the training that decide its result."""
    size = plan.size
    if model.endswith("-mnist"):
        limit = {} if size.mnist_limit is None else {"limit": size.mnist_limit}
        return {"epochs": size.mnist_epochs, "seed": plan.seed, **limit}
    return {"epochs": size.line_epochs, "seed": plan.seed, "images-per-class": size.images_per_class}


def refuse_other_run(plan: Plan, model: str, framework: str) -> None:
    """A finished run of another size must neither be taken for this one nor overwritten."""
    folder = run_folder(plan, model, framework)
    info = _info(folder)
    if info is None:
        return
    options = training_options(plan, model)
    stored = {
        "epochs": info["settings"]["epochs"],
        "seed": info["seed"],
        "images-per-class": info["dataset"].get("images_per_class"),
        "limit": info["dataset"].get("limit"),
    }
    for name, value in stored.items():
        if options.get(name) != value:
            raise TrainerError(
                f"{folder} holds a training with {name} {value}, not {options.get(name)}: choose another folder with "
                "--out, or remove that one"
            )


def _info(folder: Path) -> dict[str, Any] | None:
    path = folder / "run.json"
    if not path.is_file():
        return None
    try:
        info: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainerError(f"{path} is damaged ({error}): remove {folder} and start again") from error
    return info


def _train(plan: Plan, model: str, framework: str) -> Step:
    folder = run_folder(plan, model, framework)

    def commands() -> list[list[str]]:
        command = ["train", model, "--framework", framework, "--out", str(folder)]
        if plan.mnist_dir is not None and model.endswith("-mnist"):
            command += ["--mnist-dir", str(plan.mnist_dir)]
        command += [*_threads(plan.threads), *_quiet(plan)]
        if _info(folder) is not None:
            return [[*command, "--resume"]]
        for name, value in training_options(plan, model).items():
            command += [f"--{name}", str(value)]
        return [command]

    def done() -> bool:
        info = _info(folder)
        return info is not None and info["status"] == "finished"

    return Step(f"Training {model_title(model, framework)}", commands, done)


def _export(plan: Plan, model: str, framework: str) -> Step:
    folder = run_folder(plan, model, framework)
    exported = folder / "model.onnx"
    return Step(
        f"Exporting {model_title(model, framework)} to ONNX",
        lambda: [["export", str(folder), *_quiet(plan)]],
        lambda: newer(exported, folder / "metrics.json"),
    )


def _draw(plan: Plan, model: str, framework: str) -> Step:
    """Figures as files: activations, filters, heatmaps. Each is the work of one core, so they are drawn together."""
    onnx = run_folder(plan, model, framework) / "model.onnx"
    out = plan.out / "figures" / f"{model}-{framework}"
    pictures, mark = pictures_folder(plan, model), out / ".complete"
    options = {
        "activations": ["activations", str(onnx), str(pictures)],
        "filters": ["filters", str(onnx), "--mode", "maximize", "--filters", "0-24"],
        "heatmaps": ["explain", str(onnx), str(pictures), "--layer", "conv", "--target", TARGETS[model]],
    }
    return Step(
        f"Figures of {model_title(model, framework)}",
        lambda: [
            [*options[kind], *_threads(1), *_provider(plan), *_quiet(plan), "--out", str(out / kind)]
            for kind in plan.figures
        ],
        lambda: newer(mark, onnx),
        before=lambda: save_pictures(run_folder(plan, model, framework), pictures),
        after=mark.touch,
        check=True,
        figures=out,
    )


def _report(plan: Plan) -> Step:
    """Always made anew: its exit code says whether a gradient check failed."""
    folders = [str(run_folder(plan, model, framework)) for model, framework in plan.pairs]
    options = [*_threads(plan.threads), *_provider(plan), *_quiet(plan)]
    return Step(
        "The report",
        lambda: [["report", *folders, *options, "--out", str(plan.out / "report.html")]],
        lambda: False,
        check=True,
    )


def _threads(count: int | None) -> list[str]:
    return [] if count is None else ["--threads", str(count)]


def _provider(plan: Plan) -> list[str]:
    return [] if plan.provider is None else ["--provider", plan.provider]


def _quiet(plan: Plan) -> list[str]:
    return ["--quiet"] if plan.quiet else []


def newer(result: Path, source: Path) -> bool:
    """Whether ``result`` was made after ``source``."""
    return result.is_file() and source.is_file() and result.stat().st_mtime >= source.stat().st_mtime


def pictures_folder(plan: Plan, model: str) -> Path:
    """Where the six images of a model's data set lie as PNG files: one folder for both frameworks."""
    return plan.out / "images" / model.rpartition("-")[2]


def save_pictures(run: Path, folder: Path) -> None:
    """Write the images that a run shows as PNG files, named by number and class. Raises OutputError."""
    from PIL import Image

    info = _info(run)
    if info is None:
        raise TrainerError(f"{run} is not a run folder: it has no run.json")
    names = [names for names in info["labels"].values() if len(info["labels"]) == 1]
    make_folder(folder)

    with np.load(run / "images.npz") as archive:
        images, labels = archive["images"], archive["labels"]
    for number, (image, label) in enumerate(zip(images, labels, strict=True), 1):
        word = names[0][label].replace(" ", "-").replace("°", "") if names else f"class-{label}"
        path = folder / f"image-{number:02d}_{word}.png"
        if not path.exists() and not list(folder.glob(f"image-{number:02d}_*.png")):
            with replacing(path) as partial:
                Image.fromarray(image.squeeze()).save(partial, format="PNG")
