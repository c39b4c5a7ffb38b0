"""The scores on the test set, by scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainers.data import Dataset, twins
from trainers.learner import Logits
from trainers.models import Spec
from trainers.scores import hits
from trainers.targets import Targets, predicted_labels, targets_of

__all__ = ["evaluate", "head_scores"]


def head_scores(
    labels: tuple[str, ...], truth: NDArray[np.int64], predicted: NDArray[np.int64]
) -> dict[str, Any]:
    """Accuracy, per-class precision, recall, F-score (beta 1) and support, and the confusion matrix (rows: truth).

    A class that is never predicted has precision 0, one without test images recall 0.
    """
    import sklearn.metrics

    sk: Any = sklearn.metrics  # untyped
    numbers = np.arange(len(labels))
    precision, recall, f_score, support = sk.precision_recall_fscore_support(
        truth, predicted, labels=numbers, zero_division=0
    )
    return {
        "accuracy": float((truth == predicted).mean()),
        "labels": list(labels),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f_score": f_score.tolist(),
        "support": support.tolist(),
        "confusion": sk.confusion_matrix(truth, predicted, labels=numbers).tolist(),
    }


def evaluate(spec: Spec, dataset: Dataset, logits: Logits) -> dict[str, Any]:
    """The contents of `metrics.json`.

    `accuracy` counts an image as right when every head is. Where the data set counts its distinct images,
    `accuracy_without_twins` leaves out the test images of which a training image is an exact copy.

    Args:
        logits: of the test images, output name -> float32 (N, units).
    """
    targets: Targets = targets_of(spec, dataset, dataset.test_labels)
    right = hits(logits, targets)["accuracy"]
    metrics: dict[str, Any] = {
        "accuracy": float(right.mean()),
        "test_images": len(right),
        "heads": {
            head.output: head_scores(head.labels, targets[head.output], predicted_labels(logits[head.output]))
            for head in spec.heads
        },
    }
    if "distinct_per_class" in dataset.details:
        alone = ~twins(dataset.train_images, dataset.test_images)
        metrics["accuracy_without_twins"] = float(right[alone].mean()) if alone.any() else None
        metrics["test_images_without_twins"] = int(alone.sum())
        metrics["distinct_per_class"] = dataset.details["distinct_per_class"]
    return metrics
