"""What an embedded file explains: a target that is the same question of every input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import TargetError
from inspector.model import Model
from inspector.objectives import OWN, Head, Objective, find_default, resolve
from inspector.objectives.heads import Score

if TYPE_CHECKING:
    from inspector.objectives import AnyTargets

__all__ = ["describe", "find_question", "takes_class"]

_ADVICE = "name a target that is the same for every input, such as 'OUTPUT[3]' (--target, target=)"


def find_question(
    target: AnyTargets, model: Model, heads: Mapping[str, Head], score: Score, class_input: bool
) -> Objective:
    """The objective of one sample, whichever it is.

    Args:
        target: None: each sample's own top class.
        model, heads, score: as for `resolve`.
        class_input: whether the class is to be asked for by an input of the file.

    Raises:
        TargetError: what is explained depends on the input in a way that only `explain` finds out (the best box of a
            detector, the places of a mask), there is a target for each sample, or no class that an input could name.
    """
    if target is not None and not isinstance(target, str) and isinstance(target, list | tuple | np.ndarray):
        raise TargetError("a file explains one target, not a list with one for each sample")
    if target is None:
        default = find_default(heads, model)
        if default.pick is not None:
            raise TargetError(
                f"the model is taken for {default.kind}: which element is explained depends on the input; {_ADVICE}"
            )
    batch = model.inputs[0].shape if model.inputs else None

    def values(name: str) -> NDArray[Any]:
        """The shape of what has a number for each sample; anything more would be one input's answer."""
        tensor = model.tensor(name)
        if batch and tensor is not None and tensor.shape == batch[:1]:
            return np.zeros(1, dtype=np.float32)
        raise TargetError(f"which elements of '{name}' are meant depends on the input or its size; {_ADVICE}")

    objective = resolve(target, 1, model, heads, values, score)
    if class_input and not takes_class(objective):
        raise TargetError(
            f"a class input asks for a class of one output, and '{describe(objective)}' leaves none open: leave the "
            "target out, or the class input"
        )
    return objective


def takes_class(objective: Objective) -> bool:
    """Whether it is the top class of one output, in whose place another can be asked for."""
    one = len(objective.keys) == 1 and objective.index[0].shape == (1, 1) and objective.batched
    return one and (_is_binary(objective) or bool(objective.index[0] == OWN))


def _is_binary(objective: Objective) -> bool:
    head = objective.own[0]
    return head is not None and head.binary


def describe(objective: Objective) -> str:
    """In words, for people and the file's metadata."""
    (text,) = objective.describe()
    return f"top class of {text}" if objective.own[0] is not None else text
