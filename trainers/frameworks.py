"""The frameworks a model can be trained in, and how each is brought in when it is asked for."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from trainers.errors import TrainerError
from trainers.learner import Learner
from trainers.models import Spec
from trainers.quiet import quiet_start
from trainers.settings import Settings

__all__ = ["FRAMEWORKS", "Framework", "get_framework"]


@dataclass(frozen=True)
class Framework:
    """Where a framework's trainer lies, and how its files and tensors look."""

    name: Literal["torch", "tensorflow"]
    trainer: str
    suffix: str
    layout: Literal["NCHW", "NHWC"]

    def _module(self) -> Any:
        # both are read while TensorFlow is imported: its start-up notes, and which library Keras runs on
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        os.environ["KERAS_BACKEND"] = "tensorflow"
        try:
            with quiet_start():
                return import_module(self.trainer)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in {"torch", "tensorflow", "keras"}:
                raise TrainerError(
                    f"{self.name} is not installed; run `pip install onnxlens[{self.name}]`"
                ) from error
            raise

    def learner(
        self, spec: Spec, settings: Settings, device: str = "auto", threads: int | None = None
    ) -> Learner:
        """A fresh model with its optimiser.

        Raises:
            TrainerError: the framework is not installed, or has no such device here.
        """
        module = self._module()
        with quiet_start():  # the first use of a device has its own notes
            learner: Learner = module.make_learner(spec, settings, device=device, threads=threads)
        return learner

    def load_module(self, spec: Spec, checkpoint: Path) -> Any:
        """The model of `spec` with the weights of `checkpoint`, on the CPU, in inference mode."""
        learner = self.learner(spec, Settings(), device="cpu")
        learner.load_weights(checkpoint)
        return self._module().for_inference(learner.module)

    def versions(self) -> dict[str, str]:
        """Name -> version of what decides the weights, as installed now."""
        import numpy as np

        own: dict[str, str] = self._module().versions()
        return {"python": sys.version.partition(" ")[0], "numpy": np.__version__, **own}


FRAMEWORKS: dict[str, Framework] = {
    framework.name: framework
    for framework in (
        Framework("torch", "trainers.torch_trainer", ".pt", "NCHW"),
        Framework("tensorflow", "trainers.keras_trainer", ".weights.h5", "NHWC"),
    )
}


def get_framework(name: str) -> Framework:
    """The framework called `name`; raises `TrainerError` otherwise."""
    if name not in FRAMEWORKS:
        raise TrainerError(f"no framework {name!r}; there are {', '.join(FRAMEWORKS)}")
    return FRAMEWORKS[name]
