"""Where operators of images have nothing to read, or no derivative: no regions, places that are no numbers, ties."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from inspector.autodiff import vjp

from .case import Array, Case, Fixed, integers, normal
from .truth import Evaluator

IMAGE = normal(2, 3, 5, 6)
NAN, INF = np.nan, np.inf


def gradients(case: Case, feeds: dict[str, Array], *names: str) -> list[Array]:
    """By onnxruntime, no axis known, for cotangents of one."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    model = vjp(case.model(dynamic=True), ["y0"], names)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    single = {name: x.astype(np.float32) if x.dtype.kind == "f" else x for name, x in feeds.items()}
    forward = onnxruntime.InferenceSession(
        case.model(dynamic=True).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (y,) = forward.run(["y0"], single)
    found = session.run([f"gradient.{name}" for name in names], {**single, "cotangent.y0": np.ones_like(y)})
    return list(found)


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("ratio", [0, 2])
def test_no_regions_at_all(mode: str, ratio: int) -> None:
    attributes = {"mode": mode, "sampling_ratio": ratio, "output_height": 2, "output_width": 2}
    case = Case("RoiAlign", [IMAGE, np.ones((4, 4)), integers([0] * 4)], attributes)
    feeds = {"x0": IMAGE, "x1": np.zeros((0, 4)), "x2": np.zeros(0, dtype=np.int64)}
    gx, groi = gradients(case, feeds, "x0", "x1")
    np.testing.assert_array_equal(gx, np.zeros_like(gx))
    assert groi.shape == (0, 4)


def test_regions_without_extent() -> None:
    """With no sample in them their average is 0 and so is its gradient; inside out they are no better."""
    case = Case(
        "RoiAlign", [IMAGE, np.ones((2, 4)), integers([0, 1])], {"output_height": 2, "output_width": 2}
    )
    feeds = {"x0": IMAGE, "x1": np.array([[3.0, 3, 3, 3], [5, 5, 2, 2]]), "x2": np.array([0, 1])}
    for gradient in gradients(case, feeds, "x0", "x1"):
        np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


def test_bins_outside_the_image_and_ties_within() -> None:
    rois = np.array([[0, -9, -9, -5, -5], [1, 1, 1, 2, 2]], dtype=float)
    case = Case("MaxRoiPool", [IMAGE, Fixed(rois)], {"pooled_shape": [1, 1]})
    (gx,) = gradients(case, {"x0": np.zeros((2, 3, 5, 6))}, "x0")
    expected = np.zeros((2, 3, 5, 6))
    expected[1, :, 1, 1] = 1  # of equal ones the first
    np.testing.assert_array_equal(gx, expected)


@pytest.mark.parametrize("mode", ["linear", "nearest", "cubic"])
def test_places_that_are_no_numbers_read_nothing(mode: str) -> None:
    places = np.array([[[[NAN, 0], [INF, 0.1]]], [[[-INF, 0], [1e30, 0]]]])
    case = Case("GridSample", [IMAGE, places], {"mode": mode}, opset=20)
    for gradient in gradients(case, {"x0": IMAGE, "x1": places}, "x0", "x1"):
        np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


@pytest.mark.parametrize("padding", ["border", "reflection"])
def test_places_that_are_no_numbers_do_not_end_the_run(padding: str) -> None:
    places = np.array([[[[NAN, 0], [INF, 0.1]]], [[[-INF, 0], [0.1, 0]]]])
    case = Case("GridSample", [IMAGE, places], {"padding_mode": padding}, opset=20)
    _, g = gradients(case, {"x0": IMAGE, "x1": places}, "x0", "x1")
    assert np.isfinite(g[1, 0, 1]).all()


def test_at_a_pixel_the_slope_is_the_one_behind_it() -> None:
    image = np.array([[[[1.0, 3.0, 8.0]]]])
    places = np.zeros((1, 1, 1, 2))
    case = Case("GridSample", [Fixed(image), places], {"align_corners": 1}, opset=20)
    (g,) = gradients(case, {"x1": places}, "x1")
    # from 3 to 8 in one pixel, and two pixels are as long as the places from -1 to 1
    np.testing.assert_allclose(g[0, 0, 0], [5, 0])


def test_of_two_elements_in_one_place_the_last_counts() -> None:
    x = np.array([[[1.0, 2, 3]]])
    case = Case("MaxUnpool", [x, integers([[[0, 3, 3]]])], {"kernel_shape": [2], "strides": [2]})
    (g,) = gradients(case, {"x0": x, "x1": np.array([[[0, 3, 3]]])}, "x0")
    np.testing.assert_array_equal(g, [[[1, 0, 1]]])


@pytest.mark.parametrize(
    "cut",
    ["s = Slice(t, from, to, along)", 's = Pad<mode = "constant">(t, widths)'],
)
def test_transpositions_around_widths_that_only_a_run_knows(cut: str) -> None:
    """Onnxruntime moves them through the Pad of the gradient."""
    axes = "int64[2] along = {1, 2}"
    widths = "int64[2] from, int64[2] to" if cut.startswith("s = Slice") else "int64[6] widths"
    text = f"""<ir_version: 10, opset_import: ["" : 18]>
        n (float[a,b,c] x, {widths}) => (float[p,q,r] y) <{axes}>
        {{ t = Transpose<perm = [1, 2, 0]>(x)  {cut}  y = Transpose<perm = [2, 0, 1]>(s) }}"""
    model = vjp(onnx.parser.parse_model(text), ["y"], ["x"])
    x = normal(2, 3, 4)
    bounds = {"from": np.array([1, 0]), "to": np.array([3, 1]), "widths": np.array([0, 1, -1, 1, 0, 2])}
    feeds = {each.name: bounds[each.name] for each in model.graph.input if each.name in bounds}
    (y,) = Evaluator(model).run(["y"], {"x": x, **feeds, "cotangent.y": np.zeros(1)})
    u = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
    (truth,) = Evaluator(model).run(["gradient.x"], {"x": x, **feeds, "cotangent.y": u})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(["gradient.x"], {"x": x.astype(np.float32), **feeds, "cotangent.y": u})
    np.testing.assert_allclose(found, truth, rtol=1e-6)
