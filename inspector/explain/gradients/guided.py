"""Gradients at the input that rectifiers let back only in part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inspector.explain.relevance import Relevance, Scene
from inspector.objectives import readable

if TYPE_CHECKING:
    from inspector.autodiff import RuleTable

__all__ = ["deconvnet", "guided_backprop", "has_rectifier"]


def guided_backprop(scene: Scene) -> Relevance:
    """Springenberg et al., Striving for Simplicity, ICLR workshop 2015, section 3.4: at each rectifier only what speaks
    for the target passes, and only where the input was positive.

    The map is the largest magnitude over the channels. It shows sharp contours, but hardly depends on the class nor on
    the last layers' weights (Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018): use it for what a picture
    holds, not for why it was classified so.
    """
    from inspector.explain.overrides.guided import GUIDED

    return _pulled_back(scene, GUIDED)


def deconvnet(scene: Scene) -> Relevance:
    """Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, section 2.1: at each rectifier
    only what speaks for the target passes, wherever the input lay. The map is the largest magnitude over the channels.

    Older and blurrier than guided backpropagation, and with the same weakness.
    """
    from inspector.explain.overrides.guided import DECONVNET

    return _pulled_back(scene, DECONVNET)


def _pulled_back(scene: Scene, rules: RuleTable) -> Relevance:
    subject, tensor = scene.subject, scene.entry.tensor
    found = subject.evaluator.gradients(subject.feeds, subject.objective, [tensor], rules=rules)
    gradient = scene.source_folded(found.gradients[tensor])
    notes = (
        ()
        if has_rectifier(scene)
        else ("no ReLU leads to the target: this is the plain gradient, as of saliency",)
    )
    return Relevance(np.abs(gradient).max(axis=1), notes=notes)


def has_rectifier(scene: Scene) -> bool:
    """Whether a rectifier leads to the target."""
    from inspector.explain.overrides.guided import is_rectifier
    from inspector.surgery.lookup import ancestors, find_value

    graph = readable(scene.subject.evaluator).graph
    targets = [find_value(graph, name) for name in scene.subject.objective.tensors]
    producers = (value.producer() for value in ancestors(targets))
    return any(node is not None and is_rectifier(node) for node in producers)
