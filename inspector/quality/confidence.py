"""From the score that is explained to the probability of its class, where the target is one."""

from __future__ import annotations

from dataclasses import replace

from inspector.explain.subject import Subject
from inspector.lens import Inspector, Score
from inspector.objectives import AnyTarget, Objective, Target, TermKey, parse_target

__all__ = ["class_of", "confidence_of"]


def confidence_of(
    subject: Subject, lens: Inspector, target: int | str | AnyTarget | None, score: Score
) -> Subject | None:
    """The logarithm of the probability of a subject's class; None where its target is no class of an output (a sum, an
    element by its index, a box, a region).
    """
    heads = lens.heads(score)
    asked = parse_target(target, heads, lens.model) if isinstance(target, str) else target
    if isinstance(asked, Target) and (asked.index is not None or asked.weight != 1):
        return None
    if not isinstance(asked, Target | int | None):
        return None
    settled = subject.settled
    if len(settled.keys) != 1 or settled.index[0].shape[1] != 1 or not settled.batched:
        return None
    (key,) = settled.keys
    if key.transform != "raw":
        return replace(subject, objective=settled)
    for head in heads.values():
        if head.tensor == key.tensor and (head.binary or head.one_score_per_class):
            logarithm = TermKey(
                head.logits,
                "log-sigmoid" if head.activation == "sigmoid" else "log-softmax",
                head.softmax_axis,
                head.batch_axis,
            )
            return replace(subject, objective=replace(settled, keys=(logarithm,)))
    return None


def class_of(subject: Subject) -> int:
    """The number of a sample's own top class; of a single neuron 1 or 0."""
    settled: Objective = subject.settled
    head = settled.own[0]
    if head is not None and head.binary:
        return int(settled.sign[0][0, 0] > 0)
    return int(settled.index[0][0, 0])
