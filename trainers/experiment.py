"""A whole training: data set, run folder, training, test scores and figures. What `onnxlens train` calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from trainers.atomic import replacing
from trainers.data import Dataset, load, report_images
from trainers.errors import TrainerError
from trainers.figures import draw_all
from trainers.frameworks import get_framework
from trainers.learner import Learner
from trainers.metrics import evaluate
from trainers.models import get_spec
from trainers.runs import Run, create_run, open_run
from trainers.settings import Settings
from trainers.training import OnBatch, OnEpoch, fit, predict

__all__ = ["default_folder", "resume", "train"]

DATA_OPTIONS: dict[str, dict[str, Any]] = {
    "line": {"images_per_class": 1000, "seed": 0},
    "mnist": {"limit": None},
}
"""The options of each data set that decide its images, as `run.json` keeps them."""


def default_folder(model: str, framework: str) -> Path:
    """Where a run goes if nobody says otherwise."""
    return Path("runs") / f"{model}-{framework}"


def train(
    model: str,
    framework: str,
    out: str | Path | None = None,
    *,
    settings: Settings | None = None,
    data: Mapping[str, Any] | None = None,
    mnist_dir: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    overwrite: bool = False,
    on_batch: OnBatch = lambda *_: None,
    on_epoch: OnEpoch = lambda _: None,
) -> Run:
    """Train a model from the beginning, score it on the test set and leave everything in a run folder.

    Args:
        model: `section1-line`, `section1-mnist` or `section2-line`.
        framework: `torch` or `tensorflow`.
        out: the run folder, `runs/MODEL-FRAMEWORK` if None.
        data: options of the data set that decide its images: `images_per_class`, `seed` (Line), `limit` (MNIST).
        mnist_dir: where MNIST is looked for first.
        device: `cpu`, `cuda`, `mps`, or `auto`: the first accelerator there is, else the CPU.
        threads: CPU threads; all if None.
        overwrite: remove the run that is in `out`.

    Raises:
        TrainerError: an unknown name, a value out of range, a framework that is not installed, a run in `out`, data
            that cannot be had.
        OutputError: the folder cannot be written.
    """
    spec = get_spec(model)
    chosen = get_framework(framework)
    checked = (settings or Settings()).checked(spec)
    options = _data_options(spec.dataset, data or {})
    learner = chosen.learner(spec, checked, device, threads)
    dataset = _load(spec.dataset, options, mnist_dir)
    description = {"name": spec.dataset, **options, "details": dataset.details}
    path = Path(out) if out is not None else default_folder(model, framework)
    run = create_run(path, spec, chosen, checked, description, overwrite=overwrite)
    return _complete(run, learner, dataset, on_batch, on_epoch)


def resume(
    path: str | Path,
    *,
    epochs: int | None = None,
    mnist_dir: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    on_batch: OnBatch = lambda *_: None,
    on_epoch: OnEpoch = lambda _: None,
) -> Run:
    """Continue a run from its last complete epoch, with the settings and data it was started with.

    On the device and with the number of threads of the start, the result equals that of a run never stopped, bit for
    bit. A finished run is returned as it is, unless `epochs` asks for more: then the learning rate follows the longer
    schedule from there.

    Raises:
        TrainerError: no run in `path`, a damaged checkpoint, a framework that is not installed.
    """
    run = open_run(path)
    settings = run.settings if epochs is None else replace(run.settings, epochs=epochs).checked(run.spec)
    if run.finished and (epochs is None or epochs <= run.info["epochs"]):
        return run
    learner = run.framework.learner(run.spec, settings, device, threads)
    stored = run.info["dataset"]
    options = {key: stored[key] for key in DATA_OPTIONS[stored["name"]]}
    dataset = _load(stored["name"], options, mnist_dir)
    run = run.updated(status="running", settings=settings.to_json(), versions=run.framework.versions())
    return _complete(run, learner, dataset, on_batch, on_epoch)


def _data_options(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := given.keys() - DATA_OPTIONS[name].keys():
        raise TrainerError(f"the data set {name!r} has no option {', '.join(sorted(unknown))}")
    return DATA_OPTIONS[name] | dict(given)


def _load(name: str, options: Mapping[str, Any], mnist_dir: str | Path | None) -> Dataset:
    return load(name, **options, **({"mnist_dir": mnist_dir} if name == "mnist" else {}))


def _complete(run: Run, learner: Learner, dataset: Dataset, on_batch: OnBatch, on_epoch: OnEpoch) -> Run:
    """Train what is left to train, then score and draw. The status is written last."""
    _save_images(run, dataset)
    history = fit(run, learner, dataset, on_batch, on_epoch)
    metrics = evaluate(run.spec, dataset, predict(learner, dataset.test_images))
    run.write("metrics", metrics)
    title = f"{run.info['model']} ({run.info['framework']})"
    draw_all(run.path / "figures", title, history, metrics)
    return run.updated(status="finished", epochs=len(history))


def _save_images(run: Run, dataset: Dataset) -> None:
    chosen = report_images(dataset)
    with replacing(run.path / "images.npz") as partial, partial.open("wb") as file:
        np.savez_compressed(file, **chosen._asdict())
