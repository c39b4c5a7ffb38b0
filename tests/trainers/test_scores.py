"""Losses, accuracies and the scores of `metrics.json` against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trainers.data import Dataset, load
from trainers.metrics import evaluate, head_scores
from trainers.models import get_spec
from trainers.scores import hits, mean_loss
from trainers.settings import Settings


def test_precision_recall_and_f_score_by_hand() -> None:
    # truth a a a b b; predicted a a b b a; nobody is c
    scores = head_scores(("a", "b", "c"), np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 0]))
    assert scores["confusion"] == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert scores["precision"] == pytest.approx([2 / 3, 1 / 2, 0])
    assert scores["recall"] == pytest.approx([2 / 3, 1 / 2, 0])
    assert scores["f_score"] == pytest.approx([2 / 3, 1 / 2, 0])
    assert scores["support"] == [3, 2, 0]
    assert scores["accuracy"] == pytest.approx(3 / 5)
    assert scores["labels"] == ["a", "b", "c"]


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_number_of_classes() -> None:
    spec = get_spec("section1-mnist")
    logits = {"logits": np.full((3, 10), 7.0, np.float32)}
    assert mean_loss(spec, Settings(), logits, {"logits": np.array([0, 5, 9])}) == pytest.approx(math.log(10))


def test_the_loss_of_four_heads_is_their_weighted_sum() -> None:
    spec = get_spec("section2-line")
    logits = {
        "length": np.array([[2.0]], np.float32),
        "width": np.array([[-3.0]], np.float32),
        "angle": np.zeros((1, 12), np.float32),
        "colour": np.array([[0.0]], np.float32),
    }
    targets = {"length": [1], "width": [1], "angle": [4], "colour": [0]}
    parts = [math.log1p(math.exp(-2)), math.log1p(math.exp(3)), math.log(12), math.log(2)]
    given = {name: np.array(value) for name, value in targets.items()}
    assert mean_loss(spec, Settings(), logits, given) == pytest.approx(sum(parts))
    weighted = Settings(loss_weights={"angle": 2, "width": 0})
    assert mean_loss(spec, weighted, logits, given) == pytest.approx(parts[0] + 2 * parts[2] + parts[3])


def test_the_loss_survives_logits_that_overflow_an_exponential() -> None:
    spec = get_spec("section2-line")
    logits = {head.output: np.full((1, head.units), 1e4, np.float32) for head in spec.heads}
    targets = {name: np.array([0]) for name in spec.outputs}
    assert mean_loss(spec, Settings(), logits, targets) == pytest.approx(3e4 + math.log(12))


def test_an_image_counts_only_if_all_heads_are_right() -> None:
    logits = {"a": np.array([[1.0], [1.0], [-1.0]], np.float32), "b": np.eye(3, dtype=np.float32)}
    right = hits(logits, {"a": np.array([1, 0, 0]), "b": np.array([0, 1, 0])})
    assert {name: value.tolist() for name, value in right.items()} == {
        "accuracy": [True, False, False],
        "a_accuracy": [True, False, True],
        "b_accuracy": [True, True, False],
    }


def line_logits(dataset: Dataset) -> np.ndarray:
    """Logits that are right everywhere but for the first test image."""
    logits = np.eye(96, dtype=np.float32)[dataset.test_labels]
    logits[0] = np.roll(logits[0], 1)
    return logits


def test_metrics_of_a_line_model() -> None:
    dataset = load("line", images_per_class=10)
    metrics = evaluate(get_spec("section1-line"), dataset, {"logits": line_logits(dataset)})
    count = len(dataset.test_labels)
    assert metrics["accuracy"] == pytest.approx(1 - 1 / count)
    assert metrics["accuracy_without_twins"] == metrics["accuracy"]
    assert metrics["test_images"] == metrics["test_images_without_twins"] == count
    assert metrics["distinct_per_class"] == dataset.details["distinct_per_class"]
    assert np.array(metrics["heads"]["logits"]["confusion"]).shape == (96, 96)


def test_twins_are_left_out_of_the_accuracy_without_twins() -> None:
    made = load("line", images_per_class=10)
    images = made.test_images.copy()
    images[0] = made.train_images[0]  # the image that the model gets wrong becomes a copy of a training image
    planted = Dataset(
        name="line", train_images=made.train_images, train_labels=made.train_labels, test_images=images,
        test_labels=made.test_labels, class_names=made.class_names, details=made.details,
    )  # fmt: skip
    metrics = evaluate(get_spec("section1-line"), planted, {"logits": line_logits(planted)})
    assert metrics["accuracy"] < 1
    assert metrics["accuracy_without_twins"] == 1
    assert metrics["test_images_without_twins"] == len(images) - 1
