"""`Target`: which number of the model's output is to be explained, and sums of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import TypeAlias

__all__ = ["AnyTarget", "Index", "Target", "TargetSum"]

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

    Without `index` and `label`: each sample's own top class.
    """

    output: str | None = None
    index: Index | None = None
    label: str | int | None = None
    batched: bool = True
    weight: float = 1.0
    log: bool = False

    def __post_init__(self) -> None:
        if self.index is not None and self.label is not None:
            raise ValueError("a target has an index or a label, not both")

    def log_probability(self) -> Target:
        """The logarithm of the class's probability in place of its logit."""
        return replace(self, log=True)

    def _targets(self) -> tuple[Target, ...]:
        return (self,)

    def __str__(self) -> str:
        text = self._element()
        text = f"logp({text})" if self.log else text
        return text if self.weight == 1 else f"{self.weight:g}*{text}"

    def _element(self) -> str:
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
        text = " + ".join(map(str, self.targets))
        return text.replace("+ -1*", "- ").replace("+ -", "- ")


AnyTarget: TypeAlias = "Target | TargetSum"


def _index_text(item: IndexItem) -> str:
    if isinstance(item, slice):
        ends = ["" if end is None else str(end) for end in (item.start, item.stop)]
        return ":".join(ends) + (f":{item.step}" if item.step is not None else "")
    return "..." if item is Ellipsis else str(item)
