"""Options that one function adds to another's."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["with_options"]

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
