"""Occlusion and feature ablation, where what each place adds to the score is known."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from inspector import Inspector
from inspector.errors import InputError, InspectorError
from inspector.explain import METHODS
from tests.inspector.explain.perturbation.models import linear, linear_terms, token_terms, tokens
from tests.inspector.graphs import cnn, images, normal

# a sum of `n` products of numbers of size one in single precision, several times
TOLERANCE = 1e-5

SHAPES = {"signal": (2, 11), "picture": (3, 7, 6), "volume": (1, 5, 4, 6)}


def occluded(
    terms: NDArray[np.float64], window: tuple[int, ...], stride: tuple[int, ...]
) -> NDArray[np.float64]:
    """Place by place: the mean over the windows that hold it of what each window adds, (N, spatial...)."""
    maps = terms.sum(axis=1)
    found = np.zeros(maps.shape)
    sides = maps.shape[1:]
    counts = [1 + -(-(side - w) // s) for side, w, s in zip(sides, window, stride, strict=True)]
    starts = list(product(*(range(0, n * s, s) for n, s in zip(counts, stride, strict=True))))
    for place in np.ndindex(*sides):
        drops = []
        for start in starts:
            if all(a <= p < a + w for a, p, w in zip(start, place, window, strict=True)):
                box = tuple(slice(a, a + w) for a, w in zip(start, window, strict=True))
                drops.append(maps[(slice(None), *box)].reshape(len(maps), -1).sum(axis=1))
        found[(slice(None), *place)] = np.mean(drops, axis=0)
    return found


@pytest.mark.parametrize("kind", SHAPES)
def test_occlusion_of_a_linear_model(kind: str) -> None:
    shape = SHAPES[kind]
    lens, x = linear(*shape), normal(2, *shape, scale=1)
    axes = len(shape) - 1
    for window, stride in ((3, 2), (2, 2), (3, 1)):
        explained = lens.explain(x, "occlusion", target=2, window=window, stride=stride, baseline=0.5)
        expected = occluded(linear_terms(x, 0.5, 2), (window,) * axes, (stride,) * axes)
        np.testing.assert_allclose(explained.raw, expected, atol=TOLERANCE * np.abs(expected).max())
    assert explained.signed
    assert explained.layer is None
    assert explained.heatmap.shape == (2, *shape[1:])
    np.testing.assert_allclose(np.abs(explained.heatmap).reshape(2, -1).max(axis=1), 1)


def test_a_window_for_each_axis_and_one_as_large_as_the_input() -> None:
    lens, x = linear(3, 7, 6), normal(2, 3, 7, 6, scale=1)
    explained = lens.explain(x, "occlusion", target=1, window=(7, 2), stride=(1, 1))
    expected = occluded(linear_terms(x, 0, 1), (7, 2), (1, 1))
    np.testing.assert_allclose(explained.raw, expected, atol=TOLERANCE * np.abs(expected).max())
    whole = lens.explain(x, "occlusion", target=1, window=(7, 6))
    total = linear_terms(x, 0, 1).reshape(2, -1).sum(axis=1)
    np.testing.assert_allclose(whole.raw, np.broadcast_to(total[:, None, None], (2, 7, 6)), rtol=1e-4)


def test_places_between_windows_stay_zero() -> None:
    lens, x = linear(2, 11), normal(2, 2, 11, scale=1)
    explained = lens.explain(x, "occlusion", target=0, window=2, stride=5)
    assert (explained.raw[:, [2, 3, 4, 7, 8, 9]] == 0).all()
    assert (explained.raw[:, [0, 1, 5, 6, 10]] != 0).all()


@pytest.mark.parametrize("kind", SHAPES)
def test_feature_ablation_of_a_linear_model(kind: str) -> None:
    shape = SHAPES[kind]
    lens, x = linear(*shape), normal(2, *shape, scale=1)
    terms = linear_terms(x, -0.25, 3).sum(axis=1)
    labels = np.random.default_rng(0).integers(10, 14, size=(2, *shape[1:]))
    explained = lens.explain(x, "feature-ablation", target=3, segments=labels, baseline=-0.25)
    expected = np.zeros_like(terms)
    for row, number in product(range(2), range(10, 14)):
        part = labels[row] == number
        expected[row][part] = terms[row][part].sum()
    np.testing.assert_allclose(explained.raw, expected, atol=TOLERANCE * np.abs(expected).max())
    # what the segments add up to is what the whole input adds to the baseline
    one_by_one = lens.explain(
        x, "feature-ablation", target=3, segments=np.arange(terms[0].size).reshape(shape[1:])
    )
    np.testing.assert_allclose(
        one_by_one.raw.reshape(2, -1).sum(axis=1),
        explained.score - normal(4, scale=1)[3],
        rtol=1e-4,
    )


def test_a_grid_of_segments() -> None:
    lens, x = linear(3, 7, 6), normal(2, 3, 7, 6, scale=1)
    explained = lens.explain(x, "feature-ablation", target=3, segments=(2, 3))
    terms = linear_terms(x, 0, 3).sum(axis=1)
    for rows, columns in product(((0, 4), (4, 7)), ((0, 2), (2, 4), (4, 6))):
        box = (slice(None), slice(*rows), slice(*columns))
        expected = terms[box].sum(axis=(1, 2))[:, None, None]
        np.testing.assert_allclose(
            explained.raw[box], np.broadcast_to(expected, terms[box].shape), atol=TOLERANCE * 10
        )


def test_tokens_are_replaced_by_an_id() -> None:
    lens = tokens(7)
    ids = np.random.default_rng(0).integers(1, 20, size=(3, 7))
    for baseline in (0, 13):
        expected = token_terms(ids, 2) - token_terms(np.full_like(ids, baseline), 2)
        for method in ("occlusion", "feature-ablation"):
            explained = lens.explain(ids, method, target=2, baseline=baseline)
            np.testing.assert_allclose(explained.raw, expected, atol=TOLERANCE * 10)
    with pytest.raises(InputError, match="codes, which have no mean"):
        lens.explain(ids, "occlusion", target=2, baseline="mean")


def test_each_sample_is_asked_for_its_own_class_whatever_the_batch() -> None:
    x = images(3)
    whole = Inspector(cnn()).explain(x, "occlusion", window=5, stride=3)
    for batch in (1, 7):
        again = Inspector(cnn()).explain(x, "occlusion", window=5, stride=3, batch=batch)
        np.testing.assert_allclose(again.raw, whole.raw, atol=1e-5)
    fixed = Inspector(cnn(2)).explain(x, "occlusion", window=5, stride=3)
    np.testing.assert_allclose(fixed.raw, whole.raw, atol=1e-5)
    for number in range(3):
        alone = Inspector(cnn()).explain(x[number : number + 1], "occlusion", window=5, stride=3)
        np.testing.assert_allclose(alone.raw[0], whole.raw[number], atol=1e-5)
        assert alone.target[0] == whole.target[number]


def test_pictures_of_bytes() -> None:
    proto = cnn()
    proto.graph.input[0].CopyFrom(helper.make_tensor_value_info("bytes", 2, ["batch", 3, 16, 16]))
    proto.graph.node.insert(0, helper.make_node("Cast", ["bytes"], ["image"], to=1))
    x = np.random.default_rng(0).integers(0, 256, size=(2, 3, 16, 16), dtype=np.uint8)
    explained = Inspector(proto).explain(x, "occlusion", target=3, baseline=7)
    floats = Inspector(cnn()).explain(x.astype(np.float32), "occlusion", target=3, baseline=7)
    np.testing.assert_allclose(explained.raw, floats.raw, rtol=1e-4, atol=1e-3)
    with pytest.raises(InputError, match="leaves what the input's uint8 can hold"):
        Inspector(proto).explain(x, "occlusion", target=3, baseline=300)


def test_progress_is_reported_to_the_end() -> None:
    lens, x = linear(3, 7, 6), normal(2, 3, 7, 6, scale=1)
    seen: list[tuple[int, int]] = []
    lens.explain(
        x, "occlusion", window=3, stride=2, batch=5, progress=lambda done, total: seen.append((done, total))
    )
    # 3 x 3 windows of two samples
    assert seen == [(5, 18), (10, 18), (15, 18), (18, 18)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0}, "one positive whole number"),
        ({"window": (2, 2, 2)}, "one positive whole number"),
        ({"stride": 1.5}, "one positive whole number"),
        ({"window": 9}, r"larger than the input's \(7, 6\)"),
        ({"baseline": "grey"}, "there is no baseline 'grey': give zero, black, mean, blur"),
        ({"baseline": np.zeros((2, 2))}, "does not fit the input's"),
        ({"windows": 3}, "takes no option 'windows'; its options: window=None"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    lens, x = linear(3, 7, 6), normal(2, 3, 7, 6, scale=1)
    with pytest.raises(InspectorError, match=message):
        lens.explain(x, "occlusion", **options)


def test_more_cells_than_places_are_as_many_as_there_are_places() -> None:
    lens, x = linear(3, 7, 6), normal(2, 3, 7, 6, scale=1)
    explained = lens.explain(x, "feature-ablation", target=0, segments=9)
    np.testing.assert_allclose(explained.raw, linear_terms(x, 0, 0).sum(axis=1), atol=TOLERANCE * 10)


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ((2, 99), "cannot be cut into"),
        (np.zeros((3, 3), dtype=int), "do not fit"),
        (np.zeros((7, 6)), "numbered by integers, not by float64"),
    ],
)
def test_segments_that_do_not_fit(segments: object, message: str) -> None:
    lens, x = linear(3, 7, 6), normal(2, 3, 7, 6, scale=1)
    with pytest.raises(InputError, match=message):
        lens.explain(x, "feature-ablation", segments=segments)


def test_the_methods_say_what_they_take() -> None:
    assert METHODS["occlusion"].options == {"window": None, "stride": None, "baseline": "zero"}
    assert METHODS["feature-ablation"].options == {"segments": None, "baseline": "zero"}
