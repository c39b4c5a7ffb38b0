"""`Target`: which number of the model's output is to be explained, and sums of several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import TypeAlias

from numpy.typing import ArrayLike

from inspector.objectives.choices import Box, Choice, Ranked, Region, Value, region_of

__all__ = ["AnyTarget", "Index", "Target", "TargetSum", "in_words", "weighted"]

IndexItem: TypeAlias = "int | slice | EllipsisType | Sequence[int]"
Index: TypeAlias = "IndexItem | tuple[IndexItem, ...]"


class _Composable:
    """Sums, differences and multiples of targets."""

    def _targets(self) -> tuple[Target, ...]:
        raise TypeError("only Target and TargetSum are composed")

    def __add__(self, other: AnyTarget) -> TargetSum:
        return TargetSum(self._targets() + other._targets())

    def __radd__(self, other: int) -> TargetSum:
        # sum() starts from 0
        if other != 0:
            return NotImplemented
        return TargetSum(self._targets())

    def __sub__(self, other: AnyTarget) -> TargetSum:
        return self + -1.0 * other

    def __mul__(self, factor: float) -> TargetSum:
        return TargetSum(tuple(replace(target, weight=factor * target.weight) for target in self._targets()))

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> TargetSum:
        return self * (1 / divisor)

    def __neg__(self) -> TargetSum:
        return self * -1.0


@dataclass(frozen=True)
class Target(_Composable):
    """One class, or the elements of one output, summed.

    Args:
        output: name of an output, or of any tensor; None: the model's default output.
        index: NumPy-style, into the axes after the batch axis: `9`, `(4, 17)`, `(slice(None), 3)`. What it selects is
            summed.
        label: a class, by name or number. Of an output with a single neuron: label 1 is +logit, label 0 is -logit.
        batched: False: `index` addresses the whole tensor, batch axis included, and there is one score in all.
        weight: factor of this target in the score.
        log: the logarithm of the class's probability in place of its logit: log-softmax over the classes, or
            log-sigmoid for a single neuron.
        choice: which elements are meant, where that is found for each sample: see `top`, `region`, `box`, `value`.

    Without `index`, `label` and `choice`: each sample's own top class.
    """

    output: str | None = None
    index: Index | None = None
    label: str | int | None = None
    batched: bool = True
    weight: float = 1.0
    log: bool = False
    choice: Choice | None = None

    def __post_init__(self) -> None:
        if self.index is not None and self.label is not None:
            raise ValueError("a target has an index or a label, not both")
        if self.choice is not None and self.index is not None:
            raise ValueError("a target has an index, or is a rank, a region, a box or a value, not both")

    @classmethod
    def top(cls, count: int = 1, output: str | None = None) -> AnyTarget:
        """Each sample's `count` best classes, summed; of a map those that most places predict.

        Raises:
            ValueError: fewer than one.
        """
        if count < 1:
            raise ValueError(f"top({count}): at least one class is explained")
        best = [cls(output), *(cls.ranked(number, output) for number in range(1, count))]
        return best[0] if count == 1 else TargetSum(tuple(best))

    @classmethod
    def ranked(cls, number: int, output: str | None = None) -> Target:
        """The class that comes after `number` better ones: 0 is the top class, 1 the second best of each sample."""
        return cls(output, choice=Ranked(number)) if number else cls(output)

    @classmethod
    def contrast(cls, one: AnyTarget | str | int, other: AnyTarget | str | int) -> TargetSum:
        """What speaks for one target rather than the other: their difference. Texts and numbers are classes."""
        first, second = (cls(label=each) if isinstance(each, str | int) else each for each in (one, other))
        return first - second

    @classmethod
    def region(
        cls,
        label: str | int | None,
        places: ArrayLike | slice | Sequence[slice],
        output: str | None = None,
    ) -> Target:
        """A class's scores in a part of a map of classes, summed (segmentation).

        Args:
            label: the class; None: the one that most places of the region predict.
            places: a slice per spatial axis, `(slice(10, 50), slice(20, 90))`, or a mask of booleans, (H, W), in the
                output's own pixels.
            output: its name; None: the default one.

        Raises:
            TargetError: neither slices nor a mask, or an empty one.
        """
        return cls(output, label=label, choice=region_of(places))

    @classmethod
    def box(cls, number: int | None = None, label: str | int | None = None) -> Target:
        """The score of a detector's box: of that number, or the best-scoring one; for the class `label`, or for the
        box's own best class.
        """
        return cls(label=label, choice=Box(number))

    @classmethod
    def value(cls, output: str | None = None) -> Target:
        """The one number that a regression output has for each sample."""
        return cls(output, choice=Value())

    def log_probability(self) -> Target:
        """The logarithm of the class's probability in place of its logit."""
        return replace(self, log=True)

    def _targets(self) -> tuple[Target, ...]:
        return (self,)

    def __str__(self) -> str:
        return weighted(self, self._element())

    def _element(self) -> str:
        if self.choice is not None:
            return _choice_text(self, self.choice)
        if self.index is not None:
            items = self.index if isinstance(self.index, tuple) else (self.index,)
            return f"{self.output or ''}[{', '.join(map(_index_text, items))}]"
        if self.label is not None:
            return f"{self.output}={self.label}" if self.output else str(self.label)
        return self.output or "top class"


@dataclass(frozen=True)
class TargetSum(_Composable):
    """Several targets, added: what `+`, `-` and `*` of targets give."""

    targets: tuple[Target, ...]

    def _targets(self) -> tuple[Target, ...]:
        return self.targets

    def __str__(self) -> str:
        return in_words(map(str, self.targets))


AnyTarget: TypeAlias = "Target | TargetSum"


def weighted(target: Target, element: str) -> str:
    """The words for a target's elements, with its logarithm and its weight."""
    text = f"logp({element})" if target.log else element
    return text if target.weight == 1 else f"{target.weight:g}*{text}"


def in_words(terms: Iterable[str]) -> str:
    """Terms of a sum, one after the other."""
    return " + ".join(terms).replace("+ -1*", "- ").replace("+ -", "- ")


def _choice_text(target: Target, choice: Choice) -> str:
    """As it is typed."""
    named = f"{target.output}=" if target.output else ""
    label = None if target.label is None else f"{named}{target.label}"
    if isinstance(choice, Ranked):
        return f"{named}top[{choice.number}]"
    if isinstance(choice, Region):
        return f"region({label or target.output or 'top'}, {choice.text})"
    if isinstance(choice, Box):
        number = None if choice.number is None else str(choice.number)
        return f"box({', '.join(part for part in (number, label) if part)})"
    return f"value({target.output})" if target.output else "value"


def _index_text(item: IndexItem) -> str:
    if isinstance(item, slice):
        ends = ["" if end is None else str(end) for end in (item.start, item.stop)]
        return ":".join(ends) + (f":{item.step}" if item.step is not None else "")
    return "..." if item is Ellipsis else str(item)
