"""The three specifications. Section-1 is one chain of layers; Section-2 is one trunk with four heads."""

from __future__ import annotations

import difflib

from trainers.data.line import HEADS, class_names
from trainers.errors import TrainerError
from trainers.models.spec import BatchNorm, Conv2D, Dense, Flatten, Head, Layer, MaxPool, ReLU, Spec

__all__ = ["SPECS", "get_spec"]

# valid 7x7 convolution, stride 1: 28 -> 22; pooling 2x2, stride 2: 22 -> 11; flat: 32 * 11 * 11 = 3872
TRUNK: tuple[Layer, ...] = (
    Conv2D("conv", filters=32, kernel=7),
    ReLU("relu"),
    BatchNorm("batch_norm"),
    MaxPool("max_pool", size=2),
    Flatten("flatten"),
)


def _section1_head(labels: tuple[str, ...]) -> Head:
    return Head((Dense("dense", 1024), ReLU("dense_relu"), Dense("logits", len(labels))), "softmax", labels)


def _section2_head(output: str, labels: tuple[str, ...]) -> Head:
    binary = len(labels) == 2
    layers = (
        Dense(f"{output}_dense", 64 if binary else 256),
        ReLU(f"{output}_relu"),
        Dense(output, 1 if binary else len(labels)),
    )
    return Head(layers, "sigmoid" if binary else "softmax", labels)


SPECS: dict[str, Spec] = {
    spec.name: spec
    for spec in (
        Spec(
            name="section1-line",
            dataset="line",
            size=(28, 28),
            channels="RGB",
            trunk=TRUNK,
            heads=(_section1_head(class_names()),),
            taps=("conv", "relu", "batch_norm", "max_pool"),
        ),
        Spec(
            name="section1-mnist",
            dataset="mnist",
            size=(28, 28),
            channels="L",
            trunk=TRUNK,
            heads=(_section1_head(tuple(str(digit) for digit in range(10))),),
            taps=("conv", "relu", "batch_norm", "max_pool"),
        ),
        Spec(
            name="section2-line",
            dataset="line",
            size=(28, 28),
            channels="RGB",
            trunk=TRUNK,
            heads=tuple(_section2_head(output, labels) for output, labels in HEADS.items()),
            taps=("conv", "relu", "batch_norm"),
        ),
    )
}


def get_spec(name: str) -> Spec:
    """The specification called `name`; raises `TrainerError` with the near matches."""
    if name not in SPECS:
        near = difflib.get_close_matches(name, SPECS, n=1) or list(SPECS)
        raise TrainerError(f"no model {name!r}; did you mean {', '.join(near)}?")
    return SPECS[name]
