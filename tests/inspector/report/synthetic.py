"""Run folders made by hand: an untrained network in ONNX, invented metrics, real lines to look at."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HEADS = {
    "length": ["short", "long"],
    "width": ["thin", "thick"],
    "angle": [f"{15 * step}°" for step in range(12)],
    "colour": ["red", "blue"],
}
LINE_NAMES = [" ".join(names) for names in itertools.product(*HEADS.values())]
KINDS = {
    "conv": "Convolution 2D",
    "relu": "ReLU",
    "batch_norm": "Batch Normalization",
    "max_pool": "Max Pooling 2D",
}
FILTERS = 6

Array = np.ndarray[Any, np.dtype[Any]]


def network(
    outputs: dict[str, int], channels: int = 3, taps: tuple[str, ...] = tuple(KINDS), seed: int = 0
) -> Any:
    """Conv 7x7 -> ReLU -> BatchNorm -> MaxPool -> Flatten -> a dense layer per output, with random weights."""
    rng = np.random.default_rng(seed)
    weights: dict[str, Array] = {
        "kernel": 0.3 * rng.standard_normal((FILTERS, channels, 7, 7)),
        "bias": 0.1 * rng.standard_normal(FILTERS),
        "scale": 1 + 0.1 * rng.random(FILTERS),
        "shift": 0.1 * rng.standard_normal(FILTERS),
        "mean": 0.1 * rng.random(FILTERS),
        "var": 1 + rng.random(FILTERS),
    }
    nodes = [
        helper.make_node("Conv", ["image", "kernel", "bias"], ["conv"], name="conv_node"),
        helper.make_node("Relu", ["conv"], ["relu"], name="relu_node"),
        helper.make_node(
            "BatchNormalization", ["relu", "scale", "shift", "mean", "var"], ["batch_norm"], name="bn"
        ),
        helper.make_node(
            "MaxPool", ["batch_norm"], ["max_pool"], name="pool", kernel_shape=[2, 2], strides=[2, 2]
        ),
        helper.make_node("Flatten", ["max_pool"], ["flat"], name="flatten"),
    ]
    for name, units in outputs.items():
        weights[f"{name}_w"] = 0.05 * rng.standard_normal((FILTERS * 121, units))
        nodes.append(helper.make_node("MatMul", ["flat", f"{name}_w"], [name], name=f"{name}_dense"))
    sizes = {"conv": 22, "relu": 22, "batch_norm": 22, "max_pool": 11}
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", channels, 28, 28])],
        [
            *(
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", n])
                for name, n in outputs.items()
            ),
            *(
                helper.make_tensor_value_info(
                    tap, TensorProto.FLOAT, ["batch", FILTERS, sizes[tap], sizes[tap]]
                )
                for tap in taps
            ),
        ],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def lines(labels: Array, channels: int) -> Array:
    """A horizontal line per label, in another place and colour each: uint8 (N, 28, 28, channels)."""
    images = np.zeros((len(labels), 28, 28, channels), np.uint8)
    for index, label in enumerate(labels):
        row, channel = 4 + int(label) % 20, 0 if channels == 1 else 2 * (int(label) % 2)
        images[index, row, 8 : 15 + int(label) % 8, channel] = 255
    return images


def make_run(folder: Path, model: str = "section1-line", framework: str = "torch", seed: int = 0) -> Path:
    """A finished and exported run folder of one of the three models."""
    dataset, channels = ("mnist", 1) if model.endswith("mnist") else ("line", 3)
    digits = [str(digit) for digit in range(10)]
    labels = HEADS if model == "section2-line" else {"logits": digits if dataset == "mnist" else LINE_NAMES}
    taps = tuple(KINDS)[: 3 if model == "section2-line" else 4]
    units = {name: 1 if len(names) == 2 else len(names) for name, names in labels.items()}
    folder.mkdir(parents=True)
    proto = network(units, channels, taps, seed)
    activations = {name: "sigmoid" if count == 1 else "softmax" for name, count in units.items()}
    properties = {
        "labels": labels,
        "layers": {tap: KINDS[tap] for tap in taps},
        "input": {
            "layout": "NCHW",
            "range": [0, 1],
            "channels": "L" if channels == 1 else "RGB",
            "size": [28, 28],
        },
        "outputs": {
            name: {"activation": activations[name], "labels": names} for name, names in labels.items()
        },
    }
    helper.set_model_props(proto, {f"onnxlens.{key}": json.dumps(value) for key, value in properties.items()})
    onnx.save(proto, folder / "model.onnx")
    classes = 10 if dataset == "mnist" else 96
    shown = np.array([1, 7, 4, 9, 8, 0]) if dataset == "mnist" else np.array([0, 2, 1, 48, 31, 84])
    probes = np.arange(classes)
    arrays = {
        "images": lines(shown, channels),
        "labels": shown,
        "probe_images": lines(probes, channels),
        "probe_labels": probes,
    }
    np.savez(folder / "images.npz", **arrays)
    info = {
        "format": 1,
        "model": model,
        "framework": framework,
        "seed": 0,
        "epochs": 2,
        "status": "finished",
        "variant": "literal",
        "dataset": {"name": dataset, "images_per_class": 5},
        "versions": {framework: "1.2.3"},
        **properties,
    }
    epochs = [
        {
            "epoch": epoch,
            "loss": 2 / epoch,
            "val_loss": 3 / epoch,
            "accuracy": 0.4 * epoch,
            "val_accuracy": 0.3 * epoch,
        }
        for epoch in (1, 2)
    ]
    heads = {name: scores(names) for name, names in labels.items()}
    metrics = {"accuracy": 0.75, "heads": heads, "test_images": 40, "accuracy_without_twins": 0.7}
    write(folder / "run.json", info)
    write(folder / "history.json", {"epochs": epochs})
    write(folder / "metrics.json", metrics)
    return folder


def scores(names: list[str]) -> dict[str, Any]:
    """Of every class four images right and one taken for the next class."""
    count = len(names)
    confusion = 4 * np.eye(count, dtype=int) + np.roll(np.eye(count, dtype=int), 1, axis=1)
    rates = [0.8] * count
    return {
        "accuracy": 0.8,
        "labels": names,
        "precision": rates,
        "recall": rates,
        "f_score": rates,
        "support": [5] * count,
        "confusion": confusion.tolist(),
    }


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
