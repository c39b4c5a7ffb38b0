"""What `--method` and `--set` say: one method or several, and the options of each."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from inspector.cli.words import parse_settings

__all__ = ["BUDGETS", "MethodsCommand", "method_names", "options_by_method"]

# for `--method all`, where each method is one of many: a tenth to a half of its own defaults
BUDGETS: Mapping[str, Mapping[str, int]] = {
    "gradient-shap": {"samples": 20},
    "smoothgrad": {"samples": 20},
    "vargrad": {"samples": 20},
    "squaregrad": {"samples": 20},
    "deeplift-shap": {"samples": 4},
    "conductance": {"steps": 20},
    "internal-influence": {"steps": 20},
    "rise": {"masks": 500},
    "lime": {"samples": 300},
    "kernel-shap": {"samples": 500},
    "sobol": {"designs": 8},
    "hsic": {"samples": 250},
}


class MethodsCommand(click.Command):
    """A command whose help ends with the methods by family; the table of methods is loaded for that alone."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from inspector.explain import FAMILIES

        with formatter.section("Methods"):
            for family, methods in FAMILIES.items():
                # click would break a name at its hyphen
                indent = " " * formatter.current_indent
                lines = textwrap.wrap(
                    f"{family}: {', '.join(methods)}", formatter.width, initial_indent=indent,
                    subsequent_indent=indent * 2, break_on_hyphens=False,
                )  # fmt: skip
                formatter.write("\n".join(lines) + "\n")
        super().format_epilog(ctx, formatter)


def method_names(text: str | None) -> list[str | None]:
    """The methods that `--method` names: one, several separated by commas, or `all`; [None] where it is not given.

    Raises InspectorError where one does not exist.
    """
    from inspector.explain import METHODS, find_method

    if text is None:
        return [None]
    if text.strip() == "all":
        return list(METHODS)
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise click.BadParameter("it names no method: give one, several separated by commas, or all.")
    for name in names:
        find_method(name)
    return list(names)


def options_by_method(
    pairs: Iterable[str], names: Sequence[str | None], everything: bool
) -> dict[str | None, dict[str, Any]]:
    """What each method is given: the budget of a comparison of all, and what `--set` says over it.

    `key=value` goes to every method that has the option, `method.key=value` to one. Raises InspectorError where none
    takes it.
    """
    from inspector.explain import METHODS, find_method

    given: dict[str | None, dict[str, Any]] = {
        name: dict(BUDGETS.get(name or "", {})) if everything else {} for name in names
    }
    for pair in pairs:
        first, dot, rest = pair.partition(".")
        owner = first if dot and first in METHODS else None
        settings = parse_settings([rest if owner else pair])
        takers = [owner] if owner else [name for name in names if name is None or _takes(name, settings)]
        for name in takers:
            if name not in given:
                raise click.BadParameter(f"--set {pair}: {name} is not among the methods asked for.")
            if owner is not None:
                find_method(owner).require(owner, settings)
            given[name].update(settings)
        if not takers and len(names) == 1:
            find_method(str(names[0])).require(str(names[0]), settings)
        elif not takers:
            raise click.BadParameter(f"--set {pair}: none of the methods has such an option.")
    return given


def _takes(name: str, settings: Mapping[str, Any]) -> bool:
    from inspector.explain import find_method

    return all(key in find_method(name).options for key in settings)
