"""Draw the README's picture from the runs of a demo: `python docs/images/make.py onnxlens-demo/runs`.

Each run's ONNX file explains one picture of its own: Grad-CAM at its convolution, with the verdict of the gradient
check under it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from inspector import Explanation, Inspector

HERE = Path(__file__).parent
FRAMEWORKS = {"torch": "PyTorch", "tensorflow": "TensorFlow"}
PANELS = [
    ("section1-line", "Section-1 Line: short, thin, 0°, red", 0, "0"),
    ("section1-mnist", "Section-1 MNIST: the digit 1", 0, "1"),
    ("section2-line", "Section-2 Line: angle 45°", 4, "angle=45°"),
]


def explain(run: Path, picture: int, target: str) -> tuple[NDArray[np.uint8], Explanation]:
    pixels = np.load(run / "images.npz")["images"][picture : picture + 1]
    x = pixels.astype(np.float32) / 255
    lens = Inspector(run / "model.onnx")
    if lens.inputs[0].shape[1] == x.shape[-1]:
        x = np.moveaxis(x, -1, 1)
    return pixels[0], lens.explain(
        np.ascontiguousarray(x), method="gradcam", target=target, layer="conv", check=True
    )


def draw(runs: Path) -> Figure:
    figure = Figure(figsize=(12.6, 5.4), layout="constrained", facecolor="white")
    rows = figure.subfigures(2, 1)
    for row, (framework, title) in zip(rows, FRAMEWORKS.items(), strict=True):
        row.suptitle(title, x=0.005, ha="left", fontsize=12, fontweight="bold")
        axes = row.subplots(1, 2 * len(PANELS))
        for number, (model, label, picture, target) in enumerate(PANELS):
            pixels, seen = explain(runs / f"{model}-{framework}", picture, target)
            left, right = axes[2 * number : 2 * number + 2]
            left.imshow(pixels if pixels.shape[-1] == 3 else pixels[..., 0], cmap="gray")
            right.imshow(seen.heatmap[0], cmap="viridis", vmin=0, vmax=1)
            left.set_title(label, fontsize=9.5, loc="left")
            assert seen.check is not None
            verdict = f"check {seen.check.verdict}, {seen.check.max_relative_error:.0e}"
            right.set_xlabel(verdict, fontsize=8.5, color="0.35")
            for axis in (left, right):
                axis.set_xticks([])
                axis.set_yticks([])
                axis.spines[:].set_visible(False)
    return figure


if __name__ == "__main__":
    draw(Path(sys.argv[1])).savefig(HERE / "heatmaps.png", dpi=110)
