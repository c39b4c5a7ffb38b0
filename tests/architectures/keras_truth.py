"""Gradients by `tf.GradientTape`, of a Keras model whose weights are drawn from a seed."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests.architectures.draws import Array

__all__ = ["gradients", "middle_layer", "settle", "widened"]

_PASSED_THROUGH = ("InputLayer", "Dropout", "Reshape", "Flatten", "Rescaling", "Normalization")


def settle(model: Any, x: Array, seed: int = 0) -> Any:
    """Draws every weight (He et al. 2015, section 2.2, for kernels) and the moving statistics, from those of `x`.

    Variances are taken up to three times as wide: deep random networks with exactly fitted ones amplify rounding
    errors, which trained ones do not.
    """
    rng = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        shape = tuple(weight.shape)
        fan_in = int(np.prod(shape[:2] if "depthwise" in weight.path else shape[:-1]))
        if len(shape) > 1:
            value = rng.normal(0, (2 / fan_in) ** 0.5, shape)
        elif weight.name == "gamma" or "layer_scale" in weight.path:
            value = rng.uniform(0.5, 1.5, shape)
        else:
            value = rng.normal(0, 0.1, shape)
        weight.assign(value.astype(np.float32))
    _fit_statistics(model, x)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            variance = np.asarray(layer.moving_variance)
            layer.moving_mean.assign_add(0.1 * np.sqrt(variance) * rng.normal(size=variance.shape))
            layer.moving_variance.assign(variance * rng.uniform(1, 3, variance.shape))
    return model


def _fit_statistics(model: Any, x: Array) -> None:
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(x, training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum


def middle_layer(model: Any) -> int:
    """The number of the layer half-way through a functional model, among those that make a map and are called once."""
    found = [
        number
        for number, layer in enumerate(model.layers)
        if len(layer._inbound_nodes) == 1
        and not type(layer).__name__.endswith(_PASSED_THROUGH)
        and len(getattr(layer.output, "shape", ())) == 4
    ]
    return found[len(found) // 2]


def gradients(model: Any, x: Array, index: int, names: tuple[str, str], layer: int) -> dict[str, Array]:
    """Of logit `index`, in the model's precision, under these names.

    At the input, (N, H, W, C), and at the layer of this number, channel-first.
    """
    inner = keras.Model(model.inputs, [model.layers[layer].output, model.outputs[0]])
    picture = tf.constant(x.astype(model.compute_dtype))
    with tf.GradientTape() as tape:
        tape.watch(picture)
        maps, logits = inner(picture, training=False)
        score = tf.reduce_sum(logits[:, index])
    at_input, at_layer = tape.gradient(score, [picture, maps])
    return dict(zip(names, (at_input.numpy(), np.moveaxis(at_layer.numpy(), -1, 1)), strict=True))


def widened(build: Any, model: Any) -> Any:
    """The same model in double precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        wide = build()
    finally:
        keras.config.set_dtype_policy(before)
    for mine, theirs in zip(wide.weights, model.weights, strict=True):
        mine.assign(np.asarray(theirs).astype(np.float64))
    return wide
