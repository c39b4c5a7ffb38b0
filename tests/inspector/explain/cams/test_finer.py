"""Finer-CAM as a CAM of a difference that is written down by hand."""

from __future__ import annotations

import numpy as np
import pytest

from inspector import Inspector, Target
from inspector.errors import InspectorError, TargetError
from tests.inspector.graphs import cnn, images, multi_head

X = images(3)


def by_hand(logits: np.ndarray, number: int, alpha: float, classes: int) -> Target:
    """The class less alpha times the mean of those nearest to it, weighted by their probabilities."""
    order = sorted(
        (abs(each - logits[number]), place) for place, each in enumerate(logits) if place != number
    )
    similar = [place for _, place in order[:classes]]
    odds = np.exp(logits[similar].astype(float))
    total = Target(index=number) - 0 * Target(index=number)
    for place, share in zip(similar, odds / odds.sum(), strict=True):
        total = total - float(alpha * share) * Target(index=place)
    return total


@pytest.mark.parametrize("base", ["gradcam", "gradcam++", "layercam", "hirescam", "xgradcam"])
@pytest.mark.parametrize(("alpha", "classes"), [(1.0, 3), (0.6, 1), (1.0, 50)])
def test_the_difference_to_the_most_similar_classes(base: str, alpha: float, classes: int) -> None:
    lens = Inspector(cnn())
    logits = lens.run(X)["logits"]
    finer = lens.explain(
        X, "finercam", target=[1, 7, 4], layer="relu", alpha=alpha, classes=classes, base=base
    )
    for sample, number in enumerate([1, 7, 4]):
        target = by_hand(logits[sample], number, alpha, classes)
        plain = lens.explain(X[sample : sample + 1], base, target=target, layer="relu")
        largest = plain.map.max() or 1
        np.testing.assert_allclose(finer.map[sample], plain.map[0], atol=2e-5 * largest)
        assert finer.score[sample] == pytest.approx(plain.score[0], rel=1e-5, abs=1e-5)


def test_without_a_share_of_the_others_it_is_the_base_method() -> None:
    lens = Inspector(cnn())
    finer, plain = (lens.explain(X, "finercam", alpha=0.0), lens.explain(X, "gradcam"))
    np.testing.assert_allclose(finer.map, plain.map, rtol=1e-5, atol=1e-7)


def test_it_says_what_was_compared_and_its_gradient_can_be_checked() -> None:
    lens = Inspector(multi_head())
    explained = lens.explain(
        images(1, size=8), "finercam", target="angle=30°", classes=1, alpha=0.5, check=True
    )
    (text,) = explained.target
    assert text.startswith("angle=30° - 0.5 * (classes like it: ")
    assert explained.check is not None
    assert explained.check.passed


def test_what_is_no_class_among_several_is_refused() -> None:
    lens = Inspector(multi_head())
    x = images(1, size=8)
    for target in ("length", Target("angle", index=1) - Target("angle", index=0), "relu[0, 1, 1]"):
        with pytest.raises(TargetError, match="finercam compares a class"):
            lens.explain(x, "finercam", target=target, layer="conv")
    with pytest.raises(InspectorError, match="is made of gradcam"):
        lens.explain(x, "finercam", target="angle", base="scorecam")
    with pytest.raises(InspectorError, match="at least 1 class, not 0"):
        lens.explain(x, "finercam", target="angle", classes=0)
