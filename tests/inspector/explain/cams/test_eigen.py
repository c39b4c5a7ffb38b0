"""First principal components by another way: the eigenvectors of the covariance, in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import KernelPCA

from inspector import Inspector
from inspector.errors import InputError
from inspector.explain.cams.component import first_component
from tests.inspector.explain.cams.references import Double, gradient
from tests.inspector.graphs import cnn, images, normal

X = images(3)
CLASSES = [1, 7, 4]


def by_covariance(maps: Double, centred: bool = True) -> Double:
    """(C, H, W) to (H, W), up to its sign."""
    table = maps.reshape(len(maps), -1).astype(float)
    if centred:
        table = table - table.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(table @ table.T)
    projected: Double = (vectors[:, -1] @ table).reshape(maps.shape[1:])
    return projected


def with_the_sum(component: Double, total: Double) -> Double:
    return component if (component * total).sum() >= 0 else -component


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("method", ["eigencam", "eigengradcam"])
def test_the_component_of_activations_and_of_activations_times_gradient(method: str, centred: bool) -> None:
    a, g = gradient(X, "relu", CLASSES)
    explained = Inspector(cnn()).explain(X, method, target=CLASSES, layer="relu", centred=centred)
    for sample, maps in enumerate(a if method == "eigencam" else a * g):
        expected = np.maximum(with_the_sum(by_covariance(maps, centred), maps.sum(axis=0)), 0)
        np.testing.assert_allclose(explained.map[sample], expected, atol=1e-5 * expected.max())
    assert not explained.notes


def test_the_sign_goes_with_the_sum_whatever_the_decomposition_gives() -> None:
    shape = normal(5, 5, scale=1)
    strengths = np.array([3, 2, -1], dtype=np.float32)
    maps = (strengths[:, None, None] * shape)[None]
    # channels of one shape: the component is that shape times the length of the strengths
    expected = np.sqrt(14) * shape
    np.testing.assert_allclose(first_component(maps, centred=False)[0], expected, rtol=1e-5)
    np.testing.assert_allclose(first_component(-maps, centred=False)[0], -expected, rtol=1e-5)
    permuted = maps[:, [2, 0, 1]]
    np.testing.assert_allclose(first_component(permuted, centred=False)[0], expected, rtol=1e-5)


def test_where_the_channels_cancel_the_largest_magnitude_is_positive() -> None:
    shape = np.array([[1, -4], [2, 1]], dtype=np.float32)
    maps = np.stack([shape, -shape])[None]
    np.testing.assert_allclose(first_component(maps)[0], -np.sqrt(2) * shape, rtol=1e-5)


def test_constant_channels_have_no_component() -> None:
    flat = np.full((1, 3, 4, 4), 2, dtype=np.float32)
    np.testing.assert_allclose(first_component(flat), 0, atol=1e-12)
    assert not first_component(np.zeros_like(flat), centred=False).any()


def test_signals_and_volumes() -> None:
    for sides in ((7,), (3, 4, 2)):
        maps = normal(2, 5, *sides, scale=1)
        found = first_component(maps)
        assert found.shape == (2, *sides)
        expected = with_the_sum(by_covariance(maps[1].astype(float)), maps[1].sum(axis=0).astype(float))
        np.testing.assert_allclose(found[1], expected, atol=1e-5)


def by_kernel(maps: Double, gamma: float | None) -> Double:
    """(C, H, W) to (H, W), up to its sign: kernel principal components of scikit-learn, in double precision."""
    places = maps.reshape(len(maps), -1).T.astype(float)
    analysis = KernelPCA(1, kernel="sigmoid", gamma=gamma, eigen_solver="dense")
    found: Double = analysis.fit_transform(places - places.mean(axis=0)).reshape(maps.shape[1:])
    return found


@pytest.mark.parametrize("gamma", [None, 0.01])
def test_the_component_of_a_kernel(gamma: float | None) -> None:
    a, _ = gradient(X, "relu", CLASSES)
    found = Inspector(cnn()).explain(X, "kpcacam", layer="relu", gamma=gamma)
    for sample, maps in enumerate(a):
        expected = np.maximum(with_the_sum(by_kernel(maps, gamma), maps.sum(axis=0)), 0)
        np.testing.assert_allclose(found.map[sample], expected, atol=1e-5 * expected.max())


def test_a_kernel_s_width_is_positive() -> None:
    with pytest.raises(InputError, match="gamma is a number from 1e-12 upwards, not 0"):
        Inspector(cnn()).explain(X, "kpcacam", layer="relu", gamma=0)
