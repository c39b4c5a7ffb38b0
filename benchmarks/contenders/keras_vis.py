"""tf-keras-vis."""

from __future__ import annotations

import keras
import tensorflow as tf

from benchmarks.contenders.keras_tape import prepared
from benchmarks.work import CLASS, Ready, Work

__all__ = ["gradcam", "maximise"]

FILTERS, STEPS = 25, 100


def gradcam(work: Work) -> Ready:
    """Its `Gradcam`, enlarged and normalised as it does by itself."""
    from tf_keras_vis.gradcam import Gradcam
    from tf_keras_vis.utils.scores import CategoricalScore

    model, x, _ = prepared(work)
    cam = Gradcam(model, clone=False)
    score = CategoricalScore([CLASS] * work.batch)
    return Ready(lambda: cam(score, x, penultimate_layer=work.spec.layer), {"layer": work.spec.layer})


def maximise(work: Work) -> Ready:
    """Its `ActivationMaximization` of the same filters and steps, from grey, without movements or penalties."""
    from tf_keras_vis.activation_maximization import ActivationMaximization
    from tf_keras_vis.utils.scores import CategoricalScore

    whole, x, _ = prepared(work)
    model = keras.Model(whole.inputs, whole.get_layer(work.spec.filters).output)
    climber = ActivationMaximization(model, clone=False)
    seed = tf.repeat(tf.zeros_like(x[:1]), FILTERS, axis=0)

    def run() -> None:
        climber(
            CategoricalScore(list(range(FILTERS))),
            seed_input=seed,
            steps=STEPS,
            input_modifiers=[],
            regularizers=[],
            input_range=None,
        )

    return Ready(run)
