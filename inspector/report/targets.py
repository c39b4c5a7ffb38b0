"""With respect to which class each data set's heatmaps are drawn, as targets and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from inspector.objectives import Target, TargetSum

__all__ = ["REFERENCE_CLASS", "class_target", "class_words", "own_target", "short_words"]

REFERENCE_CLASS = {"line": 0, "mnist": 1}
"""The class that the source report explains: the short, thin, horizontal, red line; the digit 1."""


def head_labels(outputs: Mapping[str, Sequence[str]], number: int) -> dict[str, int]:
    """Each output's label for class ``number``: the last output changes fastest."""
    sizes = [len(names) for names in outputs.values()]
    return {name: int(label) for name, label in zip(outputs, np.unravel_index(number, sizes), strict=True)}


def class_target(outputs: Mapping[str, Sequence[str]], number: int) -> Target | TargetSum:
    """One output: its logit. Several: the sum of their log-probabilities, the log-probability of the combination."""
    from inspector.objectives import Target, TargetSum

    named = [Target(name, label=outputs[name][label]) for name, label in head_labels(outputs, number).items()]
    return named[0] if len(named) == 1 else TargetSum(tuple(target.log_probability() for target in named))


def class_words(outputs: Mapping[str, Sequence[str]], number: int) -> str:
    """The same in words: ``class 0 (short thin 0° red)``, ``class 1``; of several heads with the sum written out."""
    labels = head_labels(outputs, number)
    names = " ".join(outputs[name][label] for name, label in labels.items())
    if len(labels) == 1:
        return short_words(number) if names == str(number) else f"{short_words(number)} ({names})"
    terms = " + ".join(f"log p({name} = {outputs[name][label]})" for name, label in labels.items())
    return f"{short_words(number)} ({names}), as the sum {terms}"


def short_words(number: int) -> str:
    return f"class {number}"


def own_target(outputs: Mapping[str, Sequence[str]], number: int) -> tuple[Target, str]:
    """The image's own class: of several heads that with most labels (the angle)."""
    from inspector.objectives import Target

    labels = head_labels(outputs, number)
    name = max(outputs, key=lambda output: len(outputs[output]))
    word = outputs[name][labels[name]]
    return Target(name, label=word), (f"its own class, {word}" if len(labels) == 1 else f"{name} = {word}")
