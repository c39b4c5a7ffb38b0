"""Targets whose elements are found in each sample: the third best class, the best box of a class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import TargetError
from inspector.model import Model, shape_text
from inspector.objectives.boxes import Candidates, Values, best_box
from inspector.objectives.choices import Box, Region, Value
from inspector.objectives.classes import class_number
from inspector.objectives.defaults import Default, find_default
from inspector.objectives.heads import Head, is_float
from inspector.objectives.target import AnyTarget, Target, TargetSum, in_words, weighted

__all__ = ["Question", "has_choice"]


def has_choice(target: AnyTarget) -> bool:
    """Whether anything of it is to be found in each sample."""
    return any(each.choice is not None for each in _terms(target))


@dataclass(frozen=True)
class Question:
    """What targets are asked of.

    Attributes:
        model, heads: whose outputs are meant.
        head: finds an output by name; None: the default one.
        values: computes a tensor for the samples at hand.
    """

    model: Model
    heads: Mapping[str, Head]
    head: Callable[[str | None], Head]
    values: Values

    def settle(self, target: AnyTarget, sample: int) -> tuple[AnyTarget, str | None]:
        """`target` in classes and indices, and in words; as it is, without words, where nothing is to be found.

        Raises:
            TargetError: a rank, region, box or value that this sample's output does not have.
        """
        if not has_choice(target):
            return target, None
        parts = [self._term(each, sample) for each in _terms(target)]
        terms = tuple(each for part, _ in parts for each in _terms(part))
        (first, *others) = terms
        return TargetSum(terms) if others else first, in_words(text for _, text in parts)

    def detector(self) -> Default:
        """What is known of the detector.

        Raises:
            TargetError: the model is taken for none.
        """
        found = find_default(self.heads, self.model)
        if found.boxes is None:
            raise TargetError(
                f"box() asks for a detector, and the model is taken for {found.kind}: name an output's elements, such "
                "as 'OUTPUT[0, 17, 4]'"
            )
        return found

    def value_head(self, output: str | None) -> Head:
        """The output with one number per sample.

        Raises:
            TargetError: it has more, or there are several outputs that could be meant.
        """
        if output is not None:
            return self._single(self.head(output))
        single = [head for head in self.heads.values() if is_float(head) and head.binary]
        if len(single) != 1:
            names = ", ".join(
                f"'{head.name}' {shape_text(head.shape)}" for head in single or self.heads.values()
            )
            many = "several outputs have" if single else "no output has"
            raise TargetError(f"value: {many} one number for each sample; name one, value(OUTPUT): {names}")
        return single[0]

    def _single(self, head: Head) -> Head:
        if not head.binary and not (head.shape is not None and len(head.shape) == 1):
            raise TargetError(
                f"value({head.name}): it has shape {shape_text(head.sample_shape)} after the batch axis, not one "
                f"number: name an element, such as '{head.name}[0]'"
            )
        return head

    def _term(self, target: Target, sample: int) -> tuple[AnyTarget, str]:
        choice = target.choice
        if isinstance(choice, Box):
            return self._box(target, choice, sample)
        if isinstance(choice, Value):
            head = self.value_head(target.output)
            index = replace(target, output=head.name, index=Ellipsis, choice=None)
            return index, weighted(target, head.name)
        if isinstance(choice, Region):
            return self._region(target, choice, sample)
        if choice is None and (target.index is not None or target.label is not None):
            return target, str(target)
        # the top class stands beside one of another rank, or beside a box: it is named too
        head = self.head(target.output)
        number = self._ranked(head, choice.number if choice is not None else 0, sample)
        found = replace(target, output=head.name, label=number, choice=None)
        return found, str(replace(found, label=head.label(number) or number))

    def _ranked(self, head: Head, rank: int, sample: int) -> int:
        """The number of the class that comes after `rank` better ones."""
        scores = self._sample(head, sample)
        if head.binary:
            classes = 2
            order = [int(scores.item() >= 0), int(scores.item() < 0)]
        elif scores.ndim == 1 or head.one_score_per_class:
            classes = scores.size
            order = np.argsort(-scores.ravel(), kind="stable").tolist()
        else:
            order = _by_places(scores, head)
            classes = scores.shape[head.sample_class_axis]
        if rank < len(order):
            return int(order[rank])
        why = f"'{head.name}' has {classes} classes"
        if rank < classes:
            why = f"only {len(order)} of the {classes} classes of '{head.name}' are predicted anywhere"
        raise TargetError(f"top[{rank}] of sample {sample}: {why}")

    def _region(self, target: Target, region: Region, sample: int) -> tuple[Target, str]:
        head = self.head(target.output)
        scores = self._sample(head, sample)
        axes = len(region.shape or region.index)
        asked = str(replace(target, weight=1.0, log=False))
        if axes == scores.ndim and target.label is None:
            index = _checked(region, scores.shape, asked)
            return replace(target, output=head.name, index=index, choice=None), str(target)
        axis = head.sample_class_axis
        sides = scores.shape[:axis] + scores.shape[axis + 1 :]
        if axes != len(sides):
            raise TargetError(
                f"{asked}: '{head.name}' has maps of {shape_text(sides) if sides else 'no axes'}; give a range for "
                "each of their axes, or a mask of that shape"
            )
        places = _checked(region, sides, asked)
        if target.label is None:
            inside = np.moveaxis(scores, axis, 0)[(slice(None), *places)]
            number = int(np.bincount(inside.argmax(axis=0).ravel()).argmax())
        else:
            number = class_number(head, target.label)
        index = (*places[:axis], number, *places[axis:])
        if region.shape is not None:
            # beside lists of places a number must be a list of the same length
            index = tuple([number] * len(places[0]) if isinstance(each, int) else each for each in index)
        found = replace(target, output=head.name, label=None, index=index, choice=None)
        return found, str(replace(target, output=head.name, label=head.label(number) or number))

    def _box(self, target: Target, box: Box, sample: int) -> tuple[AnyTarget, str]:
        if target.log:
            raise TargetError(f"{target}: a box has no log-probability: leave logp() out")
        found = self.detector()
        assert found.boxes is not None
        candidates: Candidates = found.boxes(self.values, sample)
        number = None if target.label is None else candidates.class_number(target.label)
        picked, text = best_box(candidates, box.number, number)
        return picked * target.weight if target.weight != 1 else picked, weighted(target, text)

    def _sample(self, head: Head, sample: int) -> NDArray[Any]:
        """What `head` says of one sample; of an output without a batch axis all of it."""
        values = self.values(head.tensor)
        if head.shape is not None and len(head.shape) == 1:
            return values.reshape(-1) if not head.binary else values[sample : sample + 1]
        return np.asarray(np.moveaxis(values, head.batch_axis, 0)[sample])


def _by_places(scores: NDArray[Any], head: Head) -> list[int]:
    """Classes by how many places predict them, those that none predicts left out."""
    counts = np.bincount(scores.argmax(axis=head.sample_class_axis).ravel())
    order = np.argsort(-counts, kind="stable")
    return [int(number) for number in order if counts[number]]


def _checked(region: Region, sides: tuple[int, ...], asked: str) -> tuple[Any, ...]:
    """The region's places in maps of `sides`.

    Raises:
        TargetError: it lies outside, or is empty, or the mask has another shape.
    """
    if region.shape is not None:
        if region.shape != sides:
            raise TargetError(
                f"{asked}: the mask is {shape_text(region.shape)}, the output's own maps are {shape_text(sides)}"
            )
        return region.index
    for each, side in zip(region.index, sides, strict=True):
        start, stop = each.start or 0, side if each.stop is None else each.stop
        if not 0 <= start < stop <= side:
            raise TargetError(
                f"{asked}: {start}:{stop} does not lie in 0:{side}; the maps are {shape_text(sides)}"
            )
    return region.index


def _terms(target: AnyTarget) -> tuple[Target, ...]:
    return target.targets if isinstance(target, TargetSum) else (target,)
