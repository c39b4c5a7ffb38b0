"""Grad-CAM from the frameworks' own automatic differentiation, on the weights that were exported.

Selvaraju et al. 2017, equations 1 and 2: the weight of a channel is the mean of the score's gradient over the map, the
heatmap the rectified sum of the weighted channels; then half-pixel bilinear interpolation to the picture's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.objectives import AnyTarget, Target
from trainers.models import Spec

Array = NDArray[Any]

CLASS = {"section1-line": 0, "section1-mnist": 1}
"""The class explained; Section-2's is class 0, the sum of its four heads' log-probabilities."""


@dataclass(frozen=True)
class Layer:
    """One layer on several pictures.

    Attributes:
        evidence: heatmaps for the score, (N, H, W).
        against: heatmaps for its negative: what the rectifier cuts off the others.
        gradient: of the score, channel-first.
    """

    evidence: Array
    against: Array
    gradient: Array


def target(spec: Spec) -> AnyTarget:
    """The score, as the inspector takes it."""
    if spec.name in CLASS:
        return Target("logits", label=CLASS[spec.name])
    length, width, angle, colour = (Target(head, label=0).log_probability() for head in spec.outputs)
    return length + width + angle + colour


def torch_truth(module: Any, spec: Spec, images: Array) -> dict[str, Layer]:
    """Every tapped layer, by `torch.autograd`; images float32 (N, C, H, W)."""
    import torch

    seen: dict[str, torch.Tensor] = {}
    for name in spec.taps:
        module.get_submodule(name).register_forward_hook(
            lambda *call, name=name: seen.update({name: call[2]})
        )
    logits = module.eval()(torch.from_numpy(images))
    if spec.name in CLASS:
        score = logits[:, CLASS[spec.name]]
    else:
        # in double: for a sure answer, float32 loses 1 - p in the framework as well
        length, width, angle, colour = (each.double() for each in logits)
        score = torch.log_softmax(angle, dim=1)[:, 0]
        for one in (length, width, colour):
            score = score + torch.nn.functional.logsigmoid(-one[:, 0])
    layers = {}
    for name, maps in seen.items():
        (gradient,) = torch.autograd.grad(score.sum(), maps, retain_graph=True)
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        total = (weights * maps).sum(dim=1, keepdim=True)
        evidence, against = (
            torch.nn.functional.interpolate(
                torch.relu(signed), images.shape[2:], mode="bilinear", align_corners=False
            )[:, 0]
            .detach()
            .numpy()
            for signed in (total, -total)
        )
        layers[name] = Layer(evidence, against, gradient.numpy())
    return layers


def keras_truth(model: Any, spec: Spec, images: Array) -> dict[str, Layer]:
    """Every tapped layer, by `tf.GradientTape`; images float32 (N, H, W, C)."""
    import keras
    import tensorflow as tf

    taps = keras.Model(model.inputs, [[model.get_layer(name).output for name in spec.taps], model.outputs])
    image = tf.constant(images)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(image)
        maps, logits = taps(image, training=False)
        if spec.name in CLASS:
            score = logits[0][:, CLASS[spec.name]]
        else:
            length, width, angle, colour = (tf.cast(each, tf.float64) for each in logits)
            score = tf.nn.log_softmax(angle)[:, 0]
            for one in (length, width, colour):
                score += tf.math.log_sigmoid(-one[:, 0])
    layers = {}
    for name, each in zip(spec.taps, maps, strict=True):
        gradient = tape.gradient(score, each)
        weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
        total = tf.reduce_sum(weights * each, axis=3, keepdims=True)
        evidence, against = (
            tf.image.resize(tf.nn.relu(signed), images.shape[1:3], method="bilinear")[..., 0].numpy()
            for signed in (total, -total)
        )
        layers[name] = Layer(evidence, against, np.moveaxis(gradient.numpy(), 3, 1))
    return layers
