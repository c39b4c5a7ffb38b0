from __future__ import annotations

import json

import numpy as np

from trainers.data import Dataset, load, summarise


def test_the_figures_are_counted_on_the_images() -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (6, 4, 4, 1), np.uint8)
    images[1] = images[0]
    labels = np.array([0, 0, 0, 1, 1, 1])
    dataset = Dataset("own", images, labels, images[[0, 5]], labels[[0, 5]], ("a", "b"))
    summary = summarise(dataset)
    assert (summary["train"], summary["test"], summary["images"], summary["classes"]) == (6, 2, 8, 2)
    assert summary["distinct_per_class"] == {"min": 2, "median": 2.5, "max": 3}
    assert summary["test_twins"] == 2
    assert summary["image_shape"] == [4, 4, 1]


def test_the_lines_own_count_agrees() -> None:
    dataset = load("line", images_per_class=30)
    summary = summarise(dataset)
    counts = dataset.details["distinct_per_class"]
    assert summary["distinct_per_class"] == {
        "min": min(counts),
        "median": np.median(counts),
        "max": max(counts),
    }
    assert summary["test_twins"] == 0
    json.dumps(summary)
