"""Real models with their heatmap in the file: agreement, size and cost, as the table of docs/embed.md.

`python -m tests.zoo.embedded` prints it (network; packages are kept as those of `make test-zoo` are).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from inspector import Inspector
from tests.zoo.classifier import classifier, pixels
from tests.zoo.objects import PHOTOGRAPHS

METHODS = ("gradcam", "layercam", "guided-gradcam", "saliency")
# of the heatmap, in [0, 1]
TOLERANCE = 1e-5


def models() -> Iterator[tuple[str, Path]]:
    """EfficientNet-Lite0 with its trained weights; ResNet-50 of the onnx package, whose weights are constant fills."""
    yield "EfficientNet-Lite0", classifier()
    yield "ResNet-50 (light)", Path(onnx.__file__).parent / "backend/test/data/light/light_resnet50.onnx"


def pictures(lens: Inspector) -> NDArray[np.float32]:
    """Photographs as the classifier wants them, one at a time."""
    return np.concatenate([pixels(photograph.open()) for photograph in PHOTOGRAPHS])


def largest_difference(lens: Inspector, path: Path, method: str, x: NDArray[np.float32]) -> float:
    """Between the file's heatmaps, by onnxruntime alone, and those of `explain`."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = lens.inputs[0].name
    batch = lens.model.fixed_batch or 1
    found = [session.run(["heatmap"], {name: x[n : n + batch]})[0] for n in range(0, len(x), batch)]
    return float(np.abs(np.concatenate(found) - lens.explain(x, method).heatmap).max())


def work(path: Path, feeds: dict[str, NDArray[np.float32]], runs: int = 4) -> float:
    """Seconds of processor time that a run takes, on one thread, the least of some: other work on the machine does not
    count.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    times = []
    for _ in range(runs):
        start = time.process_time()
        session.run(None, feeds)
        times.append(time.process_time() - start)
    return min(times)


def rows() -> Iterator[str]:
    for name, model in models():
        lens = Inspector(model, providers="cpu")
        x = pictures(lens)
        for method in METHODS:
            with tempfile.TemporaryDirectory() as folder:
                made = lens.embed(Path(folder, "explained.onnx"), method, x=x[: lens.model.fixed_batch or 1])
                away = largest_difference(lens, made.path, method, x)
                feeds = {lens.inputs[0].name: x[: lens.model.fixed_batch or 1]}
                ratio = work(made.path, feeds) / work(model, feeds)
            assert away <= TOLERANCE, (name, method, away)
            yield (
                f"| {name} | `{method}` | {away:.1e} | {made.nodes - made.nodes_added} -> {made.nodes} "
                f"| {made.bytes_before / 1e6:.2f} -> {made.bytes_after / 1e6:.2f} MB | {ratio:.1f} |"
            )


if __name__ == "__main__":
    print("| model | method | largest difference | nodes | size | time |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row in rows():
        print(row, flush=True)
