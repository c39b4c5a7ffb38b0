"""Whole processes beside what they cannot do without, in turn."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.environments import Environments
from benchmarks.networks.files import provide
from benchmarks.work import Work
from inspector.bench import quartiles

__all__ = ["COMMANDS", "identity", "measure"]

# what `explain` cannot do without: its libraries, the file read, compiled and run once
BARE = """
import sys
import matplotlib.pyplot, numpy, onnx, onnx_ir, onnxruntime
from PIL import Image

pixels = numpy.asarray(Image.open(sys.argv[2]).convert("RGB").resize((224, 224)))
onnx.load(sys.argv[1])
session = onnxruntime.InferenceSession(sys.argv[1])
x = numpy.moveaxis(pixels.astype(numpy.float32) / 255, -1, 0)[None]
session.run(None, {session.get_inputs()[0].name: x})
"""


COMMANDS = ("onnxlens --help", "onnxlens explain --no-check", "onnxlens explain")


def identity(name: str) -> dict[str, Any]:
    """What tells the case from others."""
    return {"suite": "startup", "task": "startup", "network": name}


def measure(name: str, work: Work, environments: Environments, rounds: int) -> dict[str, Any]:
    """`onnxlens --help` beside `import click`, `onnxlens explain` beside `BARE`.

    Args:
        name: one of `COMMANDS`.
        work: on a network that takes a picture of 224 x 224 in RGB.
        environments: where it comes from.
        rounds: of each, after one to warm the file cache.
    """
    script = [str(Path(sys.executable).parent / "onnxlens")]
    if not Path(script[0]).exists():
        script = [sys.executable, "-m", "inspector"]
    with tempfile.TemporaryDirectory() as folder:
        if name.endswith("--help"):
            other, ours, theirs = "import click", [*script, "--help"], [sys.executable, "-c", "import click"]
        else:
            model, picture = str(provide(work, "dynamic", environments)), str(_picture(Path(folder)))
            options = ["--preset", "imagenet", "--out", folder, "--quiet"]
            ours = [*script, "explain", model, picture, *options, *name.split()[2:]]
            other, theirs = "bare script", [sys.executable, "-c", BARE, model, picture]
        compiled = str(Path(folder) / "bytecode")
        pairs = [(_seconds(theirs, compiled), _seconds(ours, compiled)) for _ in range(rounds + 1)][1:]
    ratios = [mine / bare for bare, mine in pairs]
    rows = [
        {"name": other, "seconds": quartiles([bare for bare, _ in pairs]), "ratio": (1.0, 1.0, 1.0)},
        {"name": name, "seconds": quartiles([mine for _, mine in pairs]), "ratio": quartiles(ratios)},
    ]
    return {**identity(name), "reference": other, "rows": rows}


def _picture(folder: Path) -> Path:
    from PIL import Image

    path = folder / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)).save(path)
    return path


def _seconds(command: list[str], compiled: str) -> float:
    """Wall time of a process that must succeed, all Python compiled (in the folder `compiled`) as pip leaves it."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - begin
