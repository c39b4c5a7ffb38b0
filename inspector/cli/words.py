"""What people type, in the spelling and the form that the library takes."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

import click

__all__ = ["as_spelt", "parse_numbers", "parse_settings"]

SPELLINGS = (("color", "colour"), ("gray", "grey"), ("center", "centre"))


def as_spelt(text: str, names: Iterable[str]) -> str:
    """`text` with `color` for `colour`, or the other way round, where only that spelling occurs among `names`."""
    every = " ".join(names)
    for pair in SPELLINGS:
        # the shorter may be part of the longer: never both ways at once
        for typed, known in (pair, pair[::-1]):
            if typed in text and known not in text and known in every and typed not in every:
                text = text.replace(typed, known)
    return text


def parse_numbers(text: str, most: int) -> list[int]:
    """`0-24`, `3`, `0-4,8,10-12` as indices below `most`; raises BadParameter naming the range there is."""
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise click.BadParameter(f"{part.strip()!r} is no number and no range: give 0-24 or 3,5,8-10.")
        largest = int(last or first)
        if max(int(first), largest) >= most:
            raise click.BadParameter(
                f"{max(int(first), largest)} is out of range: there are {most}, 0 to {most - 1}."
            )
        numbers += range(int(first), largest + 1)
    if not numbers:
        raise click.BadParameter(f"{text!r} names nothing: the first number of a range is the smaller one.")
    return list(dict.fromkeys(numbers))


def parse_settings(pairs: Iterable[str]) -> dict[str, Any]:
    """`key=value` pairs; a value that reads as a Python number, boolean, tuple or string literal is one, the name of a
    `.npy` file stands for the array in it.
    """
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip().isidentifier():
            raise click.BadParameter(f"--set takes key=value, not {pair!r}.")
        if text.endswith(".npy"):
            settings[key.strip()] = _array(text)
            continue
        try:
            settings[key.strip()] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            words = {"true": True, "false": False, "none": None}
            settings[key.strip()] = words.get(text.lower(), text)
    return settings


def _array(path: str) -> Any:
    import numpy as np

    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise click.BadParameter(f"{path!r} holds no array: {error}") from None
