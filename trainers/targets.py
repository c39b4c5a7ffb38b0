"""What a model is to answer: each head's label per image, and the part of the training side held out to choose by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainers.data import Dataset
from trainers.data.split import distinct, split_grouped
from trainers.models import Spec

__all__ = ["Targets", "batches", "epoch_order", "predicted_labels", "targets_of", "validation_mask"]

Targets = dict[str, NDArray[np.int64]]
"""Output name -> label of each image, int64 (N,)."""


def targets_of(spec: Spec, dataset: Dataset, labels: NDArray[np.int64]) -> Targets:
    """The label that each head of `spec` is to give for images of the classes `labels`."""
    if len(spec.heads) == 1:
        return {spec.outputs[0]: labels}
    attributes = dataset.attributes(labels)
    return {output: attributes[output] for output in spec.outputs}


def predicted_labels(logits: NDArray[np.float32]) -> NDArray[np.int64]:
    """The label of each row of logits (N, units): the largest, or for one unit whether it is above 0."""
    if logits.shape[1] == 1:
        return (logits[:, 0] > 0).astype(np.int64)
    top: NDArray[np.int64] = logits.argmax(axis=1).astype(np.int64)
    return top


def validation_mask(
    images: NDArray[np.uint8], labels: NDArray[np.int64], share: float, seed: int
) -> NDArray[np.bool_]:
    """Which training images are held out to choose the best epoch by: `share` of every class, bool (N,).

    Equal images stay together, on one side. A class with a single distinct image keeps it for training.
    """
    random = np.random.default_rng([seed, 1])
    held_out = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        groups = distinct(images[members])
        if groups.max() > 0:
            held_out[members] = split_grouped(groups, share, random)
    return held_out


def batches(count: int, size: int) -> list[slice]:
    """Slices of at most `size` that cover `count` rows."""
    return [slice(start, start + size) for start in range(0, count, size)]


def epoch_order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order in which an epoch visits the training images; it depends on seed and epoch alone."""
    return np.random.default_rng([seed, 2, epoch]).permutation(count)
