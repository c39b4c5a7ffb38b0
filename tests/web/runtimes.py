"""Embedded files run by onnxruntime-web (WebAssembly) and onnxruntime-node, from npm: see `make test-web`."""

from __future__ import annotations

import json
import subprocess
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from inspector import Inspector
from inspector.embed import embeddable
from tests.inspector.embed.test_agreement import any_size
from tests.inspector.embed.test_numbers import quantised
from tests.inspector.graphs import cnn, images, multi_head

HERE = Path(__file__).parent
RUNTIMES = ("onnxruntime-web", "onnxruntime-node")
# of a heatmap in [-1, 1]
TOLERANCE = 1e-5

Array = NDArray[Any]


@dataclass(frozen=True)
class Case:
    """A file, inputs for it, the heatmaps that `explain` gives, and how far apart they may be."""

    name: str
    feeds: tuple[Mapping[str, Array], ...]
    heatmaps: tuple[NDArray[np.float32], ...]
    tolerance: float = TOLERANCE


def bytes_of_pictures() -> Inspector:
    proto = cnn()
    proto.graph.input[0].CopyFrom(helper.make_tensor_value_info("bytes", 2, ["batch", 3, 16, 16]))
    proto.graph.node.insert(0, helper.make_node("Cast", ["bytes"], ["image"], to=1))
    return Inspector(proto)


def several(lens: Inspector, *counts: int) -> tuple[dict[str, Array], ...]:
    """Batches of noise of these numbers of images."""
    (spec,) = lens.inputs
    batches = []
    for seed, count in enumerate(counts):
        sides = [dim if isinstance(dim, int) else 18 + 7 * seed for dim in (spec.shape or ())[1:]]
        noise = np.random.default_rng(seed).normal(size=(count, *sides))
        batches.append(
            {
                spec.name: (40 * noise + 128).astype(np.uint8)
                if spec.dtype == "uint8"
                else noise.astype(np.float32)
            }
        )
    return tuple(batches)


def transformer(folder: Path) -> Inspector:
    import torch

    from tests.inspector.explain.transformers import ViT, save

    torch.manual_seed(0)
    with warnings.catch_warnings():
        # of the exporter's own
        warnings.simplefilter("ignore")
        return Inspector(save(ViT(), torch.randn(1, 3, 48, 32), folder / "transformer.onnx"))


MODELS: dict[str, Callable[[Path], Inspector]] = {
    "classifier": lambda folder: Inspector(cnn()),
    "heads": lambda folder: Inspector(multi_head()),
    "any size": lambda folder: any_size(),
    "bytes": lambda folder: bytes_of_pictures(),
    "quantised": lambda folder: quantised("QDQ", folder),
    "transformer": transformer,
}
EVERY = tuple(name for name in embeddable() if name != "cam")
METHODS = ("gradcam", "layercam", "xgradcam", "saliency", "input-x-gradient")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Case]]:
    """All files written, with and without a class input."""
    folder, made = tmp_path_factory.mktemp("web"), []
    for what, make in MODELS.items():
        scratch = tmp_path_factory.mktemp("models")
        lens = make(scratch)
        batches = several(lens, *((1, 1) if what == "transformer" else (1, 3)))
        for method in EVERY if what == "classifier" else METHODS:
            name = f"{what} {method}"
            lens.embed(folder / f"{name}.onnx", method)
            expected = tuple(lens.explain(feeds, method).heatmap for feeds in batches)
            tolerance = max(TOLERANCE, _rounding(lens, batches)) if method == "xgradcam" else TOLERANCE
            made.append(_written(folder, Case(name, batches, expected, tolerance)))
    lens, x = Inspector(cnn()), images(4)
    lens.embed(folder / "class.onnx", class_input=True)
    top = lens.run(x)["logits"].argmax(axis=1)
    feeds = {"image": x, "class": np.array([3, -1, 0, -1], dtype=np.int64)}
    expected_classes = lens.explain(x, "gradcam", target=[3, int(top[1]), 0, int(top[3])]).heatmap
    made.append(_written(folder, Case("class", (feeds,), (expected_classes,))))
    return folder, made


def _rounding(lens: Inspector, batches: tuple[Mapping[str, Array], ...]) -> float:
    """What XGrad-CAM may differ by between two machines.

    It divides by the sum of a channel's values, which behind a normalisation nearly cancel: a rounding of them, 2**-23
    relative, is made larger by the sum of magnitudes over the magnitude of the sum. Up to 4 roundings count, those of
    the values and of the sum on both machines.
    """
    layer, largest = lens.default_layer().name, 0.0
    for feeds in batches:
        values = lens.activations(feeds, layers=layer)[layer].astype(np.float64)
        axes = (2, 3) if values.ndim == 4 else (1,)
        values = values[:, 1:] if values.ndim == 3 else values
        total, magnitude = np.abs(values.sum(axis=axes)), np.abs(values).sum(axis=axes)
        largest = max(largest, float((magnitude / np.where(total > 0, total, np.inf)).max()))
    return 4 * 2.0**-23 * largest


def _written(folder: Path, case: Case) -> Case:
    """The case as `run.mjs` reads it."""
    runs = []
    for number, feeds in enumerate(case.feeds):
        inputs = {}
        for key, array in feeds.items():
            file = f"{case.name}.{number}.{key}.bin"
            (folder / file).write_bytes(np.ascontiguousarray(array).tobytes())
            inputs[key] = {"type": str(array.dtype), "dims": array.shape, "file": file}
        runs.append({"inputs": inputs, "output": f"{case.name}.{number}.out"})
    (folder / f"{case.name}.json").write_text(json.dumps({"model": f"{case.name}.onnx", "runs": runs}))
    return case


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_heatmap_is_that_of_explain(runtime: str, cases: tuple[Path, list[Case]]) -> None:
    folder, made = cases
    command = ["node", str(HERE / "run.mjs"), runtime, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    largest = {}
    for case in made:
        for number, expected in enumerate(case.heatmaps):
            found = np.frombuffer((folder / f"{case.name}.{number}.out").read_bytes(), dtype=np.float32)
            away = float(np.abs(found - expected.ravel()).max())
            largest[case.name] = max(largest.get(case.name, 0.0), away)
    version = json.loads((HERE / "node_modules" / runtime / "package.json").read_text())["version"]
    print(f"\n{runtime} {version}:")
    for case in made:
        print(f"  {case.name}: {largest[case.name]:.1e} (at most {case.tolerance:.1e})")
    assert not {case.name: largest[case.name] for case in made if largest[case.name] > case.tolerance}
