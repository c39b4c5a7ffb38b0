"""Networks of keras.applications, and those of this project as Keras models."""

from __future__ import annotations

from typing import Any

import keras

from benchmarks.work import File, Work

__all__ = ["load", "write"]


def write(work: dict[str, Any], file: File) -> None:
    """Write the model where there is none yet, and the ONNX file for any batch."""
    from export import export_keras
    from trainers.models import get_spec

    asked = Work(**work)
    asked.weights.parent.mkdir(parents=True, exist_ok=True)
    if file != "dynamic":
        raise ValueError("this kind of file is made of PyTorch's networks only")
    if not asked.weights.exists():
        _fresh(asked).save(asked.weights)
    kind, _, name = asked.spec.make.partition(":")
    taps = get_spec(name).taps if kind == "spec" else ()
    # noise is no picture: single values are further apart, and both round
    export_keras(load(asked), asked.path(), taps=taps, tolerance=1e-4)


def load(work: Work) -> Any:
    """The model with the weights that were written."""
    return keras.saving.load_model(work.weights, compile=False)


def _fresh(work: Work) -> Any:
    kind, _, name = work.spec.make.partition(":")
    keras.utils.set_random_seed(0)
    if kind == "spec":
        from trainers.models import build_keras, get_spec

        return build_keras(get_spec(name))
    # without the softmax: scores are logits here
    make = getattr(keras.applications, name)
    shape = (work.size, work.size, work.spec.channels)
    return make(weights=None, input_shape=shape, classifier_activation=None)
