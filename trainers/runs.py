"""The run folder: what a training leaves behind, for the exporter, the report and its own continuation.

run.json      what was trained on what, with which settings, and how far it has come
history.json  one record per epoch
metrics.json  the scores on the test set, once finished
checkpoints/  best and last (.pt or .weights.h5); last also holds the optimiser's state
images.npz    the six images that the report shows, and the ones it measures claims on
figures/      learning curve, confusion matrices, scores per class
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from trainers.atomic import make_folder, replacing
from trainers.errors import TrainerError
from trainers.frameworks import Framework, get_framework
from trainers.models import Spec, get_spec
from trainers.settings import Settings

__all__ = ["FORMAT", "Run", "create_run", "load_module", "open_run"]

FORMAT = 1
WRITTEN = ("run.json", "history.json", "metrics.json", "images.npz", "checkpoints", "figures", "model.onnx")


@dataclass(frozen=True)
class Run:
    """A run folder and the contents of its `run.json`."""

    path: Path
    info: dict[str, Any]

    @property
    def spec(self) -> Spec:
        """The model's specification."""
        return get_spec(self.info["model"])

    @property
    def framework(self) -> Framework:
        """The framework it is trained in."""
        return get_framework(self.info["framework"])

    @property
    def settings(self) -> Settings:
        """How it is trained."""
        try:
            return Settings(**self.info["settings"])
        except TypeError as error:
            raise TrainerError(
                f"{self.path}/run.json is damaged: its settings are not a training's"
            ) from error

    @property
    def finished(self) -> bool:
        """Whether training has ended and the test set has been scored."""
        return bool(self.info["status"] == "finished")

    @property
    def history(self) -> list[dict[str, Any]]:
        """One record per epoch."""
        path = self.path / "history.json"
        return list(_read_json(path).get("epochs", [])) if path.exists() else []

    @property
    def metrics(self) -> dict[str, Any]:
        """The scores on the test set.

        Raises:
            TrainerError: the run is not finished.
        """
        path = self.path / "metrics.json"
        if not path.exists():
            raise TrainerError(
                f"{self.path} has no metrics.json: the run is not finished, --resume continues it"
            )
        return _read_json(path)

    def checkpoint(self, which: Literal["best", "last"]) -> Path:
        """The path of a checkpoint, whether it exists yet or not."""
        return self.path / "checkpoints" / f"{which}{self.framework.suffix}"

    def write(self, name: Literal["run", "history", "metrics"], value: dict[str, Any]) -> None:
        """Write one of the folder's JSON files, whole or not at all. Raises `OutputError` where that is impossible."""
        with replacing(self.path / f"{name}.json") as partial:
            partial.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def updated(self, **changes: Any) -> Run:
        """The run with fields of `run.json` changed, in the file as well."""
        run = replace(self, info=self.info | changes)
        run.write("run", run.info)
        return run


def create_run(
    path: Path,
    spec: Spec,
    framework: Framework,
    settings: Settings,
    dataset: dict[str, Any],
    overwrite: bool = False,
) -> Run:
    """Start a run folder.

    Args:
        path: the folder; made with its parents.
        dataset: the `dataset` field of `run.json`.
        overwrite: remove a run that is there.

    Raises:
        TrainerError: a run or something else is there.
        OutputError: the folder cannot be written.
    """
    if (path / "run.json").exists():
        if not overwrite:
            raise TrainerError(
                f"{path} already holds a run: --resume continues it, --overwrite starts again, --out goes elsewhere"
            )
        for name in WRITTEN:
            _remove(path / name)
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise TrainerError(f"{path} exists and is not a run folder; choose another with --out")
    for folder in ("checkpoints", "figures"):
        make_folder(path / folder)
    info = {
        "format": FORMAT,
        "model": spec.name,
        "variant": spec.variant,
        "framework": framework.name,
        "seed": settings.seed,
        "epochs": 0,
        "status": "running",
        "settings": settings.to_json(),
        "dataset": dataset,
        "labels": spec.labels,
        "input": spec.input_metadata(framework.layout),
        "outputs": spec.output_metadata(),
        "layers": spec.layers,
        "versions": framework.versions(),
    }
    return Run(path, {}).updated(**info)


def open_run(path: str | Path) -> Run:
    """The run in a folder.

    Raises:
        TrainerError: no run there, or its `run.json` is damaged or of a newer format.
    """
    path = Path(path)
    if not (path / "run.json").is_file():
        raise TrainerError(f"{path} is not a run folder: it has no run.json (`onnxlens train` makes one)")
    info = _read_json(path / "run.json")
    if info.get("format") != FORMAT:
        raise TrainerError(f"{path}/run.json has format {info.get('format')!r}; this version reads {FORMAT}")
    missing = {"model", "framework", "status", "settings", "dataset"} - info.keys()
    if missing:
        raise TrainerError(f"{path}/run.json lacks {', '.join(sorted(missing))}")
    return Run(path, info)


def load_module(run: Run, which: Literal["best", "last"] = "best") -> Any:
    """The trained model in its own framework, on the CPU, in inference mode, with logits out.

    Returns:
        A `torch.nn.Module` (NCHW in) or a `keras.Model` (NHWC in).

    Raises:
        TrainerError: the framework is not installed, or the checkpoint is missing, damaged or another model's.
    """
    path = run.checkpoint(which)
    if not path.is_file():
        raise TrainerError(f"{path} does not exist: no epoch of this run is complete")
    return run.framework.load_module(run.spec, path)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainerError(f"{path} is damaged: {error}") from error
    if not isinstance(value, dict):
        raise TrainerError(f"{path} is damaged: an object was expected")
    return value


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
