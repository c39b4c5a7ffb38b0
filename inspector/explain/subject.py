"""One question to one model, asked again of other inputs: what perturbations and paths are run through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inspector.errors import LayerNotFound
from inspector.objectives import Evaluator, Gradients, Objective
from inspector.session import Array, Feeds

if TYPE_CHECKING:
    from inspector.autodiff import RuleTable

__all__ = ["BATCH", "Progress", "Subject", "Variant"]

Progress = Callable[[int, int], None]
Variant = tuple[int, Array]
"""The number of a sample and an array to take the place of it."""

# variants of a sample that are run at once
BATCH = 16


@dataclass(frozen=True)
class Subject:
    """A score for each sample, as a function of one input of the model.

    Attributes:
        evaluator: of the model.
        feeds: all its inputs.
        objective: the resolved target; classes left open are those that the samples have as they are.
        tensor: the input that is varied, (N, ...).
        batch: how many variants are run at once.
        progress: called with (variants done, variants in all) while many are run.
    """

    evaluator: Evaluator
    feeds: Feeds
    objective: Objective
    tensor: str
    batch: int = BATCH
    progress: Progress | None = None

    @property
    def x(self) -> Array:
        """(N, ...): the input as it is."""
        return self.feeds[self.tensor]

    @cached_property
    def settled(self) -> Objective:
        """The objective with each sample's own class written down, so that variants are asked for the same one."""
        return self.objective.settle(self._scored_tensors)

    @cached_property
    def score(self) -> NDArray[np.float64]:
        """(N,): the scores of the samples as they are."""
        return self.objective.evaluate(self._scored_tensors)

    @cached_property
    def _scored_tensors(self) -> dict[str, Array]:
        return self.evaluator.values(self.feeds, self.objective.tensors)

    def scores(self, variants: Iterable[Variant], total: int) -> NDArray[np.float64]:
        """The score of each of `total` variants, run `batch` at a time."""
        return np.concatenate([np.zeros(0), *self.scored(variants, total)])

    def scored(self, variants: Iterable[Variant], total: int) -> Iterator[NDArray[np.float64]]:
        """The same, batch by batch."""
        memory = np.empty((self.batch, *self.x.shape[1:]), self.x.dtype)
        for rows, arrays in self._batches(variants, total):
            # one array for all batches: fresh memory costs as much as what is written to it
            together = memory[: len(rows)]
            np.stack(arrays, out=together, casting="unsafe")
            yield self.at(together, rows).score

    def gradients(
        self,
        variants: Iterable[Variant],
        total: int,
        wrt: Sequence[str] = (),
        keep: Sequence[str] = (),
        rules: RuleTable | None = None,
    ) -> Iterator[tuple[list[int], Gradients]]:
        """Row numbers and gradients at `wrt` (the input itself where none is named) of variants, batch by batch."""
        for rows, arrays in self._batches(variants, total):
            changed = self.at(np.stack(arrays), rows)
            yield (
                rows,
                changed.evaluator.gradients(
                    changed.feeds, changed.objective, wrt or [self.tensor], keep, rules
                ),
            )

    def at(self, x: Array, rows: Sequence[int]) -> Subject:
        """The same question of `x`, whose samples take the place of the samples `rows`.

        Raises:
            LayerNotFound: the samples of the input are not along its first axis, or meet in the target.
        """
        if not self.settled.batched:
            raise LayerNotFound(
                "the target is one number for the whole batch: it cannot be asked of variants of its samples"
            )
        batched = self.evaluator.model.batched_inputs
        if self.tensor not in batched:
            raise LayerNotFound(f"the samples of a batch do not lie along the first axis of '{self.tensor}'")
        feeds = {
            name: array[list(rows)] if name in batched and array.ndim else array
            for name, array in self.feeds.items()
            if name != self.tensor
        }
        feeds[self.tensor] = np.asarray(x, dtype=self.x.dtype)
        return replace(self, feeds=feeds, objective=self.settled.take(rows))

    def after(self, tensor: str) -> Subject:
        """The same question as a function of an intermediate tensor, which becomes an input.

        Raises:
            LayerNotFound: as for `at`.
        """
        if tensor == self.tensor:
            return self
        evaluator = self.evaluator.after(tensor, self.objective.tensors)
        given = self.evaluator.values(self.feeds, [tensor])
        needed = {each.name for each in evaluator.model.inputs}
        feeds = {name: array for name, array in {**self.feeds, **given}.items() if name in needed}
        return replace(self, evaluator=evaluator, feeds=feeds, objective=self.settled, tensor=tensor)

    def _batches(self, variants: Iterable[Variant], total: int) -> Iterator[tuple[list[int], list[Array]]]:
        stream = iter(variants)
        done = 0
        while chunk := list(islice(stream, self.batch)):
            yield [row for row, _ in chunk], [array for _, array in chunk]
            done += len(chunk)
            if self.progress is not None:
                self.progress(done, total)
