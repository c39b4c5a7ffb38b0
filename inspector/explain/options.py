"""The options that a function takes: shown in one signature, and checked against their defaults."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np

from inspector.errors import InputError, InspectorError

__all__ = ["options_of", "require_options", "unknown", "with_options"]

# words, numbers and arrays are all good; the function itself looks at them
DIVERSE = ("baseline",)

Outer = TypeVar("Outer", bound=Callable[..., Any])


def with_options(inner: Callable[..., Any]) -> Callable[[Outer], Outer]:
    """Of a function that hands its other keywords on to `inner`: its signature shows the keywords of both."""

    def shown(outer: Outer) -> Outer:
        own, handed = inspect.signature(outer), inspect.signature(inner).parameters.values()
        keywords = [each for each in handed if each.kind is each.KEYWORD_ONLY]
        kept = [each for each in own.parameters.values() if each.kind is not each.VAR_KEYWORD]
        named: Any = outer
        named.__signature__ = own.replace(parameters=[*kept, *keywords])
        named.__doc__ = inner.__doc__
        return outer

    return shown


def options_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The keywords of a function and their defaults."""
    parameters = inspect.signature(function).parameters.values()
    return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """That there is no such method, metric, ...; which may be meant, and all that there are."""
    names = list(known)
    near = difflib.get_close_matches(name.casefold().replace("_", "-"), names)
    meant = f": is {' or '.join(near)} meant?" if near else ";"
    return f"there is no {kind} '{name}'{meant} {kind}s: {', '.join(names)}"


def require_options(owner: str, options: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Check `options` against those that `owner` ("method rise") takes, and their defaults.

    Raises:
        InspectorError: it has no such option.
        InputError: where the default is true or false, a whole number, a number or a word, the value is none.
    """
    for name, value in options.items():
        if name not in known:
            listed = ", ".join(f"{key}={default!r}" for key, default in known.items())
            raise InspectorError(
                f"{owner} takes no option '{name}'" + (f"; its options: {listed}" if listed else "")
            )
        wanted = None if name in DIVERSE else _misfit(known[name], value)
        if name == "seed" and wanted is None and value < 0:
            wanted = "a whole number from 0 upwards"
        if wanted is not None:
            raise InputError(f"option {name} of {owner} is {wanted}, not {value!r}")


def _misfit(default: Any, value: Any) -> str | None:
    """What a value should be to stand in the place of `default`; None where it is that, or where only the function
    itself can tell.
    """
    truth = isinstance(value, bool | np.bool_)
    if isinstance(default, bool):
        return None if truth else "true or false"
    if isinstance(default, int):
        return None if isinstance(value, Integral) and not truth else "a whole number"
    if isinstance(default, float):
        number = isinstance(value, Real) and not truth and math.isfinite(value)
        return None if number else "a finite number"
    if isinstance(default, tuple):
        every = value if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) else ()
        return None if len(every) and not any(_misfit(0.0, each) for each in every) else "numbers: 0.1,0.2"
    if isinstance(default, str):
        return None if isinstance(value, str) else "a word"
    return None
