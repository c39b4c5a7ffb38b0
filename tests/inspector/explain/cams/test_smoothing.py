"""Augmentation and eigen smoothing from single explanations, and the options that say so."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from inspector import Inspector
from inspector.errors import InspectorError
from inspector.explain import METHODS
from inspector.explain.options import with_options
from inspector.explain.positions import positions
from tests.inspector.graphs import cnn, images, model, normal

X = images(2)
CAMS = (
    *(
        "gradcam",
        "gradcam++",
        "hirescam",
        "gradcam-elementwise",
        "layercam",
        "xgradcam",
        "eigencam",
        "eigengradcam",
    ),
    *("scorecam", "ablationcam", "fullgrad", "finercam", "guided-gradcam", "fem", "reciprocam"),
)


def scaled(maps: np.ndarray) -> np.ndarray:
    return maps / np.abs(maps).max(axis=(1, 2), keepdims=True)


@pytest.mark.parametrize("method", CAMS)
def test_the_mean_of_six_pictures(method: str) -> None:
    lens = Inspector(cnn())
    top = [int(each) for each in lens.run(X)["logits"].argmax(axis=1)]
    smooth = lens.explain(X, method, aug_smooth=True)
    total = np.zeros(smooth.map.shape)
    for mirrored in (False, True):
        for factor in (0.9, 1.0, 1.1):
            x = (X[..., ::-1] if mirrored else X) * np.float32(factor)
            found = lens.explain(np.ascontiguousarray(x), method, target=top).map
            total += scaled(found[..., ::-1] if mirrored else found) / 6
    np.testing.assert_allclose(smooth.map, total, atol=1e-5)
    assert smooth.score[0] == pytest.approx(lens.run(X)["logits"][0].max(), abs=1e-3) or method == "finercam"


def test_channels_last_and_bytes_are_mirrored_as_pictures_are() -> None:
    proto = cnn()
    proto.graph.input[0].CopyFrom(helper.make_tensor_value_info("pixels", 2, ["batch", 16, 16, 3]))
    proto.graph.node.insert(0, helper.make_node("Transpose", ["floats"], ["image"], perm=[0, 3, 1, 2]))
    proto.graph.node.insert(0, helper.make_node("Cast", ["pixels"], ["floats"], to=1))
    pixels = np.random.default_rng(0).integers(0, 256, size=(2, 16, 16, 3), dtype=np.uint8)
    found = Inspector(proto).explain(pixels, "layercam", target=3, aug_smooth=True)
    plain = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32)
    expected = Inspector(cnn()).explain(plain, "layercam", target=3, aug_smooth=True)
    np.testing.assert_allclose(found.map, expected.map, atol=1e-5)


@pytest.mark.parametrize("method", ["hirescam", "gradcam"])
def test_the_first_component_of_the_evidence(method: str) -> None:
    lens = Inspector(cnn())
    a = lens.activations(X, layers="relu")["relu"].astype(float)
    g = lens.gradient(X, 4, wrt="relu").astype(float)
    weights = g if method == "hirescam" else g.mean(axis=(2, 3), keepdims=True)
    smooth = lens.explain(X, method, target=4, layer="relu", eigen_smooth=True)
    for sample, evidence in enumerate(a * weights):
        table = evidence.reshape(len(evidence), -1)
        centred = table - table.mean(axis=1, keepdims=True)
        _, vectors = np.linalg.eigh(centred @ centred.T)
        component = vectors[:, -1] @ centred
        component *= np.sign(component @ table.sum(axis=0))
        expected = np.maximum(component, 0).reshape(14, 14)
        np.testing.assert_allclose(smooth.map[sample], expected, atol=1e-5 * expected.max())


def test_every_cam_has_the_options_and_says_so() -> None:
    assert all(METHODS[name].options["aug_smooth"] is False for name in (*CAMS, "cam"))
    assert dict(METHODS["finercam"].options) == {
        "aug_smooth": False,
        "eigen_smooth": False,
        "alpha": 1.0,
        "classes": 3,
        "base": "gradcam",
    }
    with pytest.raises(
        InspectorError, match="gradcam takes no option 'smooth'; its options: aug_smooth=False"
    ):
        Inspector(cnn()).explain(X, "gradcam", smooth=True)


def test_options_of_both_functions_are_shown() -> None:
    def inner(scene: int, *, k: float = 2.0) -> float:
        """What it does."""
        return scene * k

    @with_options(inner)
    def outer(scene: int, *, twice: bool = False, **options: float) -> float:
        return inner(scene, **options) * (2 if twice else 1)

    import inspect

    assert (
        str(inspect.signature(outer))
        == "(scene: 'int', *, twice: 'bool' = False, k: 'float' = 2.0) -> 'float'"
    )
    assert outer.__doc__ == "What it does."
    assert outer(3, twice=True, k=5.0) == 30


def test_what_is_no_picture_is_not_mirrored() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["logits"]),
    ]
    lens = Inspector(model(nodes, {"x": ["n", 2, 9]}, {"logits": ["n", 5]}, {"w": normal(5, 2, 3)}))
    with pytest.raises(InspectorError, match="aug_smooth mirrors pictures"):
        lens.explain(normal(2, 2, 9), "gradcam", target=3, aug_smooth=True)


def test_positions_lead_back_to_the_elements() -> None:
    last = normal(3, 4, 5, 2)
    places = positions(lambda each: np.moveaxis(each, 3, 1), last, "last")
    assert places.shape == (2, 4, 5)
    np.testing.assert_array_equal(last[1].reshape(-1)[places], np.moveaxis(last[1], 2, 0))
