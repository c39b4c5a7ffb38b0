"""A run folder as the report reads it: JSON, the images saved with it, and the exported model."""

from __future__ import annotations

import itertools
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError, InputNotFound, ModelNotFound

__all__ = ["FRAMEWORKS", "MODELS", "Run", "is_run_folder", "open_run"]

MODELS = {
    "section1-line": "Section-1 · Line",
    "section1-mnist": "Section-1 · MNIST",
    "section2-line": "Section-2 · Line",
}
FRAMEWORKS = {"torch": "PyTorch", "tensorflow": "TensorFlow"}
FORMAT = 1


@dataclass(frozen=True)
class Run:
    """One trained model.

    ``images`` are uint8 (n, H, W, C), C being 1 or 3; ``labels`` and ``probe_labels`` number the classes of the data
    set, whose names are ``class_names``. ``history`` has one entry per epoch.
    """

    path: Path
    model: str
    framework: str
    dataset: str
    info: dict[str, Any]
    history: list[dict[str, Any]]
    metrics: dict[str, Any]
    images: NDArray[np.uint8] = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    probe_images: NDArray[np.uint8] = field(repr=False)
    probe_labels: NDArray[np.int64] = field(repr=False)

    @property
    def onnx(self) -> Path:
        return self.path / "model.onnx"

    @property
    def title(self) -> str:
        return MODELS.get(self.model, self.model)

    @property
    def framework_title(self) -> str:
        return FRAMEWORKS.get(self.framework, self.framework)

    @property
    def taps(self) -> dict[str, str]:
        """Layer name to its kind, in the order in which the report shows them."""
        return dict(self.info["layers"])

    @property
    def output_labels(self) -> dict[str, list[str]]:
        return {name: list(names) for name, names in self.info["labels"].items()}

    @property
    def class_names(self) -> list[str]:
        """Names of the data set's classes: of several heads, every combination, the last head changing fastest."""
        return [" ".join(names) for names in itertools.product(*self.output_labels.values())]


def is_run_folder(path: Path) -> bool:
    return (path / "run.json").is_file()


def open_run(path: Path) -> Run:
    """Read a finished and exported run.

    Raises InputNotFound where there is no run, InputError where it is unfinished or damaged, and
    ModelNotFound where it has not been exported: each says the command that helps.
    """
    if not path.is_dir():
        raise InputNotFound(f"no run folder {path}; `onnxlens train` makes one")
    if not is_run_folder(path):
        raise InputNotFound(f"{path} has no run.json, so it is no run folder; `onnxlens train` makes one")
    info = _read_json(path / "run.json")
    try:
        if info["format"] != FORMAT:
            raise InputError(
                f"{path} is a run folder of format {info['format']}, and this version reads format {FORMAT}; "
                "train again, or use the version that made it"
            )
        model, framework = str(info["model"]), str(info["framework"])
        dataset = str(info["dataset"]["name"])
        resume = f"`onnxlens train {model} --framework {framework} --out {path} --resume`"
        if info["status"] != "finished":
            raise InputError(
                f"the training in {path} is not finished ({info.get('epochs', 0)} epochs done); "
                f"go on with {resume}"
            )
        if not (path / "model.onnx").is_file():
            raise ModelNotFound(f"{path} has no model.onnx; write it with `onnxlens export {path}`")
        arrays = _read_arrays(path / "images.npz")
        return Run(
            path=path,
            model=model,
            framework=framework,
            dataset=dataset,
            info=info,
            history=list(_read_json(path / "history.json")["epochs"]),
            metrics=_read_json(path / "metrics.json"),
            images=arrays["images"],
            labels=arrays["labels"],
            probe_images=arrays["probe_images"],
            probe_labels=arrays["probe_labels"],
        )
    except KeyError as error:
        raise InputError(f"the run folder {path} lacks the entry {error}; train it again") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputNotFound(f"{path} is missing; the run is incomplete, train it again") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no valid JSON ({error}); the run is damaged, train it again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no JSON object; the run is damaged, train it again")
    return content


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError as error:
        raise InputNotFound(f"{path} is missing; the run is incomplete, train it again") from error
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read ({error}); the run is damaged, train it again") from error
