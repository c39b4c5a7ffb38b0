"""How much of each input token the score's own tokens have read, followed through all layers of attention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError, LayerNotFound
from inspector.explain.attention.matrices import Attentions, find_attentions
from inspector.explain.relevance import Relevance, Scene
from inspector.objectives import Evaluator, Gradients

__all__ = ["Heads", "attention_rollout", "gradient_rollout"]

Heads = Literal["mean", "min", "max"]
Matrices = NDArray[np.float64]

INSIDE = "the attention matrices lie inside operators: finite differences of the file cannot reach the gradient at them"

FUSED: dict[Heads, Callable[[Matrices], Matrices]] = {
    "mean": lambda heads: np.asarray(heads.mean(axis=1)),
    "min": lambda heads: np.asarray(heads.min(axis=1)),
    "max": lambda heads: np.asarray(heads.max(axis=1)),
}


def attention_rollout(
    scene: Scene, *, heads: Heads = "mean", residual: float = 0.5, discard: float = 0.0
) -> Relevance:
    """Abnar & Zuidema, Quantifying Attention Flow in Transformers, ACL 2020, section 3, attention rollout.

    Each layer's matrix A, fused over its heads, is (1 - residual) A + residual I with rows that sum to one; their
    product over the layers says what share of each input token a token of the last layer is made of. The map is the row
    of the token that the score reads (the class token), or the mean over the rows of all that it reads. It is the same
    for every
    class: it shows where the model looks, not what for.

    Args:
        scene: to explain.
        heads: how they are fused: "mean" as in the paper, "min" and "max" as in vit-explain.
        residual: the share of what skips the attention; the paper's is one half.
        discard: the share of the smallest entries of each fused matrix that are set to zero, against noise
            (vit-explain).

    Raises:
        LayerNotFound: the model has no attention over all tokens.
        InputError: an option does not fit.
    """
    if heads not in get_args(Heads):
        raise InputError(f"attention heads are fused by {', '.join(get_args(Heads))}, not '{heads}'")
    if not (0 <= residual < 1 and 0 <= discard < 1):
        raise InputError(f"residual and discard are shares below 1, not {residual} and {discard}")
    found = find_attentions(scene)
    samples = len(scene.subject.x)
    values = found.evaluator.values(scene.subject.feeds, found.names)
    rolled = np.broadcast_to(np.eye(found.tokens), (samples, found.tokens, found.tokens))
    for number, name in enumerate(found.names):
        fused = _without_smallest(FUSED[heads](found.heads(number, values[name], samples)), discard)
        mixed = (1 - residual) * fused + residual * np.eye(found.tokens)
        # a token all of whose attention was discarded passes on itself
        total = mixed.sum(axis=-1, keepdims=True)
        mixed = np.where(total > 0, mixed / np.where(total > 0, total, 1), np.eye(found.tokens))
        rolled = mixed @ rolled
    return Relevance(found.maps(rolled[:, found.rows].mean(axis=1)))


def gradient_rollout(scene: Scene) -> Relevance:
    """Chefer, Gur & Wolf, Generic Attention-model Explainability, ICCV 2021, section 3.1, equations 5, 6 and 10.

    Each layer's matrix is weighted by the score's gradient at it, cut off at zero, and averaged over the heads: A =
    mean of (gradient * attention)+; R = R + A R over the layers, from the identity. The map is what R holds beyond the
    identity in the row of the token that the score reads (the class token), or the mean over the rows of all that it
    reads, in units of the score. Unlike the rollout of attention alone it depends on the class.

    Raises:
        LayerNotFound: the model has no attention over all tokens.
        NotDifferentiable: an operator without a derivative lies on the way.
    """
    found = find_attentions(scene)
    subject = scene.subject
    samples = len(subject.x)
    if not subject.objective.batched:
        raise LayerNotFound("the target is one number for the whole batch: it has no map for each sample")
    # what finite differences of the file can reach is pulled back as for any method, and checked
    reached = set(found.names) <= _tensors(subject.evaluator)
    evaluator = subject.evaluator if reached else found.evaluator
    pulled = evaluator.gradients(subject.feeds, subject.settled, found.names, found.names)
    eye = np.broadcast_to(np.eye(found.tokens), (samples, found.tokens, found.tokens))
    rolled: Matrices = eye
    for number, name in enumerate(found.names):
        values, gradient = (
            found.heads(number, each[name], samples) for each in (pulled.tensors, pulled.gradients)
        )
        rolled = rolled + np.maximum(values * gradient, 0).mean(axis=1) @ rolled
    maps = found.maps((rolled - eye)[:, found.rows].mean(axis=1))
    notes = () if reached else (INSIDE,)
    return Relevance(maps, _first(found, pulled) if reached else None, notes=notes)


def _without_smallest(fused: Matrices, share: float) -> Matrices:
    """The smallest `share` of the entries of each sample's matrix set to zero."""
    flat = fused.reshape(len(fused), -1).copy()
    count = int(flat.shape[1] * share)
    if count:
        smallest = np.argpartition(flat, count - 1, axis=1)[:, :count]
        np.put_along_axis(flat, smallest, 0.0, axis=1)
    return flat.reshape(fused.shape)


def _tensors(evaluator: Evaluator) -> set[str]:
    """Names of the tensors that the gradient is taken at."""
    return {str(value.name) for node in evaluator.lowered.model.graph for value in node.outputs}


def _first(found: Attentions, pulled: Gradients) -> Gradients:
    """The gradient at the first matrix, which passes through all others: one check for all."""
    name = found.names[0]
    return replace(pulled, gradients={name: pulled.gradients[name]}, tensors={name: pulled.tensors[name]})
