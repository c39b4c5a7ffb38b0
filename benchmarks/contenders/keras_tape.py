"""TensorFlow itself: forward, and gradients by `tf.GradientTape`, both as compiled graph functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.networks.images import images
from benchmarks.networks.in_keras import load
from benchmarks.work import CLASS, Ready, Work

__all__ = ["forward", "gradient", "prepared"]


def prepared(work: Work) -> tuple[Any, Any, int | None]:
    """The model, its images, and which of several outputs counts."""
    # the number of threads is set by the environment: it must be known before the first operation
    model = load(work)
    place = model.output_names.index(work.spec.output) if work.spec.output else None
    return model, tf.constant(images(work)), place


def forward(work: Work) -> Ready:
    """In inference mode."""
    model, x, place = prepared(work)

    def run(given: Any) -> Any:
        found = model(given, training=False)
        return found if place is None else found[place]

    compiled = tf.function(run)
    return Ready(lambda: np.asarray(compiled(x)))


def gradient(work: Work) -> Ready:
    """Of the class's logit at the input."""
    model, x, place = prepared(work)

    def run(given: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(given)
            found = model(given, training=False)
            score = tf.reduce_sum((found if place is None else found[place])[:, CLASS])
        return tape.gradient(score, given)

    compiled = tf.function(run)
    return Ready(lambda: np.asarray(compiled(x)))
