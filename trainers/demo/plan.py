"""What the demonstration trains: which models, in which frameworks, on how much data, for how long."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from trainers.errors import TrainerError

__all__ = ["FULL", "MODELS", "REDUCED", "Plan", "Size", "installed_frameworks"]

MODELS = ("section1-line", "section1-mnist", "section2-line")
TITLES = {"torch": "PyTorch", "tensorflow": "TensorFlow"}
NEEDED = {"torch": ("torch", "onnxscript", "sklearn"), "tensorflow": ("tensorflow", "tf2onnx", "sklearn")}
"""What training and exporting import; the report itself needs none of it."""


@dataclass(frozen=True)
class Size:
    """How much is trained: Line images in each class, MNIST images (None: all), epochs for each data set."""

    images_per_class: int
    mnist_limit: int | None
    line_epochs: int
    mnist_epochs: int


REDUCED = Size(images_per_class=400, mnist_limit=12_000, line_epochs=5, mnist_epochs=4)
FULL = Size(images_per_class=1000, mnist_limit=None, line_epochs=8, mnist_epochs=8)


@dataclass(frozen=True)
class Plan:
    """One demonstration: ``models`` trained in each of ``frameworks`` and drawn as ``figures``, all below ``out``.

    ``provider`` and ``threads`` are handed to the commands, where None leaves the choice to them; so is ``quiet``.
    """

    out: Path
    frameworks: tuple[str, ...]
    models: tuple[str, ...] = MODELS
    size: Size = REDUCED
    seed: int = 0
    mnist_dir: Path | None = None
    figures: tuple[str, ...] = ("activations", "filters", "heatmaps")
    provider: str | None = None
    threads: int | None = None
    quiet: bool = False

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every (model, framework), one framework after the other."""
        return [(model, framework) for framework in self.frameworks for model in self.models]


def installed_frameworks(wanted: str) -> tuple[tuple[str, ...], list[str]]:
    """The frameworks of ``torch``, ``tensorflow`` or ``both`` that can be used here, and a line for each that cannot.

    Raises TrainerError where none can.
    """
    names = tuple(NEEDED) if wanted == "both" else (wanted,)
    usable, notes = [], []
    for name in names:
        lacking = [module for module in NEEDED[name] if find_spec(module) is None]
        if lacking:
            notes.append(
                f"{TITLES[name]} is left out: {', '.join(lacking)} not installed (pip install 'onnxlens[{name}]')"
            )
        else:
            usable.append(name)
    if not usable:
        raise TrainerError(f"there is nothing to train with: {'; '.join(notes)}")
    return tuple(usable), notes
