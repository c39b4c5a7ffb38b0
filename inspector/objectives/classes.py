"""Classes by name or number."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.errors import TargetError
from inspector.objectives.heads import Head
from inspector.objectives.parse import INTEGER

__all__ = ["class_number", "number_of"]


def class_number(head: Head, label: str | int) -> int:
    """The number of a class given by name or number.

    Raises:
        TargetError: the head has no such class.
    """
    return number_of(label, head.labels, head.classes, head.name)


def number_of(label: str | int, labels: Sequence[str], classes: int | None, output: str) -> int:
    """The same of `classes` classes (None: as many as one likes) with the names `labels`."""
    if isinstance(label, str):
        if label in labels:
            return labels.index(label)
        folded = [name.casefold() for name in labels]
        if folded.count(label.casefold()) == 1:
            return folded.index(label.casefold())
        if not INTEGER.fullmatch(label):
            known = f"its labels are {_few(labels)}" if labels else "it has no labels: give a class number"
            raise TargetError(f"'{output}' has no class '{label}'; {known}")
    number = int(label)
    if classes is not None and not 0 <= number < classes:
        raise TargetError(
            f"class {number} is out of range: '{output}' has {classes} classes, 0 to {classes - 1}"
        )
    return number


def _few(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f", ... ({len(names)} in all)" if len(names) > most else "")
