"""What targets ask of a model, found once for each."""

from __future__ import annotations

from inspector.lens.opened import Opened, Score
from inspector.objectives import AnyTargets, Objective, resolve
from inspector.session import Array, Cache, Feeds, batch_size

__all__ = ["Asked"]

_KEPT = 256


class Asked:
    """The objectives of one model's targets that do not depend on what the samples show."""

    def __init__(self) -> None:
        self._kept: Cache[Objective] = Cache(_KEPT)

    def objective(self, lens: Opened, feeds: Feeds, target: AnyTargets, score: Score) -> Objective:
        """What `target` asks of these samples, by `lens`, which is always the same one.

        Raises:
            TargetError: it does not fit the model.
        """
        samples = batch_size(feeds)
        looked = False

        def values(name: str) -> Array:
            nonlocal looked
            looked = True
            return lens.evaluator.values(feeds, [name])[name]

        def find() -> Objective:
            return resolve(target, samples, lens.model, lens.heads(score), values, score)

        if not (target is None or isinstance(target, str | int)):
            return find()
        # (a class's number equals True, which is none)
        key = (target, type(target), samples, score)
        if key in self._kept:
            return self._kept.get(key, find)
        objective = find()
        return objective if looked else self._kept.get(key, lambda: objective)
