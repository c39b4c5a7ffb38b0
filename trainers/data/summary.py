"""What a data set holds, in figures."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainers.data.dataset import Dataset
from trainers.data.split import distinct, twins

__all__ = ["summarise"]


def summarise(dataset: Dataset) -> dict[str, Any]:
    """Counts, all measured on the images themselves: JSON with the keys

    `name`, `classes`, `images`, `train`, `test`, `image_shape`, `distinct_per_class` (`min`, `median`, `max`: images
    of a class that differ from one another, both sides together), `test_twins` (test images that equal a training
    image) and `details`.
    """
    numbers = distinct(np.concatenate([dataset.train_images, dataset.test_images]))
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    counts = [np.unique(numbers[labels == number]).size for number in range(len(dataset.class_names))]
    return {
        "name": dataset.name,
        "classes": len(dataset.class_names),
        "images": len(labels),
        "train": len(dataset.train_labels),
        "test": len(dataset.test_labels),
        "image_shape": list(dataset.train_images.shape[1:]),
        "distinct_per_class": {
            "min": min(counts),
            "median": float(np.median(counts)),
            "max": max(counts),
        },
        "test_twins": int(twins(dataset.train_images, dataset.test_images).sum()),
        "details": dataset.details,
    }
