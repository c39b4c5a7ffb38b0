"""A specification as a functional Keras model: float32 NHWC in, logits out."""

from __future__ import annotations

from typing import Any

import keras

from trainers.models.spec import BatchNorm, Conv2D, Dense, Flatten, Layer, MaxPool, ReLU, Spec

__all__ = ["build_keras"]


def _layer(layer: Layer, seed: int) -> Any:
    # an initialiser of its own for each layer: its seed, not the order of construction, fixes the weights
    initializer: Any = keras.initializers.GlorotUniform(seed=seed)
    match layer:
        case Conv2D(name=name, filters=filters, kernel=kernel):
            return keras.layers.Conv2D(filters, kernel, kernel_initializer=initializer, name=name)
        case ReLU(name=name):
            return keras.layers.ReLU(name=name)
        case BatchNorm(name=name, momentum=momentum, epsilon=epsilon):
            return keras.layers.BatchNormalization(momentum=momentum, epsilon=epsilon, name=name)
        case MaxPool(name=name, size=size):
            return keras.layers.MaxPooling2D(size, name=name)
        case Flatten(name=name):
            return keras.layers.Flatten(name=name)
        case Dense(name=name, units=units):
            return keras.layers.Dense(units, kernel_initializer=initializer, name=name)


def build_keras(spec: Spec, seed: int = 0) -> Any:
    """A fresh `keras.Model`: layers named as in the specification, one output or a list in `spec.outputs` order.

    Takes `image`, float32 (N, H, W, C). Glorot-uniform kernels, drawn from `seed` alone.
    """
    seeds = iter(range(seed * 1000, seed * 1000 + 1000))

    def run(layers: tuple[Layer, ...], x: Any) -> Any:
        for layer in layers:
            x = _layer(layer, next(seeds))(x)
        return x

    image = keras.Input((*spec.size, len(spec.channels)), name="image", dtype="float32")
    features = run(spec.trunk, image)
    logits = [run(head.layers, features) for head in spec.heads]
    return keras.Model(image, logits if len(logits) > 1 else logits[0], name=spec.name.replace("-", "_"))
