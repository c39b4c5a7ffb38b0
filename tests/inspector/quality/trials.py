"""Models whose scores are known in closed form, and maps of them to judge."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import helper

from inspector import Inspector
from inspector.explain import explain as explain_subject
from inspector.explain import find_method
from inspector.explain.subject import Subject
from inspector.quality.confidence import confidence_of
from inspector.quality.randomisation import scaled
from inspector.quality.redraw import Redrawing
from inspector.quality.trial import Question, Trial
from tests.inspector.graphs import model

SIDE = 4
PLACES = SIDE * SIDE
# of a sum of PLACES float32 products, relative to the sum of their magnitudes
ROUNDING = PLACES * 2.0**-23


def linear(weights: ArrayLike, classes: int = 2) -> onnx.ModelProto:
    """`logits` of a grey picture of 4 x 4: the first is the sum of weight times pixel, the others are 0."""
    matrix = np.zeros((PLACES, classes), dtype=np.float32)
    matrix[:, 0] = np.ravel(weights)
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["logits"]),
    ]
    return model(nodes, {"x": ["n", 1, SIDE, SIDE]}, {"logits": ["n", classes]}, {"w": matrix})


def trial(
    lens: Inspector,
    x: NDArray[np.float32],
    heatmap: ArrayLike,
    target: int | str | None = "logits[0]",
    inside: NDArray[np.bool_] | None = None,
    method: str = "saliency",
    seed: int = 0,
) -> Trial:
    """A map as if `method` had made it."""
    subject, entry = lens.subject(x, target)
    confidence = confidence_of(subject, lens, target, "logit")
    question = Question(subject, entry, confidence, inside, seed)
    raw = np.asarray(heatmap, dtype=np.float64)

    def again(other: Subject) -> NDArray[np.floating]:
        assert find_method(method)
        return explain_subject(other, entry, method).raw

    return Trial(question, scaled(raw), raw, again, Redrawing(lens.evaluator))


def pixels(seed: int = 0) -> NDArray[np.float32]:
    """A picture (1, 1, 4, 4)."""
    return np.random.default_rng(seed).uniform(0.1, 1, (1, 1, SIDE, SIDE)).astype(np.float32)


def one_hot(place: int = 5) -> NDArray[np.float64]:
    """A map (4, 4) of one place."""
    values = np.zeros(PLACES)
    values[place] = 1
    return values.reshape(SIDE, SIDE)


def ranks(seed: int = 1) -> NDArray[np.float64]:
    """A map (4, 4) without ties."""
    return np.random.default_rng(seed).permutation(PLACES).reshape(SIDE, SIDE) + 1.0
