"""Which metrics can be measured with what is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inspector.errors import InspectorError, ModelError
from inspector.explain.geometry import input_layout
from inspector.quality.metric import Need
from inspector.quality.metrics import METRICS, find_metric
from inspector.quality.redraw import Redrawing
from inspector.quality.trial import Question

__all__ = ["available"]


def available(
    question: Question,
    metrics: Sequence[str] | None,
    boxes: bool,
    redrawing: Redrawing,
    random_labels: bool,
) -> tuple[list[str], list[str]]:
    """The metrics to measure, and a note for each that is left out.

    Args:
        question: the first sample's.
        metrics: those asked for; None: all.
        boxes: whether it is known of any sample where its object lies.
        redrawing: of the model's weights.
        random_labels: whether there is a model that was trained on random labels.

    Raises:
        InspectorError: one that is asked for lacks what it needs.
    """
    wanted = list(dict.fromkeys(METRICS if metrics is None else metrics))
    needed = {need for name in wanted for need in find_metric(name).needs}
    missing = _missing(question, boxes, random_labels)
    if "redrawn" in needed:
        missing.update(_without_weights(redrawing))
    lacking = {name: missing[need] for name in wanted for need in find_metric(name).needs if need in missing}
    if metrics is not None and lacking:
        name, reason = next(iter(lacking.items()))
        raise InspectorError(f"metric {name} cannot be measured: {reason}")
    return (
        [name for name in wanted if name not in lacking],
        [f"metric {name} is left out: {reason}" for name, reason in lacking.items()],
    )


def _missing(question: Question, boxes: bool, random_labels: bool) -> dict[Need, str]:
    subject, entry = question.subject, question.entry
    layout = input_layout(subject.evaluator.model, entry.input)
    missing: dict[Need, str] = {}
    if layout is None or len(question.sides) != 2:
        missing["pictures"] = "the input is no picture"
    if entry.reads_tokens:
        missing["numbers"] = "the input's numbers are codes, between which there is nothing"
    if question.confidence is None:
        missing["probabilities"] = "the target is no class, so it has no probability"
    if not boxes:
        missing["boxes"] = "it is not said where the objects lie (--truth FILE, Sample.inside)"
    if not random_labels:
        missing["random-labels"] = (
            "it takes a second model of the same architecture, trained on random labels "
            "(--random-labels MODEL2.onnx, random_labels=)"
        )
    return missing


def _without_weights(redrawing: Redrawing) -> Mapping[Need, str]:
    try:
        assert redrawing.layers
    except ModelError as error:
        return {"redrawn": str(error)}
    return {}
