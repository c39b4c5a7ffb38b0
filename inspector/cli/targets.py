"""The targets of each picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from inspector.cli.words import as_spelt

if TYPE_CHECKING:
    from inspector.lens import Inspector

__all__ = ["one_target_each", "several_targets_each"]


def one_target_each(targets: Sequence[str], count: int, lens: Inspector) -> list[str | None]:
    """As many targets as pictures; None stands for the picture's own top class.

    Raises TargetError where there are neither one nor as many as pictures.
    """
    from inspector.errors import TargetError

    if not targets:
        return [None] * count
    names = [output.name for output in lens.outputs]
    spelt: list[str | None] = [as_spelt(target, names) for target in targets]
    if len(spelt) == 1:
        return spelt * count
    if len(spelt) != count:
        raise TargetError(
            f"{len(spelt)} targets for {count} pictures: give one for all of them, or one for each; several for the "
            "same picture stand in one, separated by a semicolon."
        )
    return spelt


def several_targets_each(targets: Sequence[str], count: int, lens: Inspector) -> list[list[str | None]]:
    """The same, where one text may hold several targets, separated by semicolons: `cat; dog`."""
    labels = {label for names in lens.labels.values() for label in names}
    return [
        [target] if target is None or target in labels else [part.strip() for part in target.split(";")]
        for target in one_target_each(targets, count, lens)
    ]
