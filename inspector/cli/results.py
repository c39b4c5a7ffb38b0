"""Results of `explain`: the questions, the answers, and the table and JSON of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.cli.console import print_path, print_table, table
from inspector.cli.verdicts import STYLES

if TYPE_CHECKING:
    from inspector.explain import Explanation
    from inspector.images import Picture

__all__ = ["Question", "Result", "notes_on", "print_results", "record", "target_text", "verdict"]


@dataclass(frozen=True)
class Question:
    """One picture, one target, and the layers that a map is made at.

    Attributes:
        number: of the picture, from 1.
        picture: what is explained.
        asked: the target as it was typed; None: the picture's own top class.
        layers: names; None: the method's own default.
    """

    number: int
    picture: Picture
    asked: str | None
    layers: tuple[str, ...] | None


@dataclass
class Result:
    """The answer of one method, and the files that show it.

    Attributes:
        question: what was asked.
        method: that was asked for; None: it was left open.
        found: the heatmap; None where the method does not work here.
        reason: why it does not.
        seconds: that it took.
        checked: whether its gradient was to be checked.
        files: that show it.
    """

    question: Question
    method: str | None
    found: Explanation | None
    reason: str = ""
    seconds: float = 0.0
    checked: bool = True
    files: list[Path] = field(default_factory=list)


def target_text(found: Explanation) -> str:
    """The target of the first sample, in words."""
    return found.target[0]


def score_of(found: Explanation) -> float:
    return float(found.score[0])


def verdict(result: Result) -> str:
    """Of the gradient check, in a word or two."""
    if result.found is None:
        return "does not work here"
    if result.found.check is not None:
        return result.found.check.verdict
    return "no gradient" if result.checked else "not checked"


def record(result: Result) -> dict[str, Any]:
    """A result as JSON has it."""
    picture, found = result.question.picture, result.found
    head = {"image": picture.name, "path": picture.path}
    if found is None:
        return {**head, "target": result.question.asked, "method": result.method, "error": result.reason}
    return {
        **head,
        "target": target_text(found),
        "score": score_of(found),
        "layer": found.layer,
        "method": found.method,
        **({"relevance": found.heatmap[0].tolist()} if found.heatmap.ndim == 2 else {}),
        "measures": dict(found.measures),
        "check": found.check.to_json() if found.check is not None else None,
        "notes": [*picture.notes, *found.notes_of(0)],
        "seconds": result.seconds,
        "files": result.files,
    }


def notes_on(results: Sequence[Result]) -> list[str]:
    """What is to be said of the results, each thing once: of which picture, where there are several, and of which
    methods, where it does not hold for all of them.
    """
    worked = [(result.question.picture.name, result.found) for result in results if result.found is not None]
    pictures, methods = {name for name, _ in worked}, {found.method for _, found in worked}
    said: dict[str, list[str]] = {}
    for name, found in worked:
        for message in found.notes_of(0):
            of_all = message in found.notes or len(pictures) == 1
            about = said.setdefault(message if of_all else f"{name}: {message}", [])
            about += [] if found.method in about else [found.method]
    notes = [
        message if len(about) == len(methods) else f"{', '.join(about)}: {message}"
        for message, about in said.items()
    ]
    return notes + list(dict.fromkeys(f"{one.method}: {one.reason}" for one in results if one.found is None))


def print_results(results: Sequence[Result], timed: bool) -> None:
    """A table of what worked, a line for each method that does not, and the files."""
    from rich.text import Text

    right = [("seconds", "right")] if timed else []
    made = table([("image", "left"), ("target", "left"), ("score", "right"), ("layer", "left"),
                  *right, ("method", "left"), ("check", "left")])  # fmt: skip
    for result in results:
        found = result.found
        if found is None:
            continue
        word = verdict(result)
        seconds = [f"{result.seconds:.1f}"] if timed else []
        made.add_row(
            Text(result.question.picture.name), Text(target_text(found)), f"{score_of(found):.4g}",
            Text(found.layer or "input"), *seconds, found.method, Text(word, style=STYLES.get(word, "")),
        )  # fmt: skip
    print_table(made)
    for path in dict.fromkeys(path for result in results for path in result.files):
        print_path(path)
