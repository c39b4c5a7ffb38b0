"""Claims 1 to 6 on arrays whose answer is known, both ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inspector.report import claims
from inspector.report.claims import measures

Array = np.ndarray[Any, np.dtype[Any]]


@pytest.fixture
def maps() -> Array:
    """Three images, four channels, 8 x 8: noise of mean 0."""
    return np.random.default_rng(0).standard_normal((3, 4, 8, 8)).astype(np.float32)


def test_different_filters_hold(maps: Array) -> None:
    claim = claims.every_filter_differs({"a": maps})
    assert claim.verdict == "holds"
    assert claim.cases["a"].values["identical_pairs"] == 0
    assert claim.cases["a"].values["smallest_distance"] > 0.5


@pytest.mark.parametrize("factor", [1.0, 3.0, -2.0])
def test_a_scaled_copy_of_a_filter_is_identical(maps: Array, factor: float) -> None:
    maps[:, 3] = factor * maps[:, 1] + 5
    claim = claims.every_filter_differs({"a": maps})
    assert claim.verdict == "does not hold"
    assert claim.cases["a"].values["identical_pairs"] == 1


def test_one_dead_filter_still_differs_but_two_do_not(maps: Array) -> None:
    maps[:, 0] = 0.25
    assert claims.every_filter_differs({"a": maps}).verdict == "holds"
    maps[:, 1] = -7
    claim = claims.every_filter_differs({"a": maps})
    assert claim.verdict == "does not hold"
    assert claim.cases["a"].values["dead_filters"] == 2


def test_every_case_must_hold_and_the_failing_one_is_named(maps: Array) -> None:
    copied = maps.copy()
    copied[:, 3] = copied[:, 1]
    claim = claims.every_filter_differs({"good": maps, "bad": copied})
    assert claim.verdict == "does not hold"
    assert claim.figure == "holds in 1 of 2; not in bad"


def test_without_a_case_nothing_is_claimed() -> None:
    assert claims.every_filter_differs({}).verdict == "not measured"


def test_relu_turns_green_into_blue() -> None:
    # a ramp from -8 to 2: own scale 0..1, green (from 0.49 to 0.865) covers -3.1 to 0.65, mostly negative
    ramp = np.linspace(-8, 2, 1000).reshape(1, 1, 10, 100)
    claim = claims.green_becomes_blue({"a": (ramp, np.maximum(ramp, 0))})
    values = claim.cases["a"].values
    assert claim.verdict == "holds"
    assert values["zeroed_share"] == pytest.approx(0.8, abs=0.002)
    assert values["green_before"] == pytest.approx(0.376, abs=0.01)
    assert values["green_turned_blue"] == 1.0  # what was 0.65 is 0.33 of the new range, still blue


def test_relu_without_negatives_keeps_the_green() -> None:
    ramp = np.linspace(0, 1, 100).reshape(1, 1, 10, 10)
    claim = claims.green_becomes_blue({"a": (ramp, ramp)})
    assert claim.verdict == "does not hold"
    assert claim.cases["a"].values["zeroed_share"] == 0


def test_a_leaky_relu_does_not_set_negatives_to_zero() -> None:
    ramp = np.linspace(-8, 2, 1000).reshape(1, 1, 10, 100)
    claim = claims.green_becomes_blue({"a": (ramp, np.where(ramp < 0, 0.01 * ramp, ramp))})
    assert claim.verdict == "does not hold"
    assert claim.cases["a"].values["exact"] == 0


def test_detail_is_lost_where_values_are_cut(maps: Array) -> None:
    claim = claims.detail_is_lost({"a": (maps, np.maximum(maps, 0))})
    assert claim.verdict == "holds"
    # of independent signs a quarter of the neighbouring pairs are both negative
    assert claim.cases["a"].values["merged_neighbours"] == pytest.approx(0.25, abs=0.06)


def test_no_detail_is_lost_where_nothing_is_cut(maps: Array) -> None:
    positive = np.abs(maps)
    claim = claims.detail_is_lost({"a": (positive, positive)})
    assert claim.verdict == "does not hold"
    assert claim.cases["a"].values == {"lost_variation": 0.0, "merged_neighbours": 0.0}


def test_an_affine_batch_norm_is_invisible(maps: Array) -> None:
    scale, shift = np.array([0.5, 1, 2, 30]).reshape(1, 4, 1, 1), np.array([-3, 0, 1, 2]).reshape(1, 4, 1, 1)
    claim = claims.batch_norm_is_invisible({"a": (maps, maps * scale + shift)})
    assert claim.verdict == "holds"
    assert claim.cases["a"].values["smallest_correlation"] == pytest.approx(1)


def test_a_negative_scale_inverts_the_picture(maps: Array) -> None:
    claim = claims.batch_norm_is_invisible({"a": (maps, maps * np.array([1, -1, 1, 1]).reshape(1, 4, 1, 1))})
    values = claim.cases["a"].values
    assert claim.verdict == "does not hold"
    assert values["inverted_channels"] == 1
    assert values["smallest_correlation"] == pytest.approx(1)
    assert values["largest_difference"] == pytest.approx(1)


def test_a_change_that_is_not_affine_is_seen(maps: Array) -> None:
    assert claims.batch_norm_is_invisible({"a": (maps, maps**3)}).verdict == "does not hold"


def test_a_dead_channel_does_not_make_batch_norm_visible(maps: Array) -> None:
    maps[:, 2] = 0
    assert claims.batch_norm_is_invisible({"a": (maps, maps * 2 + 1)}).verdict == "holds"


def test_pooling_an_edge_blurs_it() -> None:
    maps = np.zeros((1, 1, 16, 16))
    maps[..., 5:9, 3:4] = 1
    pooled = maps.reshape(1, 1, 8, 2, 8, 2).max(axis=(3, 5))
    claim = claims.pooling_blurs({"a": (maps, pooled)})
    assert claim.verdict == "holds"
    assert claim.cases["a"].values["fine_after"] < claim.cases["a"].values["fine_before"]


def test_no_blur_without_a_smaller_size(maps: Array) -> None:
    assert claims.pooling_blurs({"a": (maps, maps)}).verdict == "does not hold"


def test_pooling_of_something_smooth_does_not_blur() -> None:
    smooth = np.full((1, 1, 16, 16), 1.0) * np.sin(np.arange(16) * 2 * np.pi / 16)[:, None]
    blocky = np.kron(np.random.default_rng(0).standard_normal((1, 1, 2, 2)), np.ones((4, 4)))
    assert claims.pooling_blurs({"a": (smooth, blocky)}).verdict == "does not hold"


def test_sections_differ_or_are_permutations_of_each_other(maps: Array) -> None:
    other = np.random.default_rng(1).standard_normal(maps.shape)
    assert claims.sections_differ({"a": (maps, other)}).verdict == "holds"
    permuted = -2 * maps[:, [2, 0, 3, 1]]
    claim = claims.sections_differ({"a": (maps, permuted)}, {"a control": 0.5})
    assert claim.verdict == "does not hold"
    assert claim.cases["a"].values["median_best_match"] == pytest.approx(1)
    assert "a control" in claim.method


def test_correlation_is_numpys(maps: Array) -> None:
    rows = measures.channel_rows(maps)
    np.testing.assert_allclose(measures.correlations(rows, rows), np.corrcoef(rows), atol=1e-12)


def test_enlarging_a_linear_ramp_keeps_it_linear_inside() -> None:
    ramp = np.arange(4.0)[None, :] * np.ones((4, 1))
    large = measures.enlarge(ramp, (8, 8))
    np.testing.assert_allclose(large[0], [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])


def test_hues_of_viridis_are_those_of_colorsys() -> None:
    import colorsys

    import matplotlib

    for value in (0.0, 0.3, 0.5, 0.7, 1.0):
        expected = 360 * colorsys.rgb_to_hsv(*matplotlib.colormaps["viridis"](value)[:3])[0]
        assert measures.viridis_hues(np.array([value]))[0] == pytest.approx(expected)


def test_high_frequency_share_of_pure_waves() -> None:
    position = np.arange(16)
    slow, fast = np.cos(2 * np.pi * position / 16), np.cos(2 * np.pi * position * 7 / 16)
    row = np.ones((16, 1))
    assert measures.high_frequency_share(row * slow) == pytest.approx(0, abs=1e-12)
    assert measures.high_frequency_share(row * fast) == pytest.approx(1)
    assert measures.high_frequency_share(row * (slow + fast)) == pytest.approx(0.5)
    assert measures.high_frequency_share(np.ones((4, 4))) == 0
