"""Whole processes beside what they cannot do without, in turn."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from inspector.bench import quartiles

__all__ = ["measure"]

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


def measure(model: Path, rounds: int) -> list[dict[str, Any]]:
    """`onnxlens --help` beside `import click`, `onnxlens explain` beside `BARE`; as cases in JSON.

    Args:
        model: one that takes a picture of 224 x 224 in RGB.
        rounds: of each, after one to warm the file cache.
    """
    script = [str(Path(sys.executable).parent / "onnxlens")]
    if not Path(script[0]).exists():
        script = [sys.executable, "-m", "inspector"]
    with tempfile.TemporaryDirectory() as folder:
        picture = _picture(Path(folder))
        ours = [
            *script,
            "explain",
            str(model),
            str(picture),
            "--preset",
            "imagenet",
            "--out",
            folder,
            "--quiet",
        ]
        bare = [sys.executable, "-c", BARE, str(model), str(picture)]
        return [
            _compare("onnxlens --help", [*script, "--help"], "import click",
                     [sys.executable, "-c", "import click"], rounds),
            _compare("onnxlens explain --no-check", [*ours, "--no-check"], "bare script", bare, rounds),
            _compare("onnxlens explain", ours, "bare script", bare, rounds),
        ]  # fmt: skip


def _picture(folder: Path) -> Path:
    from PIL import Image

    path = folder / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)).save(path)
    return path


def _compare(name: str, ours: list[str], other: str, theirs: list[str], rounds: int) -> dict[str, Any]:
    pairs = [(_seconds(theirs), _seconds(ours)) for _ in range(rounds + 1)][1:]
    ratios = [mine / bare for bare, mine in pairs]
    rows = [
        {"name": other, "seconds": quartiles([bare for bare, _ in pairs]), "ratio": (1.0, 1.0, 1.0)},
        {"name": name, "seconds": quartiles([mine for _, mine in pairs]), "ratio": quartiles(ratios)},
    ]
    return {"suite": "startup", "task": "startup", "network": name, "reference": other, "rows": rows}


def _seconds(command: list[str]) -> float:
    """Wall time of a process that must succeed."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin
