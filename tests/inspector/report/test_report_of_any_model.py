"""The report of a model that nothing is known of, and the pictures, arrays and layouts that come with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from inspector import Inspector
from inspector.errors import InputError, InspectorError
from inspector.images import load_pictures
from inspector.report import Options, build_report, report_model
from inspector.report.model_report import shown_layers
from tests.inspector.report.synthetic import network
from tests.inspector.report.test_report_of_runs import Page

QUICK = Options(filters=3, steps=2, threads=1)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 40, 3), np.uint8)).save(path)
    return path


def save(model: Any, path: Path) -> Path:
    onnx.save(model, path)
    return path


def dense(path: Path) -> Path:
    """Two numbers in, three classes out: nothing to draw but the heatmap of the input."""
    weights = np.random.default_rng(0).standard_normal((12, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["scores"])],
        "dense",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 12])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(weights, "w")],
    )
    return save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)


def test_a_model_without_metadata(tmp_path: Path, picture: Path) -> None:
    model = save(network({"scores": 10}, taps=()), tmp_path / "net.onnx")
    summary = build_report([model, picture, picture], tmp_path / "r.html", options=QUICK)
    page = Page(summary.path)
    assert page.open == []
    assert summary.checks == {"passed": 2}
    assert "Looking into net.onnx" in page.text
    assert "values from 0 to 1 are assumed" in page.text
    for layer in ("conv", "relu", "batch_norm", "max_pool"):
        assert f"{layer}, 6 ×" in page.text
    overlays = [image for image in page.all("img") if "over the picture" in str(image["alt"])]
    assert [(image["width"], image["height"]) for image in overlays] == [("40", "60")] * 2
    assert "3 of the 6 filters" in page.text


def test_arrays_and_a_model_without_feature_maps(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).standard_normal((2, 12)).astype(np.float32))
    summary = build_report(
        [dense(tmp_path / "dense.onnx"), tmp_path / "x.npy"], tmp_path / "r.html", options=QUICK
    )
    page = Page(summary.path)
    assert "no two-dimensional feature map" in page.text
    assert "no two-dimensional convolution" in page.text
    assert "an array: no picture" in page.text
    assert "saliency at the input" in page.text
    assert sum(summary.checks.values()) == 2


def test_targets_and_layer(tmp_path: Path, picture: Path) -> None:
    lens = Inspector(save(network({"scores": 10}, taps=()), tmp_path / "net.onnx"), threads=1)
    pictures = load_pictures([picture, picture], lens.inputs, lens.metadata)
    summary = report_model(
        lens,
        pictures,
        tmp_path / "r.html",
        targets=["3", "4"],
        layer="relu",
        options=Options(steps=2, check=False),
    )
    text = Page(summary.path).text
    assert "scores=3 · at relu" in text
    assert "scores=4 · at relu" in text
    with pytest.raises(InputError, match="3 targets for 2 pictures"):
        report_model(lens, pictures, tmp_path / "r.html", targets=["1", "2", "3"])


def test_a_deep_model_shows_layers_spread_over_its_depth() -> None:
    names = [f"conv_{number}" for number in range(40)]
    inputs = ["image", *names[:-1]]
    kernel = numpy_helper.from_array(np.ones((3, 3, 1, 1), np.float32), "kernel")
    graph = helper.make_graph(
        [helper.make_node("Conv", [one, "kernel"], [two]) for one, two in zip(inputs, names, strict=True)],
        "deep",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("conv_39", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [kernel],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    shown = [layer.name for layer in shown_layers(Inspector(model))]
    assert len(shown) == 8
    assert shown[0] == "conv_0"
    assert shown[-1] == "conv_39"


def test_a_model_with_several_inputs_goes_without_filters(tmp_path: Path) -> None:
    kernel = np.random.default_rng(0).standard_normal((3, 2, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "kernel"], ["conv"]),
            helper.make_node("GlobalAveragePool", ["conv"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Add", ["flat", "extra"], ["scores"]),
        ],
        "two inputs",
        [
            helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 2, 8, 8]),
            helper.make_tensor_value_info("extra", TensorProto.FLOAT, ["n", 3]),
        ],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    model = save(made, tmp_path / "two.onnx")
    rng = np.random.default_rng(1)
    np.savez(
        tmp_path / "x.npz",
        image=rng.random((1, 2, 8, 8), dtype=np.float32),
        extra=rng.random((1, 3), dtype=np.float32),
    )
    summary = build_report([model, tmp_path / "x.npz"], tmp_path / "r.html", options=QUICK)
    assert summary.checks == {"passed": 1}
    assert "No filters are shown: images are made for models with a single input" in Page(summary.path).text


def test_nothing_to_show(tmp_path: Path) -> None:
    model = save(network({"scores": 10}), tmp_path / "net.onnx")
    with pytest.raises(InspectorError, match="no picture"):
        build_report([model], tmp_path / "r.html", options=QUICK)
    with pytest.raises(InputError, match="nothing to report on"):
        build_report([], tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()
