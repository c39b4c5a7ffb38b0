"""How long whole processes take, as ratios: theirs and ours take turns (A B A B), so that noise meets both."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

__all__ = ["Result", "machine", "measure"]

PACKAGES = ("click", "matplotlib", "numpy", "onnx", "onnx-ir", "onnxruntime-gpu")


@dataclass(frozen=True)
class Result:
    """One command of ours beside another.

    Attributes:
        name: of the comparison.
        ratio: median of ours over median of the other.
        quartiles: of the ratios of each round.
        limit: what the ratio should stay below.
    """

    name: str
    ratio: float
    quartiles: tuple[float, float]
    limit: float

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def machine() -> dict[str, object]:
    """What it ran on."""
    return {
        "python": platform.python_version(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def measure(model: Path, image: Path, rounds: int) -> list[Result]:
    """The start-up figures: `--help` and `explain` on a given model."""
    with tempfile.TemporaryDirectory() as folder:
        explain = ["explain", str(model.resolve()), str(image.resolve()), "--out", folder, "--quiet"]
        return [
            compare("onnxlens --help / import click", ["--help"], "import click", 3.0, rounds),
            compare(
                "onnxlens explain / import its libraries",
                explain,
                "import onnx, onnxruntime, matplotlib.pyplot",
                4.0,
                rounds,
            ),
        ]


def compare(name: str, ours: list[str], other: str, limit: float, rounds: int) -> Result:
    """Run both in turn, `rounds` times after a first one that warms the file cache."""
    script = str(Path(sys.executable).parent / "onnxlens")
    pairs = [(seconds([script, *ours]), seconds([sys.executable, "-c", other])) for _ in range(rounds + 1)][
        1:
    ]
    mine, theirs = np.array(pairs).T
    low, high = np.quantile(mine / theirs, [0.25, 0.75])
    return Result(name, float(np.median(mine) / np.median(theirs)), (float(low), float(high)), limit)


def seconds(command: list[str]) -> float:
    """Wall time of a process that must succeed."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin
